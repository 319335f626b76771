import { basename, join } from "node:path";
import { type Disk, type DiskDirectory, type DiskFile, isFull, writeFully } from "./disk.ts";
import { SEGMENT_HEADER_BYTES, type SegmentHeader, segmentName } from "./log-format.ts";
import type { RecoveredLog } from "./log-recovery.ts";
import { createSegment, type Segment } from "./log-segments.ts";

/**
 * The files of an open log: the last segment is written, the ones before wait to be synced, or are done and wait to be
 * trimmed.
 *
 * ```
 * segments   | done | done | full | full | last |
 * files                    | #unsynced ..| #file |      open; a sync cycle goes through them in this order
 * names        .kgl   .kgl   .kgl   .new   .new         the first unsynced one has its final name already
 * ```
 *
 * A sync cycle syncs each file and then gives it its final name: everything before it has been synced by then, which is
 * what the name promises. A file is closed only between cycles, since a sync under way on another thread has its number.
 */
export class SegmentChain {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #segments: Segment[];
  readonly #unsynced: { readonly segment: Segment; readonly file: DiskFile }[] = [];
  readonly #names: DiskDirectory;
  #file: DiskFile;
  #header: SegmentHeader;

  /** Opens the last segment for writing. @throws the system's error */
  constructor(disk: Disk, directory: string, recovered: RecoveredLog) {
    this.#disk = disk;
    this.#directory = directory;
    this.#segments = recovered.segments;
    this.#header = recovered.lastHeader;
    this.#file = disk.open(this.#last.path, "write");
    this.#names = disk.openDirectory(directory);
  }

  /** In order; the last one is being written. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get header(): SegmentHeader {
    return this.#header;
  }

  /** Path of the segment that is being written. */
  get path(): string {
    return this.#last.path;
  }

  get lastSizeBytes(): number {
    return this.#last.sizeBytes;
  }

  get lastHasRecords(): boolean {
    return this.#last.sizeBytes > SEGMENT_HEADER_BYTES;
  }

  /** Bytes of all segments together. */
  get sizeBytes(): number {
    return this.#segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /**
   * Adds whole records to the last segment, or nothing.
   *
   * @throws the system's error. If it says that there is no room, what was written of it has been cut off again.
   */
  write(bytes: Uint8Array, sizeBytes: number): void {
    const last = this.#last;
    try {
      writeFully(this.#file, bytes, 0, sizeBytes, last.sizeBytes);
    } catch (error) {
      // After any other error nothing in this file can be trusted any more; recovery will look at it.
      if (isFull(error)) this.#file.truncate(last.sizeBytes);
      throw error;
    }
    last.sizeBytes += sizeBytes;
  }

  /** Begins a new segment; the old one is synced in the next cycle. @throws the system's error; nothing changes then */
  roll(firstPosition: number): void {
    const header = { ...this.#header, firstPosition, previousFirstPosition: this.#header.firstPosition };
    const { segment, file } = createSegment(this.#disk, this.#directory, header);
    this.#unsynced.push({ segment: this.#last, file: this.#file });
    this.#segments.push(segment);
    this.#file = file;
    this.#header = header;
  }

  /** Syncs everything that is written now, off the thread, and gives the segments their final names. */
  sync(onDone: (error: unknown) => void): void {
    const fullCount = this.#unsynced.length;
    const files = [...this.#unsynced, { segment: this.#last, file: this.#file }];
    let hasNamed = false;
    const syncNext = (i: number): void => {
      const next = files[i];
      if (!next) {
        if (hasNamed) beginSync(this.#names, finish);
        else finish(undefined);
        return;
      }
      beginSync(next.file, (error) => {
        let failure: unknown = error;
        try {
          if (!error && this.#giveFinalName(next.segment)) hasNamed = true;
        } catch (cause) {
          failure = cause;
        }
        if (failure === undefined) syncNext(i + 1);
        else finish(failure);
      });
    };
    const finish = (error: unknown): void => {
      if (error === undefined) for (const { file } of this.#unsynced.splice(0, fullCount)) file.close();
      onDone(error);
    };
    syncNext(0);
  }

  /**
   * Syncs the last segment and waits, unless a full one or a name is still to be synced: then nothing is done.
   *
   * @returns Whether everything that is written is synced. @throws the system's error
   */
  syncNow(): boolean {
    if (this.#unsynced.length > 0 || isNew(this.#last)) return false;
    this.#file.syncNow();
    return true;
  }

  /** Deletes segments whose positions are all at or below `position`. @throws the system's error */
  trim(position: number): void {
    for (;;) {
      const next = this.#segments[1];
      // The last finally named segment stays: without it a `.new` behind it could not be trusted.
      if (!next || next.firstPosition > position + 1 || isNew(next)) return;
      this.#disk.unlink((this.#segments[0] as Segment).path);
      this.#segments.shift();
    }
  }

  /** Not while a sync is under way. */
  close(): void {
    for (const { file } of this.#unsynced.splice(0)) file.close();
    this.#file.close();
    this.#names.close();
  }

  get #last(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  #giveFinalName(segment: Segment): boolean {
    if (!isNew(segment)) return false;
    const path = join(this.#directory, segmentName(segment.firstPosition, false));
    this.#disk.rename(segment.path, path);
    segment.path = path;
    return true;
  }
}

/** A sync that cannot even begin has failed like one that did. */
function beginSync(file: Pick<DiskFile, "sync">, onDone: (error: unknown) => void): void {
  try {
    file.sync(onDone);
  } catch (error) {
    onDone(error);
  }
}

function isNew({ firstPosition, path }: Segment): boolean {
  return basename(path) === segmentName(firstPosition, true);
}
