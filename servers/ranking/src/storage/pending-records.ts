import { readU32 } from "@kagami/bytes";
import { RECORD_HEADER_BYTES, saltChecksum, sealRecord } from "./log-format.ts";

/** What the buffer is made with, and shrinks to after a bigger turn. */
const BUFFER_BYTES = 1_048_576;
const KEPT_BUFFER_BYTES = 8 * BUFFER_BYTES;

/**
 * Records that are appended and not yet written, one behind the other as they will lie in the file, in a buffer that
 * stays: a turn costs one copy of each batch and no allocation. It grows to a power of two when a turn is bigger.
 */
export class PendingRecords {
  readonly #saltCrc: number;
  #bytes = new Uint8Array(BUFFER_BYTES);
  /** Takes turns with `#bytes` while there are readers. */
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #sizeBytes = 0;
  #firstPosition: number;
  #nextPosition: number;

  constructor(salt: number, nextPosition: number) {
    this.#saltCrc = saltChecksum(salt);
    this.#firstPosition = nextPosition;
    this.#nextPosition = nextPosition;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Of the first record that is pending, or would be. */
  get firstPosition(): number {
    return this.#firstPosition;
  }

  /** Of the last record, pending or taken. */
  get lastPosition(): number {
    return this.#nextPosition - 1;
  }

  /** Adds a record and returns its position. The caller has checked the range and its length. */
  add(payload: Uint8Array, start: number, end: number, unsyncedCount: number): number {
    const lengthBytes = end - start;
    const offset = this.#sizeBytes;
    const needed = offset + RECORD_HEADER_BYTES + lengthBytes;
    if (needed > this.#bytes.length) this.#grow(needed);
    const bytes = this.#bytes;
    const payloadAt = offset + RECORD_HEADER_BYTES;
    // A native copy makes an object for the range; below this a loop is quicker.
    if (lengthBytes <= 64) {
      for (let i = 0; i < lengthBytes; i++) bytes[payloadAt + i] = payload[start + i] as number;
    } else {
      bytes.set(payload.subarray(start, end), payloadAt);
    }
    const position = this.#nextPosition++;
    sealRecord(bytes, offset, lengthBytes, position, unsyncedCount, this.#saltCrc);
    this.#sizeBytes = needed;
    return position;
  }

  /** Forgets what is pending: it is written. */
  clear(): void {
    this.#sizeBytes = 0;
    this.#firstPosition = this.#nextPosition;
    if (this.#bytes.length > KEPT_BUFFER_BYTES) this.#bytes = new Uint8Array(BUFFER_BYTES);
  }

  /** The same, and calls back for each record with its payload's place. What is added meanwhile lies elsewhere. */
  clearVisiting(onRecord: (position: number, bytes: Uint8Array, start: number, end: number) => void): void {
    const bytes = this.#bytes;
    const sizeBytes = this.#sizeBytes;
    let position = this.#firstPosition;
    this.#bytes = this.#spare ?? new Uint8Array(BUFFER_BYTES);
    this.#spare = undefined;
    this.clear();
    for (let offset = 0; offset < sizeBytes; position++) {
      const start = offset + RECORD_HEADER_BYTES;
      offset = start + readU32(bytes, offset + 4);
      onRecord(position, bytes, start, offset);
    }
    if (bytes.length <= KEPT_BUFFER_BYTES) this.#spare = bytes;
  }

  #grow(neededBytes: number): void {
    let sizeBytes = this.#bytes.length;
    while (sizeBytes < neededBytes) sizeBytes *= 2;
    const grown = new Uint8Array(sizeBytes);
    grown.set(this.#bytes.subarray(0, this.#sizeBytes));
    this.#bytes = grown;
  }
}
