import type { Clock } from "@kagami/clock";
import { createLogger, type Logger } from "./log/logger.ts";
import { systemClock } from "./system-clock.ts";

/** Exit codes. A supervisor restarts after 3, not after 1. */
export const EXIT_CODES = { clean: 0, startFailed: 1, forced: 2, unclean: 3 } as const;

/** A part that has started. */
export interface RunningPart {
  /** Where it listens, by what is served there: `{rtmp: "127.0.0.1:1935"}`; shown in the ready line. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Stops accepting, drains, flushes and closes, within `graceMs`. */
  close(graceMs: number): Promise<void>;
  /** 10,000 if absent. */
  readonly shutdownGraceMs?: number;
  /** Further fields of the ready line. */
  readonly readyFields?: Readonly<Record<string, unknown>>;
}

/** What {@link runMain} gives to the part. */
export interface StartContext {
  readonly log: Logger;
  /** Ends the process as a first signal would; for a part whose work is done. */
  readonly stop: () => void;
}

export interface RunMainOptions {
  readonly log?: Logger;
  readonly clock?: Clock;
}

/** On top of the grace time: what closing files may take before the exit is called unclean. */
const CLOSE_SLACK_MS = 2_000;

/**
 * Runs a part as this process: starts it, says `ready`, and ends it by signal. The first SIGTERM or SIGINT drains, the
 * second exits at once. A failure nobody caught is logged and ends the process, since its state is unknown.
 *
 * Returns when the part has started or failed to; the process ends by itself.
 */
export async function runMain(
  partName: string,
  start: (context: StartContext) => Promise<RunningPart>,
  options: RunMainOptions = {},
): Promise<void> {
  const log = options.log ?? createLogger({ fields: { part: partName } });
  const clock = options.clock ?? systemClock;
  const startedAtMs = clock.monotonicMs();
  const process_ = new MainProcess(log, clock);
  let running: RunningPart;
  try {
    running = await start({ log, stop: () => process_.end("stop") });
  } catch (error) {
    log.error("server.start_failed", { error });
    await process_.exit(EXIT_CODES.startFailed);
    return;
  }
  const { addresses, readyFields } = running;
  const tookMs = Math.round(clock.monotonicMs() - startedAtMs);
  log.info("ready", { ...addresses, ...readyFields, tookMs, pid: process.pid });
  process_.started(running);
  tellParent(addresses, process_);
}

/** A supervisor that started this process with an IPC channel learns the addresses, and takes the process with it. */
function tellParent(addresses: Readonly<Record<string, string>>, main: MainProcess): void {
  if (!process.send) return;
  process.send({ kind: "ready", addresses });
  process.once("disconnect", () => main.end("disconnect"));
}

/** The life of the process from its first signal to its exit code. */
class MainProcess {
  readonly #log: Logger;
  readonly #clock: Clock;
  #running: RunningPart | undefined;
  #isStopping = false;
  #isExiting = false;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => this.stop(signal));
    // A closed pipe on standard output or error is not a reason to drop every viewer.
    for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
    process.on("uncaughtException", (error) => this.#crash("process.uncaught_exception", error));
    process.on("unhandledRejection", (reason) => this.#crash("process.unhandled_rejection", reason));
  }

  started(running: RunningPart): void {
    this.#running = running;
    if (this.#isStopping) void this.#drain(running);
  }

  /** A signal: the first one drains, the second one does not wait for that. */
  stop(signal: string): void {
    if (!this.#isStopping) {
      this.end(signal);
      return;
    }
    this.#log.warn("server.forced", { signal });
    void this.exit(EXIT_CODES.forced);
  }

  /** Drains, unless it does so already. */
  end(reason: string): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#log.info("server.stopping", { reason });
    if (this.#running) void this.#drain(this.#running);
  }

  async #drain(running: RunningPart): Promise<void> {
    const graceMs = running.shutdownGraceMs ?? 10_000;
    const startedAtMs = this.#clock.monotonicMs();
    const timer = setTimeout(() => {
      this.#log.error("server.stop_overdue", { graceMs, handles: process.getActiveResourcesInfo().slice(0, 20) });
      void this.exit(EXIT_CODES.unclean);
    }, graceMs + CLOSE_SLACK_MS);
    try {
      await running.close(graceMs);
    } catch (error) {
      this.#log.error("server.stop_failed", { error });
      await this.exit(EXIT_CODES.unclean);
      return;
    } finally {
      clearTimeout(timer);
    }
    this.#log.info("server.stopped", { tookMs: Math.round(this.#clock.monotonicMs() - startedAtMs) });
    await this.exit(EXIT_CODES.clean);
  }

  #crash(event: string, error: unknown): void {
    this.#log.error(event, { error });
    void this.exit(EXIT_CODES.unclean);
  }

  /** Exits once; the first code wins. What the log still holds is written at exit even if flushing hangs. */
  async exit(code: number): Promise<void> {
    if (this.#isExiting) return;
    this.#isExiting = true;
    const timer = setTimeout(() => process.exit(code), 1_000);
    await this.#log.flush();
    clearTimeout(timer);
    process.exit(code);
  }
}
