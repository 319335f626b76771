import { createLogger } from "@kagami/kit";
import { startWorkerServer, type WorkerServer } from "./worker-server.ts";
import type { FromWorker, ToWorker } from "./workers.ts";

const REPORT_MS = 1_000;

/** The whole of a worker process: does what the primary tells it, and ends with it. */
class WorkerMain {
  #server: WorkerServer | undefined;
  #workerId = 0;

  async onMessage(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case "start":
        await this.#start(message);
        break;
      case "cluster":
        this.#server?.apply(message.cluster);
        this.#report();
        break;
      case "close":
        await this.#server?.close(message.graceMs);
        process.exit(0);
        break;
      default:
        message satisfies never;
    }
  }

  async #start({ workerId, settings, cluster, logLevel }: Extract<ToWorker, { kind: "start" }>): Promise<void> {
    this.#workerId = workerId;
    const log = createLogger({ level: logLevel, fields: { part: "cacheproxy", worker: workerId } });
    try {
      this.#server = await startWorkerServer(settings, cluster, { reusePort: true, log });
    } catch (error) {
      tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
      process.exit(1);
    }
    tell({ kind: "listening", addresses: this.#server.addresses });
    this.#report();
    setInterval(() => this.#report(), REPORT_MS);
  }

  #report(): void {
    if (this.#server) tell({ kind: "report", report: this.#server.takeReport(this.#workerId) });
  }
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}

const main = new WorkerMain();
process.on("message", (message: ToWorker) => void main.onMessage(message));
process.once("disconnect", () => process.exit(0));
// The primary says when to drain; a signal to the whole group must not cut clients.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
