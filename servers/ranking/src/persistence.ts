import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { toHex } from "@kagami/bytes";
import { type Logger, systemClock } from "@kagami/kit";
import { hashSeedOf } from "./create-engine.ts";
import { BatchWriter } from "./engine/batch.ts";
import type { Engine } from "./engine/engine.ts";
import { rebuildStore } from "./engine/rebuild/rebuild.ts";
import { RankingError } from "./errors.ts";
import { replayLog, restoreSnapshot } from "./recovery.ts";
import { lockDirectory } from "./storage/directory-lock.ts";
import { FileLog } from "./storage/file-log.ts";
import { firstLogPosition } from "./storage/log-segments.ts";
import type { SyncPolicy } from "./storage/log-syncer.ts";
import { nodeDisk } from "./storage/node-disk.ts";
import type { LogObserver } from "./storage/replicated-log.ts";
import { SnapshotStore } from "./storage/snapshot-store.ts";

const COMPACTION_PROGRAM = fileURLToPath(new URL("./compaction-main.ts", import.meta.url));
const STDERR_LIMIT = 4_096;
const RETRY_AFTER_MS = 60_000;
/** A disk that syncs more quickly than this is waited for on the event loop. */
const INLINE_SYNC_MS = 2;

export interface PersistenceOptions {
  readonly directory: string;
  readonly fsync: SyncPolicy;
  readonly compactBytes: number;
  readonly repair: boolean;
  readonly log: Logger;
  readonly observer: LogObserver;
  readonly makeEngine: (hashSeed: number) => Engine;
  /** A store that runs already and is kept from now on; its directory holds nothing, or what this process kept before. */
  readonly running?: RunningStore;
}

/** A store that was not read from a directory. */
export interface RunningStore {
  readonly engine: Engine;
  /** Its first four bytes are the engine's hash seed: `hashSeedOf`. */
  readonly clusterId: Uint8Array;
  /** Whether this process has kept it before, so that what the directory holds of the same id is its past. */
  readonly wasKept: boolean;
}

/**
 * The data directory of a running store: the log, the snapshots, and the lock that keeps others out.
 *
 * Compaction never stops the server: it seals the log, and another process makes the next snapshot from the last one and
 * the sealed part, with the engine that recovery uses. Then the log is trimmed.
 */
export class Persistence {
  readonly engine: Engine;
  readonly log: FileLog;
  /** When the last snapshot was finished, in ms since 1970; 0 if none was in this run. */
  lastSnapshotMs = 0;
  /** How long it took; -1 if there was none. */
  lastSnapshotSeconds = -1;
  snapshotCount = 0;
  /** Keys that were there when the store was recovered. */
  readonly loadedKeyCount: number;
  /** `Engine.changeCount` of what the last snapshot has. */
  #snapshotChanges: number;
  #startedMs = 0;
  /** Size of the log after the last compaction: it still reaches back to the older snapshot. */
  baseBytes = 0;
  /** Before this, on the process's own clock, a compaction that failed is not tried again. */
  #retryMs = 0;
  /** Why the last compaction failed, or "". */
  lastFailure = "";
  readonly #options: PersistenceOptions;
  readonly #snapshots: SnapshotStore;
  readonly #release: () => void;
  #compaction: Promise<void> | undefined;
  #stop: (() => void) | undefined;
  #isClosing = false;

  /**
   * Recovers the store of a directory, which is made if need be, or begins to keep one that runs.
   *
   * @throws RankingError `STORAGE_LOCKED`, `DATA_PRESENT`, `STORAGE_CORRUPT`, `STORAGE_FULL`, `STORAGE_FAILED`
   */
  constructor(options: PersistenceOptions) {
    const { directory, log } = options;
    this.#options = options;
    mkdirSync(directory, { recursive: true });
    const lock = lockDirectory(directory);
    this.#release = () => lock.release();
    try {
      this.#snapshots = new SnapshotStore(directory, log);
      this.#snapshots.deleteTemporaries();
      const { running } = options;
      const restored = running ? undefined : restoreSnapshot(directory, this.#snapshots, options.makeEngine);
      if (running && !running.wasKept) this.#refuseOtherData();
      this.log = FileLog.open({
        directory,
        clock: systemClock,
        journal: log,
        policy: options.fsync,
        inlineSyncMs: INLINE_SYNC_MS,
        observer: options.observer,
        shouldRepair: options.repair,
        ...(restored && { firstNeededPosition: restored.position + 1, clusterId: restored.clusterId }),
        ...(running && {
          firstNeededPosition: (this.#snapshots.positions()[0] ?? 0) + 1,
          clusterId: running.clusterId,
        }),
      });
      this.loadedKeyCount = 0;
      if (running) {
        this.engine = running.engine;
        this.#snapshotChanges = this.engine.changeCount;
        try {
          this.#begin(running);
        } catch (error) {
          this.log.close().catch(() => undefined); // why it failed is told by what is thrown
          throw error;
        }
        return;
      }
      this.engine = restored?.engine ?? options.makeEngine(hashSeedOf(this.log.clusterId));
      const from = restored?.position ?? 0;
      const batches = replayLog(this.engine, directory, from + 1, this.log.lastPosition);
      this.#snapshotChanges = this.engine.changeCount - batches;
      this.loadedKeyCount = this.engine.store.keyspaces.reduce((sum, { size }) => sum + size, 0);
      log.info("store.recovered", { snapshotPosition: from, batches, position: this.log.lastPosition });
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  #refuseOtherData(): void {
    const { directory } = this.#options;
    if (firstLogPosition(nodeDisk, directory) === undefined && this.#snapshots.positions().length === 0) return;
    throw new RankingError(
      "DATA_PRESENT",
      `Cannot begin a log in ${directory}: it holds another data set. Start with persistence log to serve that one, ` +
        "or move its files away",
    );
  }

  /**
   * Makes what runs the content of the directory: a snapshot of it, and a log that goes on behind it. An empty batch gives
   * the snapshot a position of its own, behind everything that the directory had before. Blocks until it is on the disk.
   */
  #begin({ engine, clusterId }: RunningStore): void {
    const startedMs = performance.now();
    const batch = new BatchWriter();
    batch.begin(engine.store.nowMs, 0);
    batch.finish();
    const position = this.log.append(batch.bytes, 0, batch.length);
    this.log.flush();
    if (this.log.problem) throw this.log.problem;
    const writer = this.#snapshots.write(clusterId, position, new Uint8Array(0));
    try {
      rebuildStore(engine.store, (bytes, start, end) => writer.write(bytes, start, end));
      writer.finish();
    } catch (error) {
      writer.abort();
      throw error;
    }
    this.#snapshots.deleteBefore(position);
    this.log.trim(position);
    this.#noteSnapshot(performance.now() - startedMs, engine.changeCount);
    this.#options.log.info("store.kept", { position });
  }

  #noteSnapshot(elapsedMs: number, changes: number): void {
    this.baseBytes = this.log.statistics.sizeBytes;
    this.lastSnapshotMs = Date.now();
    this.lastSnapshotSeconds = elapsedMs / 1_000;
    this.snapshotCount++;
    this.#snapshotChanges = changes;
    this.lastFailure = "";
  }

  get isCompacting(): boolean {
    return this.#compaction !== undefined;
  }

  /** How long the snapshot that is being made has taken so far; -1 if none is. */
  get currentSnapshotSeconds(): number {
    return this.isCompacting ? (performance.now() - this.#startedMs) / 1_000 : -1;
  }

  /** Commands of the log that the last snapshot does not have; of what was there at the start, batches are counted. */
  get changesSinceSnapshot(): number {
    return this.engine.changeCount - this.#snapshotChanges;
  }

  /** Whether the log has grown so much since the last compaction that one is due. One that failed is not tried again at once. */
  get isCompactionDue(): boolean {
    if (this.isCompacting || performance.now() < this.#retryMs) return false;
    return this.log.statistics.sizeBytes - this.baseBytes > this.#options.compactBytes;
  }

  /** Makes the next snapshot in the background; joins the one that is under way. Rejects with RankingError. */
  compact(): Promise<void> {
    this.#compaction ??= this.#compact().finally(() => {
      this.#compaction = undefined;
      this.#stop = undefined;
    });
    return this.#compaction;
  }

  async #compact(): Promise<void> {
    const { log } = this.#options;
    this.#startedMs = performance.now();
    const changes = this.engine.changeCount;
    try {
      const position = await this.log.seal();
      if (this.#isClosing) throw new RankingError("STORAGE_FAILED", "The compaction was not begun: the log is closed");
      await this.#runCompaction(position);
      this.#snapshots.prune();
      this.log.trim(this.#snapshots.trimPosition());
      const elapsedMs = performance.now() - this.#startedMs;
      this.#noteSnapshot(elapsedMs, changes);
      log.info("snapshot.written", { position, elapsedMs: Math.round(elapsedMs) });
    } catch (error) {
      this.lastFailure = (error as Error).message;
      this.#retryMs = performance.now() + RETRY_AFTER_MS;
      if (this.#isClosing) log.info("snapshot.given_up");
      else log.error("snapshot.failed", { error });
      throw error;
    }
  }

  #runCompaction(position: number): Promise<void> {
    const args = [COMPACTION_PROGRAM, this.#options.directory, String(position), toHex(this.log.clusterId)];
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
      this.#stop = () => child.kill("SIGKILL");
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => {
        stderr = `${stderr}${chunk}`.slice(-STDERR_LIMIT);
      });
      child.on("error", (cause) =>
        reject(new RankingError("STORAGE_FAILED", `Cannot start the compaction: ${cause.message}`, { cause })),
      );
      child.on("close", (code, signal) => {
        if (code === 0) resolve();
        else
          reject(new RankingError("STORAGE_FAILED", `The compaction ended with ${signal ?? code}: ${stderr.trim()}`));
      });
    });
  }

  /** Writes what is left and lets others use the directory; gives up a compaction that is under way. Idempotent. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#stop?.();
    await this.#compaction?.catch(() => undefined);
    try {
      await this.log.close();
    } finally {
      this.#release();
    }
  }
}
