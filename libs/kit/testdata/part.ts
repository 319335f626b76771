// A part for the tests of the life cycle: its first argument says how it behaves, the rest are settings.
import { z } from "zod";
import { baseConfigShape, listenTcp, runPart } from "../src/index.ts";

const [mode = "good", ...argv] = process.argv.slice(2);
const schema = z.strictObject({ ...baseConfigShape, secretToken: z.string().default("").meta({ secret: true }) });

await runPart({
  part: "demo",
  schema,
  argv,
  env: process.env,
  files: [],
  start: async (config, { log, stop }) => {
    if (mode === "fails") throw Object.assign(new Error("no disk"), { code: "STORAGE_FULL" });
    const listener = await listenTcp({
      name: "demo",
      address: config.listen,
      onConnection: (socket) => {
        socket.on("error", () => undefined);
        if (mode === "throws") throw new Error("bug in a handler");
        if (mode === "rejects") void Promise.reject(new Error("bug in a promise"));
        socket.on("data", (bytes) => socket.write(bytes));
      },
    });
    if (mode === "done") stop();
    return {
      addresses: { demo: listener.addressText },
      close: async (graceMs) => {
        if (mode === "close-fails") throw new Error("cannot flush");
        if (mode === "close-hangs") await new Promise((resolve) => setTimeout(resolve, 60_000));
        await listener.close(graceMs);
        log.info("storage.flushed");
      },
    };
  },
});
