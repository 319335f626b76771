// Loaded into the server's process before it starts, so that a bench can ask for a garbage collection.
process.on("message", (message: { kind?: unknown }) => {
  if (message?.kind !== "collect-garbage") return;
  globalThis.gc?.();
  process.send?.({ kind: "memory", usage: process.memoryUsage() });
});
// Listening for messages must not keep a server alive that has nothing else to do.
process.channel?.unref();
