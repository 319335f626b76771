import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Logger } from "@kagami/kit";
import type { Cluster } from "./engine/cluster.ts";
import type { WorkerReport } from "./engine/cluster-counts.ts";
import { CacheproxyError } from "./errors.ts";
import type { Addresses, WorkerSettings } from "./worker-server.ts";

/** What the primary tells a worker. */
export type ToWorker =
  | {
      readonly kind: "start";
      readonly workerId: number;
      readonly settings: WorkerSettings;
      readonly cluster: Cluster;
      readonly logLevel: "error" | "warn" | "info" | "debug";
    }
  | { readonly kind: "cluster"; readonly cluster: Cluster }
  | { readonly kind: "close"; readonly graceMs: number };

/** What a worker tells the primary. */
export type FromWorker =
  | { readonly kind: "listening"; readonly addresses: Addresses }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "report"; readonly report: WorkerReport };

export interface WorkersOptions {
  readonly count: number;
  readonly settings: WorkerSettings;
  readonly cluster: Cluster;
  readonly logLevel: "error" | "warn" | "info" | "debug";
  readonly log: Logger;
  /** A worker is about to start, and will act by the cluster state of this epoch until it reports a later one. */
  readonly onStarting: (workerId: number, epoch: number) => void;
  readonly onReport: (report: WorkerReport) => void;
  /** A worker has ended; if it had started, another one takes its place. */
  readonly onGone: (workerId: number) => void;
}

const WORKER_MAIN = fileURLToPath(new URL("./worker-main.ts", import.meta.url));
const START_LIMIT_MS = 30_000;
/** A worker that dies at once is not started again at once. */
const RESTART_PAUSE_MS = 500;

/**
 * Worker processes that share the listen ports. The first to listen finds out the port if any will do; one that dies is
 * replaced by one that starts with the newest cluster state. They end with this process.
 */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #children = new Map<number, ChildProcess>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #settings: WorkerSettings;
  #cluster: Cluster;
  #nextId = 1;
  #isClosing = false;
  #addresses: Addresses = {};

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#cluster = options.cluster;
  }

  /** Starts the workers, and waits until all of them listen. @throws CacheproxyError `WORKER_FAILED` */
  async start(): Promise<void> {
    try {
      this.#addresses = await this.#startOne();
      const { memcached, memcachedTls } = this.#addresses;
      this.#settings = {
        ...this.#settings,
        ...(memcached === undefined ? {} : { listen: memcached }),
        ...(memcachedTls === undefined ? {} : { tlsListen: memcachedTls }),
      };
      await Promise.all(Array.from({ length: this.#options.count - 1 }, () => this.#startOne()));
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  get addresses(): Addresses {
    return this.#addresses;
  }

  /** Process ids of the workers that run. */
  get pids(): readonly number[] {
    return [...this.#children.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  apply(cluster: Cluster): void {
    this.#cluster = cluster;
    for (const child of this.#children.values()) tell(child, { kind: "cluster", cluster });
  }

  /** Lets every worker drain. Idempotent. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    const exits = [...this.#children.values()].map(async (child) => {
      const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      tell(child, { kind: "close", graceMs });
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs + 1_000);
      await exited;
      clearTimeout(timer);
    });
    await Promise.all(exits);
  }

  #startOne(): Promise<Addresses> {
    const { log, onStarting, onReport, onGone, logLevel } = this.#options;
    const workerId = this.#nextId++;
    const cluster = this.#cluster;
    onStarting(workerId, cluster.epoch);
    // Signals of a terminal reach the whole group; the primary tells its workers when to end.
    const child = fork(WORKER_MAIN, [], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#children.set(workerId, child);
    return new Promise((resolve, reject) => {
      let hasStarted = false;
      const fail = (why: string): void =>
        reject(new CacheproxyError("WORKER_FAILED", `Cannot start worker ${workerId}: ${why}`));
      const timer = setTimeout(() => child.kill("SIGKILL"), START_LIMIT_MS);
      child.on("message", (message: FromWorker) => {
        switch (message.kind) {
          case "listening":
            hasStarted = true;
            clearTimeout(timer);
            // A worker that is starting takes up nothing: it has missed what came since.
            if (this.#cluster !== cluster) tell(child, { kind: "cluster", cluster: this.#cluster });
            resolve(message.addresses);
            break;
          case "failed":
            fail(message.message);
            break;
          case "report":
            onReport(message.report);
            break;
          default:
            message satisfies never;
        }
      });
      child.on("error", (error) => log.error("worker.failed", { workerId, error }));
      child.once("exit", (code, signal) => {
        clearTimeout(timer);
        this.#children.delete(workerId);
        fail(`it ended with ${signal ?? `code ${code}`}`);
        if (this.#isClosing) return;
        onGone(workerId);
        if (!hasStarted) return;
        log.error("worker.died", { workerId, code, signal, pid: child.pid });
        this.#replaceSoon();
      });
      tell(child, { kind: "start", workerId, settings: this.#settings, cluster, logLevel });
    });
  }

  #replaceSoon(): void {
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#startOne().catch((error: unknown) => {
        this.#options.log.error("worker.restart_failed", { error });
        if (!this.#isClosing) this.#replaceSoon();
      });
    }, RESTART_PAUSE_MS);
    this.#restarts.add(timer);
  }
}

function tell(child: ChildProcess, message: ToWorker): void {
  // A worker that has just died is told nothing; its end is dealt with where it is heard of.
  if (child.connected) child.send(message, () => undefined);
}
