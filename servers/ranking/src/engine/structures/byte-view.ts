import { ownBytes } from "./blocks.ts";

/** Bytes that lie in something else, `bytes[start, end)`; good until that changes. Made once and filled again and again. */
export class ByteView {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;

  set(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  get size(): number {
    return this.end - this.start;
  }

  /** A copy, to be kept. */
  copy(): Uint8Array {
    return ownBytes(this.bytes, this.start, this.end);
  }
}
