import { type ChildProcess, fork } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { keyOf, type LoadRequest, type LoadResult } from "./load-protocol.ts";

/** A process that makes load; it ends with this one. */
export class Load {
  readonly #child: ChildProcess = fork(join(import.meta.dirname, "load-main.ts"), {
    execArgv: ["--max-semi-space-size=32"],
  });

  run(request: LoadRequest): Promise<LoadResult> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error("The load process ended"));
      this.#child.once("exit", onExit);
      this.#child.once("message", (result: LoadResult) => {
        this.#child.removeListener("exit", onExit);
        resolve(result);
      });
      this.#child.send(request);
    });
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** Stores a value under every key, so that reads find one. */
export async function preload(port: number, keyCount: number, valueBytes: number): Promise<void> {
  const value = "v".repeat(valueBytes);
  const socket = connect({ host: "127.0.0.1", port });
  const isEnded = new Promise<never>((_, reject) => {
    socket.on("close", () => reject(new Error(`Port ${port} closed while values were stored`)));
  });
  isEnded.catch(() => undefined); // it closes at the end as well
  let receivedBytes = 0;
  let onBytes = (): void => undefined;
  socket.on("data", (bytes: Buffer) => {
    receivedBytes += bytes.length;
    onBytes();
  });
  for (let next = 0; next < keyCount; ) {
    const until = Math.min(keyCount, next + 200);
    let text = "";
    for (let i = next; i < until; i++) text += `set ${keyOf(i)} 0 0 ${value.length}\r\n${value}\r\n`;
    next = until;
    socket.write(text, "latin1");
    while (receivedBytes < next * "STORED\r\n".length) {
      const more = new Promise<void>((resolve) => {
        onBytes = resolve;
      });
      await Promise.race([more, isEnded]);
    }
  }
  socket.destroy();
}
