import { readU32, readU64 } from "@kagami/bytes";
import { type DiskFile, readFully } from "./disk.ts";
import {
  isRecordSound,
  RECORD_HEADER_BYTES,
  RECORD_LIMIT_BYTES,
  SEGMENT_HEADER_BYTES,
  saltChecksum,
  UNSYNCED_UNKNOWN,
} from "./log-format.ts";

/** Bytes read in one call; a longer record is read in one call of its own length. */
const READ_BYTES = 1_048_576;

/**
 * Reads the records of one segment in order, checking each. After `next()` has said `record`, `bytes[start, end)` is the
 * payload until the next call. After `end` or `bad` it may be called again: the file may have grown.
 */
export class SegmentScanner {
  readonly #file: DiskFile;
  readonly #saltCrc: number;
  #buffer = new Uint8Array(0);
  /** `#buffer[0, #filledBytes)` holds the file from `#bufferOffset` on. */
  #bufferOffset = 0;
  #filledBytes = 0;
  #sizeBytes = 0;
  #offset = SEGMENT_HEADER_BYTES;
  #nextPosition: number;
  #start = 0;
  #end = 0;

  constructor(file: DiskFile, salt: number, firstPosition: number) {
    this.#file = file;
    this.#saltCrc = saltChecksum(salt);
    this.#nextPosition = firstPosition;
  }

  /** Where the next record begins in the file: what is before is sound. */
  get offset(): number {
    return this.#offset;
  }

  /** The position that the next record must have. */
  get nextPosition(): number {
    return this.#nextPosition;
  }

  get bytes(): Uint8Array {
    return this.#buffer;
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  /** `end`: the file ends with the record before. `bad`: what lies at `offset` is not the record that must be there. */
  next(): "record" | "end" | "bad" {
    const headerAt = this.#load(RECORD_HEADER_BYTES);
    if (headerAt < 0) return this.#sizeBytes === this.#offset ? "end" : "bad";
    const lengthBytes = readU32(this.#buffer, headerAt + 4);
    if (lengthBytes < 1 || lengthBytes > RECORD_LIMIT_BYTES) return "bad";
    if (readU64(this.#buffer, headerAt + 8) !== this.#nextPosition) return "bad";
    const recordAt = this.#load(RECORD_HEADER_BYTES + lengthBytes);
    if (recordAt < 0 || !isRecordSound(this.#buffer, recordAt, lengthBytes, this.#saltCrc)) return "bad";
    this.#start = recordAt + RECORD_HEADER_BYTES;
    this.#end = this.#start + lengthBytes;
    this.#offset += RECORD_HEADER_BYTES + lengthBytes;
    this.#nextPosition++;
    return "record";
  }

  /** Has `sizeBytes` from `#offset` on in the buffer and returns where; -1 if the file ends before. */
  #load(sizeBytes: number): number {
    const at = this.#offset - this.#bufferOffset;
    if (at + sizeBytes <= this.#filledBytes) return at;
    if (this.#offset + sizeBytes > this.#sizeBytes) {
      this.#sizeBytes = this.#file.sizeBytes();
      if (this.#offset + sizeBytes > this.#sizeBytes) return -1;
    }
    if (sizeBytes > this.#buffer.length || this.#buffer.length > Math.max(READ_BYTES, 2 * sizeBytes)) {
      this.#buffer = new Uint8Array(Math.max(sizeBytes, Math.min(READ_BYTES, this.#sizeBytes - this.#offset)));
    }
    this.#bufferOffset = this.#offset;
    this.#filledBytes = readFully(this.#file, this.#buffer, 0, this.#buffer.length, this.#offset);
    return this.#filledBytes >= sizeBytes ? 0 : -1;
  }
}

/**
 * What lies behind a bad record: `nothing` that is sound, so that it is the torn end of the log; records that were
 * `unsynced` as it was; or one that says that the bad record had been `synced`, so that it is damage.
 */
export type Evidence = "nothing" | "unsynced" | "synced";

/**
 * Looks for sound records behind a bad one, at every byte, since the length of the bad one may be what is bad.
 *
 * @param offset Where the bad record begins.
 * @param badPosition Its position.
 */
export function findEvidence(file: DiskFile, salt: number, offset: number, badPosition: number): Evidence {
  const saltCrc = saltChecksum(salt);
  const sizeBytes = file.sizeBytes();
  const window = new Uint8Array(Math.min(READ_BYTES, Math.max(0, sizeBytes - offset)));
  let evidence: Evidence = "nothing";
  let at = offset + 1;
  while (at + RECORD_HEADER_BYTES < sizeBytes) {
    const filledBytes = readFully(file, window, 0, window.length, at);
    if (filledBytes < RECORD_HEADER_BYTES) break;
    const lastStart = filledBytes - RECORD_HEADER_BYTES;
    let i = 0;
    for (; i <= lastStart; i++) {
      // Records are at least a header and a byte long, so this many can lie between, and no more.
      const ahead = readU64(window, i + 8) - badPosition;
      if (ahead < 1 || ahead > sizeBytes / RECORD_HEADER_BYTES) continue;
      if (!isRecordAt(file, saltCrc, at + i, sizeBytes, readU32(window, i + 4))) continue;
      const unsyncedCount = readU32(window, i + 16);
      if (unsyncedCount === UNSYNCED_UNKNOWN || ahead >= unsyncedCount) return "synced";
      evidence = "unsynced";
    }
    at += i;
  }
  return evidence;
}

function isRecordAt(file: DiskFile, saltCrc: number, offset: number, fileBytes: number, lengthBytes: number): boolean {
  if (lengthBytes < 1 || lengthBytes > RECORD_LIMIT_BYTES) return false;
  const sizeBytes = RECORD_HEADER_BYTES + lengthBytes;
  if (offset + sizeBytes > fileBytes) return false;
  const bytes = new Uint8Array(sizeBytes);
  return readFully(file, bytes, 0, sizeBytes, offset) === sizeBytes && isRecordSound(bytes, 0, lengthBytes, saltCrc);
}
