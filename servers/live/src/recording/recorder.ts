import { type FileHandle, mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { CounterSeries, Logger, Metrics } from "@kagami/kit";
import type { BroadcastSink } from "../channels/broadcast.ts";
import type { Timing } from "../channels/channel.ts";
import type { StreamInit } from "../engine/burst.ts";
import type { MediaUnit } from "../engine/media-unit.ts";
import { FINISHED_SUFFIX, RECORDING_SUFFIX } from "./torn-recordings.ts";

/** Media is handed to the system at least this often: what a killed process can lose, in milliseconds. */
const WRITE_INTERVAL_MS = 250;

/** A disk that takes less than comes in may be this far behind; beyond it pictures are left out up to a key frame. */
const QUEUE_LIMIT_BYTES = 32 << 20;

export interface RecorderOptions {
  /** Directory of the channel's recordings; made if absent. */
  readonly directory: string;
  readonly startedAtMs: number;
  readonly timing: Timing;
  readonly counters: RecordingCounters;
  readonly log: Logger;
}

/** Counts over all recordings. */
export class RecordingCounters {
  readonly bytes: CounterSeries;
  readonly failures: CounterSeries;
  readonly skippedUnits: CounterSeries;
  /** Bytes that wait for the disk, over all recordings. */
  queuedBytes = 0;

  constructor(metrics: Metrics) {
    metrics.memoryAccount("recordings", () => this.queuedBytes);
    this.bytes = metrics.counter("kagami_live_recorded_bytes_total", "Bytes written to recordings").with();
    this.failures = metrics.counter("kagami_live_recording_failures_total", "Recordings given up by an error").with();
    this.skippedUnits = metrics
      .counter("kagami_live_recording_skipped_units_total", "Samples left out of recordings by a slow disk")
      .with();
  }
}

/**
 * Writes a broadcast's fragments to fragmented MP4 files: one, and another one at each change of codec or size.
 *
 * Such a file can be played while it grows and after the process was killed, but for a last fragment that may be torn;
 * the next start cuts that (`mendTornRecordings`). Nothing is held back for an index at the end.
 *
 * One write is under way at a time, so the file is always the fragments in order. When the disk refuses, the recording
 * is given up, cut behind its last whole fragment; the broadcast goes on.
 */
export class Recorder implements BroadcastSink {
  readonly #options: RecorderOptions;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #isAwaitingKey = false;
  #hasVideo = false;
  #timer: { cancel(): void } | undefined;
  #work: Promise<void> = Promise.resolve();
  #file: RecordingFile | undefined;
  #isGivenUp = false;
  #fileCount = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  onInit(init: StreamInit): void {
    this.#hasVideo = init.config.video !== undefined;
    this.#enqueueWrite();
    this.#chain(() => this.#startFile(init.segment));
  }

  onUnit({ fragment, sample }: MediaUnit): void {
    if (this.#isGivenUp) return;
    if (this.#queuedBytes + fragment.length > QUEUE_LIMIT_BYTES) {
      if (!this.#isAwaitingKey) this.#options.log.error("recording.disk_too_slow", { queuedBytes: this.#queuedBytes });
      this.#isAwaitingKey = true;
    }
    const isStart = sample.isKey && (sample.kind === "video" || !this.#hasVideo);
    if (this.#isAwaitingKey && (!isStart || this.#queuedBytes > QUEUE_LIMIT_BYTES / 2)) {
      this.#options.counters.skippedUnits.inc();
      return;
    }
    this.#isAwaitingKey = false;
    this.#queue.push(fragment);
    this.#count(fragment.length);
    this.#timer ??= this.#options.timing.setTimer(() => {
      this.#timer = undefined;
      this.#enqueueWrite();
    }, WRITE_INTERVAL_MS);
  }

  async end(): Promise<void> {
    this.#timer?.cancel();
    this.#enqueueWrite();
    this.#chain(() => this.#finishFile());
    await this.#work;
    this.#isGivenUp = true;
  }

  #count(byteCount: number): void {
    this.#queuedBytes += byteCount;
    this.#options.counters.queuedBytes += byteCount;
  }

  /** Everything that touches the file runs one after another; the first failure gives the recording up. */
  #chain(step: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#isGivenUp) return;
      try {
        await step();
      } catch (error) {
        await this.#giveUp(error);
      }
    });
  }

  #enqueueWrite(): void {
    if (this.#queue.length === 0) return;
    const fragments = this.#queue;
    this.#queue = [];
    this.#chain(async () => {
      await this.#file?.write(fragments);
      const byteCount = fragments.reduce((sum, fragment) => sum + fragment.length, 0);
      this.#count(-byteCount);
      this.#options.counters.bytes.inc(byteCount);
    });
  }

  async #startFile(initSegment: Uint8Array): Promise<void> {
    await this.#finishFile();
    const { directory, startedAtMs, log } = this.#options;
    const stamp = new Date(startedAtMs).toISOString().replace(/[:.]/g, "-");
    const name = this.#fileCount === 0 ? stamp : `${stamp}-${this.#fileCount + 1}`;
    this.#fileCount++;
    await mkdir(directory, { recursive: true });
    this.#file = await RecordingFile.create(join(directory, name));
    await this.#file.write([initSegment]);
    log.info("recording.started", { path: this.#file.path });
  }

  async #finishFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    const path = await file.finish();
    this.#options.log.info("recording.finished", { path, bytes: file.sizeBytes });
  }

  async #giveUp(error: unknown): Promise<void> {
    const { log, counters } = this.#options;
    this.#isGivenUp = true;
    this.#queue = [];
    this.#count(-this.#queuedBytes);
    counters.failures.inc();
    log.error("recording.given_up", {
      path: this.#file?.path,
      error,
      mend: "free space on the disk; the next broadcast is recorded again",
    });
    const file = this.#file;
    this.#file = undefined;
    try {
      await file?.finish();
    } catch (secondError) {
      log.error("recording.finish_failed", { path: file?.path, error: secondError });
    }
  }
}

/** One file that is being written. */
class RecordingFile {
  readonly #handle: FileHandle;
  readonly #basePath: string;
  /** Behind the last whole fragment. */
  #sizeBytes = 0;

  private constructor(handle: FileHandle, basePath: string) {
    this.#handle = handle;
    this.#basePath = basePath;
  }

  static async create(basePath: string): Promise<RecordingFile> {
    return new RecordingFile(await open(`${basePath}${RECORDING_SUFFIX}`, "wx"), basePath);
  }

  get path(): string {
    return `${this.#basePath}${RECORDING_SUFFIX}`;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async write(parts: readonly Uint8Array[]): Promise<void> {
    const byteCount = parts.reduce((sum, part) => sum + part.length, 0);
    const { bytesWritten } = await this.#handle.writev([...parts], this.#sizeBytes);
    if (bytesWritten !== byteCount) {
      throw Object.assign(new Error(`Wrote ${bytesWritten} of ${byteCount} bytes to ${this.path}`), { code: "ENOSPC" });
    }
    this.#sizeBytes += byteCount;
  }

  /** Cuts what was torn, syncs, and gives the file its final name, which is returned. */
  async finish(): Promise<string> {
    const finalPath = `${this.#basePath}${FINISHED_SUFFIX}`;
    try {
      await this.#handle.truncate(this.#sizeBytes);
      await this.#handle.sync();
    } finally {
      await this.#handle.close();
    }
    await rename(this.path, finalPath);
    return finalPath;
  }
}
