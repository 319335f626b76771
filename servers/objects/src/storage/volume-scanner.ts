import {
  CHUNK_BYTES,
  decodeHead,
  FIRST_OF_COMMIT,
  headBytesOf,
  peekHeadBytes,
  type RecordHead,
  recordBytesOf,
  VOLUME_HEADER_BYTES,
} from "../protocol/volume/index.ts";
import { areChecksumsGood, chunkChecksum } from "./checksums.ts";
import type { DiskFile } from "./disk.ts";
import { asBuffer } from "./object-json.ts";

/** A record as it stands in a volume. */
export interface ScannedRecord {
  readonly head: RecordHead;
  readonly volumeId: number;
  readonly offset: number;
  readonly recordBytes: number;
  /** What stands behind the head, where {@link ScanOptions.restMemory} gave memory for it. */
  readonly rest: Uint8Array | undefined;
}

/** Where the bytes come from; they may be put into `buffer`, as {@link DiskFile.read} does. */
export type ReadAt = (offset: number, lengthBytes: number, buffer?: Uint8Array) => Promise<Uint8Array> | Uint8Array;

/** What of a volume is read, and how. */
export interface ScanOptions {
  readonly volumeId: number;
  readonly readAt: ReadAt;
  /** Behind the header, if absent. */
  readonly fromOffset?: number;
  readonly sizeBytes: number;
  readonly seed: number;
  /** Up to where the bytes are known to have been synced, if they are. */
  readonly syncedEnd?: number;
  /** Whether a record is only good if its body's checksums are. */
  readonly checksBodies: boolean;
  /** So much is read at a time, a MiB if absent; who scans many volumes at once has less memory for each. */
  readonly windowBytes?: number;
  /** Memory for the window, asked for once; new one, if absent. */
  readonly windowMemory?: (bytes: number) => Buffer;
  /** Memory for what stands behind the head of a sequence, which is then given with the record; undefined to leave it out. */
  readonly restMemory?: (sequence: number, lengthBytes: number) => Uint8Array | undefined;
}

const WINDOW_BYTES = 1_048_576;
const EMPTY = Buffer.alloc(0);

/**
 * Reads the records of a volume in order.
 *
 * Where none can be read there are two cases. At the end of a volume that was written to when the machine failed, the last
 * commit is torn: what follows was never acknowledged, and the scan ends there ({@link VolumeScanner.endOffset}). But if a
 * record further on begins a commit, all that stands before it was synced: then the bytes were damaged later, and the scan
 * goes on behind them ({@link VolumeScanner.damaged}).
 */
export class VolumeScanner {
  readonly volumeId: number;
  readonly #readAt: ReadAt;
  readonly #sizeBytes: number;
  readonly #seed: number;
  readonly #checksBodies: boolean;
  readonly #windowBytes: number;
  readonly #windowMemory: (bytes: number) => Buffer;
  readonly #restMemory: ScanOptions["restMemory"];
  #offset: number;
  /** Memory for the window, used again and again: a scan would be garbage as large as the volume. */
  #memory: Buffer | undefined;
  #window: Buffer = EMPTY;
  #windowOffset = 0;
  #lastSequence = 0;
  /** Behind it nothing is known to have been synced; unknown until something could not be read. */
  #syncedEnd: number | undefined;
  readonly damaged: { readonly start: number; readonly end: number }[] = [];

  constructor(options: ScanOptions) {
    this.volumeId = options.volumeId;
    this.#readAt = options.readAt;
    this.#sizeBytes = options.sizeBytes;
    this.#seed = options.seed;
    this.#checksBodies = options.checksBodies;
    this.#windowBytes = options.windowBytes ?? WINDOW_BYTES;
    this.#windowMemory = options.windowMemory ?? Buffer.allocUnsafeSlow;
    this.#restMemory = options.restMemory;
    this.#syncedEnd = options.syncedEnd;
    this.#offset = options.fromOffset ?? VOLUME_HEADER_BYTES;
  }

  /** Behind the last good record. */
  get endOffset(): number {
    return this.#offset;
  }

  /** The next record; its key and metadata are copies. Undefined at the end. */
  async next(): Promise<ScannedRecord | undefined> {
    for (;;) {
      const record = await this.#recordAt(this.#offset);
      if (record !== undefined && record.head.sequence > this.#lastSequence) {
        this.#offset += record.recordBytes;
        this.#lastSequence = record.head.sequence;
        return record;
      }
      if (this.#offset >= this.#sizeBytes) return undefined;
      const next = await this.#resync();
      if (next === undefined) return undefined;
      this.damaged.push({ start: this.#offset, end: next });
      this.#offset = next;
    }
  }

  /** The place of the next good record, if what stands before it was synced. */
  async #resync(): Promise<number | undefined> {
    this.#syncedEnd ??= await this.#findSyncedEnd(this.#offset + 8);
    for (let at = this.#offset + 8; at <= this.#syncedEnd; at += 8) {
      if ((await this.#goodRecordAt(at)) !== undefined) return at;
    }
    return undefined;
  }

  /** The place of the last record that begins a commit; 0 if there is none. */
  async #findSyncedEnd(from: number): Promise<number> {
    let found = 0;
    for (let at = from; at < this.#sizeBytes; ) {
      const record = await this.#goodRecordAt(at);
      if (record === undefined) {
        at += 8;
        continue;
      }
      if ((record.head.flags & FIRST_OF_COMMIT) !== 0) found = at;
      at += record.recordBytes;
    }
    return found;
  }

  async #goodRecordAt(offset: number): Promise<ScannedRecord | undefined> {
    const record = await this.#recordAt(offset);
    return record !== undefined && record.head.sequence > this.#lastSequence ? record : undefined;
  }

  async #recordAt(offset: number): Promise<ScannedRecord | undefined> {
    const fixed = await this.#bytesAt(offset, 88);
    const headBytes = fixed === undefined ? undefined : peekHeadBytes(fixed, 0);
    if (headBytes === undefined) return undefined;
    const bytes = await this.#bytesAt(offset, headBytes);
    const found = bytes === undefined ? undefined : decodeHead(bytes, 0, this.#seed);
    if (found === undefined) return undefined;
    const head = { ...found, key: Buffer.from(found.key), metadata: Buffer.from(found.metadata) };
    const recordBytes = recordBytesOf(headBytesOf(head), head.storedBytes);
    if (offset + recordBytes > this.#sizeBytes) return undefined;
    if (this.#checksBodies && !(await this.#isBodyGood(offset + headBytes, head.storedBytes))) return undefined;
    const rest = await this.#restAt(head.sequence, offset + headBytes, recordBytes - headBytes);
    return { head, volumeId: this.volumeId, offset, recordBytes, rest };
  }

  /** A copy, since the window moves on. */
  async #restAt(sequence: number, offset: number, lengthBytes: number): Promise<Uint8Array | undefined> {
    const memory = this.#restMemory?.(sequence, lengthBytes);
    const bytes = memory === undefined ? undefined : await this.#bytesAt(offset, lengthBytes);
    if (memory === undefined || bytes === undefined) return undefined;
    memory.set(bytes);
    return memory;
  }

  async #isBodyGood(offset: number, storedBytes: number): Promise<boolean> {
    const count = Math.ceil(storedBytes / CHUNK_BYTES);
    if (count === 0) return true;
    if (storedBytes + 4 * count <= this.#windowBytes) {
      const rest = await this.#bytesAt(offset, storedBytes + 4 * count);
      return rest !== undefined && areChecksumsGood(rest, storedBytes);
    }
    const table = asBuffer(await this.#readAt(offset + storedBytes, 4 * count));
    if (table.length < 4 * count) return false;
    for (let i = 0; i < count; i++) {
      const length = Math.min(CHUNK_BYTES, storedBytes - i * CHUNK_BYTES);
      const chunk = await this.#bytesAt(offset + i * CHUNK_BYTES, length);
      if (chunk === undefined || chunkChecksum(chunk) !== table.readUInt32LE(4 * i)) return false;
    }
    return true;
  }

  /** So many bytes out of the window, which moves there if need be; undefined if the file ends before. */
  async #bytesAt(offset: number, lengthBytes: number): Promise<Buffer | undefined> {
    if (offset + lengthBytes > this.#sizeBytes) return undefined;
    let at = offset - this.#windowOffset;
    if (at < 0 || at + lengthBytes > this.#window.length) {
      const wanted = Math.max(lengthBytes, Math.min(this.#windowBytes, this.#sizeBytes - offset));
      const isSmall = wanted <= this.#windowBytes;
      if (isSmall) this.#memory ??= this.#windowMemory(Math.min(this.#windowBytes, this.#sizeBytes));
      const memory = isSmall ? this.#memory : undefined;
      // Nothing is there while it is read: the memory may hold the old window and the new one in part.
      this.#window = EMPTY;
      this.#window = asBuffer(await this.#readAt(offset, wanted, memory));
      this.#windowOffset = offset;
      at = 0;
      if (this.#window.length < lengthBytes) return undefined;
    }
    return this.#window.subarray(at, at + lengthBytes);
  }
}
