import { randomBytes } from "node:crypto";
import { closeSync, fdatasync, openSync, unlinkSync, writevSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ObjectsError } from "../errors.ts";
import { LatencyHistogram, type LatencySlot, type LatencySummary } from "./latency-histogram.ts";

const fdatasyncAsync = promisify(fdatasync);

/** The file begins anew at the size at which a volume is sealed. */
const FILE_BYTES = 268_435_456;

export interface ProbeOptions {
  readonly directory: string;
  readonly seconds: number;
  /** Of each write. */
  readonly bytes: number;
  /** Ends it earlier; for tests. */
  readonly maxWrites?: number;
}

/** What the disk did. */
export interface ProbeReport {
  readonly directory: string;
  readonly bytes: number;
  readonly writes: number;
  readonly seconds: number;
  readonly writesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly write: LatencySummary;
  readonly fdatasync: LatencySummary;
  readonly both: LatencySummary;
  /** Of both together. */
  readonly histogram: readonly LatencySlot[];
}

/**
 * Appends to a file as a volume is appended to, one write and one fdatasync at a time, and times each call. The file is
 * removed at the end, also when it fails.
 *
 * @throws ObjectsError `PROBE_FAILED`
 */
export async function probeDisk(options: ProbeOptions): Promise<ProbeReport> {
  const probe = new Probe(options);
  try {
    return await probe.run();
  } catch (cause) {
    throw new ObjectsError("PROBE_FAILED", explainProbeFailure(cause, options.directory), { cause });
  } finally {
    probe.end();
  }
}

class Probe {
  readonly #options: ProbeOptions;
  readonly #path: string;
  readonly #write = new LatencyHistogram();
  readonly #sync = new LatencyHistogram();
  readonly #both = new LatencyHistogram();
  #fd: number | undefined;
  #sizeBytes = 0;

  constructor(options: ProbeOptions) {
    this.#options = options;
    this.#path = join(options.directory, `probe-${process.pid}-${randomBytes(6).toString("hex")}.tmp`);
  }

  async run(): Promise<ProbeReport> {
    const { directory, bytes, seconds: wantedSeconds, maxWrites = Number.POSITIVE_INFINITY } = this.#options;
    // Bytes that no disk can squeeze.
    const part = randomBytes(bytes);
    const startedMs = performance.now();
    const untilMs = startedMs + 1_000 * wantedSeconds;
    while (this.#both.count < maxWrites && (this.#both.count === 0 || performance.now() < untilMs)) {
      await this.#appendOnce(part);
    }
    const seconds = (performance.now() - startedMs) / 1_000;
    const writes = this.#both.count;
    return {
      ...{ directory, bytes, writes, seconds },
      writesPerSecond: writes / seconds,
      bytesPerSecond: (writes * bytes) / seconds,
      write: this.#write.summary(),
      fdatasync: this.#sync.summary(),
      both: this.#both.summary(),
      histogram: this.#both.octaves(),
    };
  }

  end(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    unlinkSync(this.#path);
  }

  async #appendOnce(part: Buffer): Promise<void> {
    if (this.#sizeBytes + part.length > FILE_BYTES) this.end();
    if (this.#fd === undefined) {
      this.#fd = openSync(this.#path, "wx+", 0o600);
      this.#sizeBytes = 0;
    }
    const beginMs = performance.now();
    for (let at = 0; at < part.length; ) {
      const writtenBytes = writevSync(this.#fd, [part.subarray(at)], this.#sizeBytes + at);
      if (writtenBytes === 0) throw Object.assign(new Error("the write took nothing"), { code: "ENOSPC" });
      at += writtenBytes;
    }
    const writtenMs = performance.now();
    await fdatasyncAsync(this.#fd);
    const syncedMs = performance.now();
    this.#sizeBytes += part.length;
    this.#write.add(1_000 * (writtenMs - beginMs));
    this.#sync.add(1_000 * (syncedMs - writtenMs));
    this.#both.add(1_000 * (syncedMs - beginMs));
  }
}

/** What kept the probe from being made, and what helps. */
export function explainProbeFailure(cause: unknown, directory: string): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  const what = `Cannot probe ${directory}`;
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return `${what}: the disk is full. Make room, or give another --data`;
    case "ENOENT":
      return `${what}: there is no such directory. Make it, or give another --data`;
    case "ENOTDIR":
      return `${what}: it is no directory. Give the directory that the store is in, or will be in`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return `${what}: no file can be made there (${code}). Run it as the user that the server runs as`;
    default:
      return `${what}: ${message}`;
  }
}
