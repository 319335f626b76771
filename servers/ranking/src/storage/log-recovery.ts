/*
 * What is done to the files of a log before it is opened.
 *
 *   ... | segment | segment | last segment          finally named: whole, but for the end of the last
 *                                  ^ torn?           | .new | .new      only if everything before is whole
 *
 * Only the last segment is read here: the others were synced when it got its name, and whoever replays them checks every
 * record. With `shouldRepair` all are read, and the log is cut at the first thing that is wrong.
 */
import { basename, join } from "node:path";
import { equalBytes, toHex } from "@kagami/bytes";
import { RankingError } from "../errors.ts";
import { type Disk, type DiskFile, readFully, writeFully } from "./disk.ts";
import { SEGMENT_HEADER_BYTES, type SegmentHeader, type SegmentName, segmentName } from "./log-format.ts";
import { createSegment, listSegments, readSegmentHeader, type Segment } from "./log-segments.ts";
import { findEvidence, SegmentScanner } from "./segment-scanner.ts";
import { corruptLog, type StorageJournal } from "./storage-errors.ts";

const COPY_BYTES = 1_048_576;

export interface RecoveryOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly journal: StorageJournal;
  /** What the log's id must be; if absent, that of the files, or a random one for a new log. 16 bytes. */
  readonly clusterId?: Uint8Array | undefined;
  readonly randomBytes: (count: number) => Uint8Array;
  /** The position behind the snapshot; 1 without one. Segments that end before it may be missing. */
  readonly firstNeededPosition: number;
  readonly shouldRepair: boolean;
}

export interface RecoveredLog {
  /** In order, at least one. The last one goes on; everything in all of them is synced. */
  readonly segments: Segment[];
  readonly lastHeader: SegmentHeader;
  /** One less than the first segment's first position if there are no records. */
  readonly lastPosition: number;
}

/** A finally named segment with its header. */
interface Named {
  readonly name: SegmentName;
  readonly path: string;
  readonly header: SegmentHeader;
}

/**
 * Mends what a crash left, and refuses what it cannot have left.
 *
 * @throws RankingError `STORAGE_CORRUPT`
 */
export function recoverLog(options: RecoveryOptions): RecoveredLog {
  return new Recovery(options).run();
}

class Recovery {
  readonly #options: RecoveryOptions;
  readonly #disk: Disk;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#disk = options.disk;
  }

  run(): RecoveredLog {
    const { directory, firstNeededPosition, shouldRepair } = this.#options;
    const { finals, news } = listSegments(this.#disk, directory);
    let named = this.#readChain(this.#dropOldLeftovers(finals), news);
    if (named.length === 0) {
      for (const name of news) this.#disk.unlink(join(directory, name.name)); // never held an accepted batch
      return this.#begin(firstNeededPosition, undefined);
    }
    const first = named[0] as Named;
    if (first.header.firstPosition > firstNeededPosition) {
      const what = `the log begins at position ${first.header.firstPosition}, and ${firstNeededPosition} is needed`;
      const mend = "Restore the missing log files, or a snapshot up to that position";
      throw new RankingError("STORAGE_CORRUPT", `Cannot read ${first.path}: ${what}. ${mend}`);
    }
    if (shouldRepair) named = this.#cutAtFirstDamage(named, news);
    let nextPosition = this.#mendEnd(named.at(-1) as Named);
    for (const name of news) {
      const adopted = this.#adopt(name, named.at(-1) as Named, nextPosition);
      if (!adopted) {
        this.#discard(name);
        continue;
      }
      named = [...named, adopted];
      nextPosition = this.#mendEnd(adopted);
    }
    // A process that died may have given names, or deleted files, and not lived to sync that.
    this.#disk.syncDirectoryNow(directory);
    if (nextPosition < firstNeededPosition) return this.#beginBehindSnapshot(named, nextPosition);
    const segments = named.map(({ header, path }) => this.#segmentAt(header.firstPosition, path));
    return { segments, lastHeader: (named.at(-1) as Named).header, lastPosition: nextPosition - 1 };
  }

  /** A gap among segments that the snapshot covers is the leftover of a trim: what is before it goes. */
  #dropOldLeftovers(finals: readonly SegmentName[]): SegmentName[] {
    const { directory, firstNeededPosition, journal } = this.#options;
    let from = 0;
    for (let i = 1; i < finals.length; i++) {
      const name = finals[i] as SegmentName;
      if (name.firstPosition > firstNeededPosition) break;
      const header = this.#readHeader(join(directory, name.name), name.firstPosition);
      const before = (finals[i - 1] as SegmentName).firstPosition;
      if (typeof header === "string" || header.previousFirstPosition !== before) from = i;
    }
    for (const { name } of finals.slice(0, from)) {
      this.#disk.unlink(join(directory, name));
      journal.info("log.leftover_deleted", { path: join(directory, name) });
    }
    return finals.slice(from);
  }

  /** Reads the headers and checks that each segment follows the one before, of the same log. */
  #readChain(finals: readonly SegmentName[], news: SegmentName[]): Named[] {
    const named: Named[] = [];
    for (const [i, name] of finals.entries()) {
      const path = join(this.#options.directory, name.name);
      const header = this.#readHeader(path, name.firstPosition);
      const problem = typeof header === "string" ? header : this.#chainProblem(header, named.at(-1));
      if (problem === undefined) {
        named.push({ name, path, header: header as SegmentHeader });
        continue;
      }
      if (!this.#options.shouldRepair) throw corruptLog(path, problem);
      for (const later of [...finals.slice(i), ...news.splice(0)]) this.#setAside(later);
      break;
    }
    return named;
  }

  #chainProblem(header: SegmentHeader, before: Named | undefined): string | undefined {
    const expected = before?.header.clusterId ?? this.#options.clusterId;
    if (expected && !equalBytes(header.clusterId, expected)) {
      return `it belongs to the cluster ${toHex(header.clusterId)}, not to ${toHex(expected)}`;
    }
    if (!before || header.previousFirstPosition === before.header.firstPosition) return undefined;
    const missing = segmentName(header.previousFirstPosition, false);
    return `the segment before it, ${missing}, is missing`;
  }

  /** Reads every record of every segment but the last, and cuts the log behind the last good one. */
  #cutAtFirstDamage(named: Named[], news: SegmentName[]): Named[] {
    for (let i = 0; i < named.length - 1; i++) {
      const { path, header } = named[i] as Named;
      const file = this.#disk.open(path, "write");
      try {
        const scanner = new SegmentScanner(file, header.salt, header.firstPosition);
        const outcome = scanToEnd(scanner);
        const next = named[i + 1] as Named;
        if (outcome === "end" && scanner.nextPosition === next.header.firstPosition) continue;
        if (outcome === "bad") this.#cut(path, file, scanner.offset, true);
        for (const later of [...named.slice(i + 1).map(({ name }) => name), ...news.splice(0)]) this.#setAside(later);
        return named.slice(0, i + 1);
      } finally {
        file.close();
      }
    }
    return named;
  }

  /** Cuts the torn end of a segment that nothing follows, syncs it, and returns the position behind it. */
  #mendEnd({ path, header }: Named): number {
    const file = this.#disk.open(path, "write");
    try {
      const scanner = new SegmentScanner(file, header.salt, header.firstPosition);
      if (scanToEnd(scanner) === "bad") {
        const evidence = findEvidence(file, header.salt, scanner.offset, scanner.nextPosition);
        if (evidence === "synced" && !this.#options.shouldRepair) {
          const what = `the record at byte ${scanner.offset} (position ${scanner.nextPosition}) fails its checksum`;
          throw corruptLog(path, `${what}, and sound records lie behind it`);
        }
        this.#cut(path, file, scanner.offset, evidence !== "nothing");
      }
      file.syncNow();
      return scanner.nextPosition;
    } finally {
      file.close();
    }
  }

  /** Gives a segment that a crash left as `.new` its final name, if it goes on where its predecessor ends. */
  #adopt(name: SegmentName, before: Named, nextPosition: number): Named | undefined {
    const path = join(this.#options.directory, name.name);
    const header = this.#readHeader(path, name.firstPosition);
    if (typeof header === "string" || this.#chainProblem(header, before) !== undefined) return undefined;
    if (header.firstPosition !== nextPosition) return undefined;
    const file = this.#disk.open(path, "write");
    try {
      file.syncNow(); // a finally named segment has a sound header
    } finally {
      file.close();
    }
    const finalPath = join(this.#options.directory, segmentName(name.firstPosition, false));
    this.#disk.rename(path, finalPath);
    this.#disk.syncDirectoryNow(this.#options.directory);
    this.#options.journal.info("log.segment_adopted", { path: finalPath });
    return { name: { ...name, name: basename(finalPath), isNew: false }, path: finalPath, header };
  }

  /** A `.new` segment behind a torn one: no batch in it was ever synced. */
  #discard(name: SegmentName): void {
    const path = join(this.#options.directory, name.name);
    const { sizeBytes } = this.#segmentAt(name.firstPosition, path);
    if (sizeBytes > SEGMENT_HEADER_BYTES) this.#setAside(name);
    else this.#disk.unlink(path);
  }

  #setAside({ name }: SegmentName): void {
    const { directory, journal } = this.#options;
    const kept = this.#freeCutPath(name);
    this.#disk.rename(join(directory, name), kept);
    this.#disk.syncDirectoryNow(directory);
    journal.warn("log.segment_set_aside", { path: join(directory, name), kept });
  }

  #cut(path: string, file: DiskFile, offset: number, shouldKeep: boolean): void {
    const sizeBytes = file.sizeBytes();
    const kept = shouldKeep ? this.#copyTail(path, file, offset, sizeBytes) : undefined;
    file.truncate(offset);
    file.syncNow();
    this.#options.journal.warn("log.tail_cut", { path, offset, cutBytes: sizeBytes - offset, kept });
  }

  #copyTail(path: string, file: DiskFile, from: number, to: number): string {
    const kept = this.#freeCutPath(basename(path));
    const copy = this.#disk.open(kept, "create");
    try {
      const buffer = new Uint8Array(Math.min(COPY_BYTES, to - from));
      for (let offset = from; offset < to; ) {
        const count = readFully(file, buffer, 0, Math.min(buffer.length, to - offset), offset);
        if (count === 0) break;
        writeFully(copy, buffer, 0, count, offset - from);
        offset += count;
      }
      copy.syncNow();
    } finally {
      copy.close();
    }
    this.#disk.syncDirectoryNow(this.#options.directory);
    return kept;
  }

  #freeCutPath(name: string): string {
    const taken = new Set(this.#disk.list(this.#options.directory));
    let kept = `${name}.cut`;
    for (let count = 2; taken.has(kept); count++) kept = `${name}.${count}.cut`;
    return join(this.#options.directory, kept);
  }

  /** Everything in the log is in the snapshot too, which is ahead: positions must go on behind the snapshot. */
  #beginBehindSnapshot(named: readonly Named[], nextPosition: number): RecoveredLog {
    const { firstNeededPosition, journal } = this.#options;
    journal.warn("log.behind_snapshot", { lastPosition: nextPosition - 1, snapshotPosition: firstNeededPosition - 1 });
    const begun = this.#begin(firstNeededPosition, (named.at(-1) as Named).header);
    for (const { path } of named) this.#disk.unlink(path);
    return begun;
  }

  #begin(firstPosition: number, model: SegmentHeader | undefined): RecoveredLog {
    const { directory, randomBytes } = this.#options;
    const [a, b, c, d] = model ? [0, 0, 0, 0] : randomBytes(4);
    const lastHeader: SegmentHeader = {
      salt: model?.salt ?? (((a ?? 0) << 24) | ((b ?? 0) << 16) | ((c ?? 0) << 8) | (d ?? 0)) >>> 0,
      clusterId: model?.clusterId ?? Uint8Array.from(this.#options.clusterId ?? randomBytes(16)),
      firstPosition,
      previousFirstPosition: 0,
    };
    const { segment, file } = createSegment(this.#disk, directory, lastHeader);
    try {
      file.syncNow();
    } finally {
      file.close();
    }
    const path = join(directory, segmentName(firstPosition, false));
    this.#disk.rename(segment.path, path);
    this.#disk.syncDirectoryNow(directory);
    segment.path = path;
    return { segments: [segment], lastHeader, lastPosition: firstPosition - 1 };
  }

  #readHeader(path: string, firstPosition: number): SegmentHeader | string {
    const file = this.#disk.open(path, "read");
    try {
      return readSegmentHeader(file, firstPosition);
    } finally {
      file.close();
    }
  }

  #segmentAt(firstPosition: number, path: string): Segment {
    const file = this.#disk.open(path, "read");
    try {
      return { firstPosition, path, sizeBytes: file.sizeBytes() };
    } finally {
      file.close();
    }
  }
}

function scanToEnd(scanner: SegmentScanner): "end" | "bad" {
  for (;;) {
    const outcome = scanner.next();
    if (outcome !== "record") return outcome;
  }
}
