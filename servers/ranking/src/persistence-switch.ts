import type { Logger } from "@kagami/kit";
import type { RankingConfig } from "./config.ts";
import { hashSeedOf, randomClusterId } from "./create-engine.ts";
import type { Engine } from "./engine/engine.ts";
import { RankingError } from "./errors.ts";
import { Persistence, type PersistenceOptions } from "./persistence.ts";
import type { ShellParts } from "./process-shell.ts";

interface SwitchOptions {
  readonly config: RankingConfig;
  readonly log: Logger;
  readonly parts: ShellParts;
  readonly makeEngine: (hashSeed: number) => Engine;
}

/**
 * Opens the data directory at the start, and lets go of it and takes it up again while the server runs: `appendonly`.
 *
 * Switching on writes a snapshot of what runs before it says that it is done, so it is on the disk when the client reads
 * OK; the server stands still for that long. Switching off leaves the directory as it is, for the next start.
 */
export class PersistenceSwitch {
  readonly #options: SwitchOptions;
  #clusterId: Uint8Array | undefined;
  #wasKept = false;
  #closing: Promise<void> | undefined;

  constructor(options: SwitchOptions) {
    this.#options = options;
  }

  /** Opens the data directory and recovers what is in it. @throws RankingError as the constructor of `Persistence` */
  open(): Persistence {
    const persistence = new Persistence(this.#persistenceOptions());
    this.#clusterId = persistence.log.clusterId;
    this.#wasKept = true;
    this.#options.parts.persistence = persistence;
    return persistence;
  }

  /** An engine that is kept nowhere. */
  makeEngine(): Engine {
    this.#clusterId = randomClusterId();
    return this.#options.makeEngine(hashSeedOf(this.#clusterId));
  }

  /** Begins to keep what runs. Returns why it cannot, or `undefined`; then nothing has changed. */
  switchOn(engine: Engine): string | undefined {
    const { parts, log } = this.#options;
    if (this.#closing !== undefined) return "the log that was switched off is not closed yet, try again";
    if (parts.persistence !== undefined) return undefined;
    if (this.#clusterId === undefined) return "the store is not there yet";
    const running = { engine, clusterId: this.#clusterId, wasKept: this.#wasKept };
    try {
      parts.persistence = new Persistence({ ...this.#persistenceOptions(), running });
    } catch (error) {
      if (!(error instanceof RankingError)) throw error;
      // What was begun and not finished is ours: the next attempt may go on with it.
      if (error.code !== "DATA_PRESENT" && error.code !== "STORAGE_LOCKED") this.#wasKept = true;
      log.error("store.not_kept", { error });
      return error.message;
    }
    this.#wasKept = true;
    // What this turn has changed so far is in the snapshot already.
    engine.batch.isWanted = true;
    engine.batch.begin(engine.batch.timeMs, engine.batch.seed);
    return undefined;
  }

  /** Lets go of the directory once the turn is over. Returns why it cannot, or `undefined`. */
  switchOff(): string | undefined {
    const { parts, log } = this.#options;
    const { persistence } = parts;
    if (persistence === undefined || this.#closing !== undefined) return undefined;
    if (persistence.log.state !== "ok") return "the log cannot be written now, and clients wait for it";
    // Who waits for a sync gets an answer now; what this turn changes is still written.
    const turnOver = new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#closing = turnOver
      .then(() => {
        persistence.log.setPolicy("no");
        delete parts.persistence;
        if (parts.reactor) parts.reactor.engine.batch.isWanted = false;
        return persistence.close();
      })
      .catch((error) => log.error("log.close_failed", { error }))
      .finally(() => {
        this.#closing = undefined;
      });
    return undefined;
  }

  /** Settles when what was switched off is closed. */
  async settled(): Promise<void> {
    await this.#closing;
  }

  #persistenceOptions(): PersistenceOptions {
    const { config, log, parts, makeEngine } = this.#options;
    return {
      directory: config.data,
      fsync: parts.fsync ?? config.fsync,
      compactBytes: config.compactBytes,
      repair: config.repair,
      log,
      makeEngine,
      observer: {
        onAccepted: (position) => parts.reactor?.onAccepted(position),
        onState: (state, problem) => {
          const engine = parts.reactor?.engine;
          if (engine) engine.writeRefusal = state === "ok" ? "" : refusalOf(problem);
          if (problem) log.error("log.unwritable", { state, error: problem });
          else log.info("log.writable");
        },
        onSlowSync: (elapsedMs) => log.warn("log.sync_slow", { elapsedMs }),
      },
    };
  }
}

function refusalOf(problem: RankingError | undefined): string {
  const what = problem?.message ?? "unknown error";
  return `MISCONF Errors writing to the AOF file: ${what}`;
}
