import { join } from "node:path";
import { RankingError } from "../errors.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { listSegments, readSegmentHeader, type Segment } from "./log-segments.ts";
import { SegmentScanner } from "./segment-scanner.ts";
import { corruptLog, ioFailure } from "./storage-errors.ts";

type Place = Pick<Segment, "firstPosition" | "path">;

/**
 * Reads batches in order, from any position on. After `next` has said `true`, `bytes[start, end)` is the batch at
 * `position` until the next call. Segments may be trimmed meanwhile: the one that is open can be read to its end.
 */
export class LogCursor {
  readonly #disk: Disk;
  readonly #segments: () => readonly Place[];
  #nextPosition: number;
  #place: Place | undefined;
  #file: DiskFile | undefined;
  #scanner: SegmentScanner | undefined;

  /** @param segments The segments that there are now, in order. */
  constructor(disk: Disk, segments: () => readonly Place[], fromPosition: number) {
    this.#disk = disk;
    this.#segments = segments;
    this.#nextPosition = fromPosition;
  }

  get nextPosition(): number {
    return this.#nextPosition;
  }

  /** Of the batch that `next` found. */
  get position(): number {
    return this.#nextPosition - 1;
  }

  get bytes(): Uint8Array {
    return (this.#scanner as SegmentScanner).bytes;
  }

  get start(): number {
    return (this.#scanner as SegmentScanner).start;
  }

  get end(): number {
    return (this.#scanner as SegmentScanner).end;
  }

  /**
   * Goes to the next batch.
   *
   * @param lastPosition What is known to be in the log. Up to there a missing or bad record is an error.
   * @returns `false` if the next batch is behind `lastPosition`.
   * @throws RankingError `LOG_TRIMMED`, `STORAGE_CORRUPT`, `STORAGE_FAILED`
   */
  next(lastPosition: number): boolean {
    if (this.#nextPosition > lastPosition) return false;
    try {
      for (;;) {
        const scanner = this.#scanner ?? this.#openNext();
        const outcome = scanner.next();
        if (outcome === "bad") {
          const what = `the record at byte ${scanner.offset} (position ${scanner.nextPosition}) fails its checksum`;
          throw corruptLog(this.#place?.path ?? "", what);
        }
        if (outcome === "end") this.close();
        // Records before the first wanted one are passed over.
        else if (scanner.nextPosition > this.#nextPosition) {
          this.#nextPosition = scanner.nextPosition;
          return true;
        }
      }
    } catch (cause) {
      this.close();
      throw ioFailure("read", this.#place?.path ?? "the log", cause);
    }
  }

  /** Gives the open file back. Idempotent. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#scanner = undefined;
  }

  #openNext(): SegmentScanner {
    const ended = this.#place;
    const segments = this.#segments();
    const place = segments.findLast(({ firstPosition }) => firstPosition <= this.#nextPosition);
    if (!place) {
      const first = segments[0]?.firstPosition;
      const what = `Cannot read position ${this.#nextPosition}: the log begins at ${first ?? "no position"}`;
      throw new RankingError("LOG_TRIMMED", `${what}. Load a newer snapshot and read on behind it`);
    }
    if (ended && place.firstPosition <= ended.firstPosition) {
      throw corruptLog(ended.path, `it ends before position ${this.#nextPosition}, which must be in it`);
    }
    this.#place = place;
    this.#file = this.#disk.open(place.path, "read");
    const header = readSegmentHeader(this.#file, place.firstPosition);
    if (typeof header === "string") throw corruptLog(place.path, header);
    this.#scanner = new SegmentScanner(this.#file, header.salt, place.firstPosition);
    return this.#scanner;
  }
}

/**
 * Reads the full segments of a log that another process may be writing: batches up to the position that `seal` gave.
 */
export function openSealedLog(disk: Disk, directory: string, fromPosition: number): LogCursor {
  const places = listSegments(disk, directory).finals.map(({ name, firstPosition }) => ({
    firstPosition,
    path: join(directory, name),
  }));
  return new LogCursor(disk, () => places, fromPosition);
}
