import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { LoadMethods, LoadReply } from "./load-protocol.ts";

/** A process of publishers and viewers; it ends with this one. */
export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #requestCount = 0;

  constructor() {
    this.#child = fork(join(import.meta.dirname, "load-main.ts"), { execArgv: ["--max-semi-space-size=32"] });
    this.#child.on("message", (reply: LoadReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.error === undefined) waiting?.resolve(reply.result);
      else waiting?.reject(new Error(reply.error));
    });
    this.#child.on("exit", (code, signal) => {
      const error = new Error(`A load process ended with ${signal ?? code}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Has the process do something, and waits for its answer. */
  call<M extends keyof LoadMethods>(method: M, params: Parameters<LoadMethods[M]>[0]): ReturnType<LoadMethods[M]> {
    const id = ++this.#requestCount;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, method, params }, (error) => {
        if (!error) return;
        this.#waiting.delete(id);
        reject(error);
      });
    });
    return answer as ReturnType<LoadMethods[M]>;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** Starts load processes, gives them to `use`, and ends them whatever happens. */
export async function withLoad<T>(count: number, use: (...load: LoadProcess[]) => Promise<T>): Promise<T> {
  const load = Array.from({ length: count }, () => new LoadProcess());
  try {
    return await use(...load);
  } finally {
    await Promise.all(load.map((process) => process.stop()));
  }
}
