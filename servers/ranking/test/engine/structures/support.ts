import { Store } from "../../../src/engine/store.ts";

/** A store with nothing in it, and what its memory is then. */
export function emptyStore(): { store: Store; outsideBytes: number } {
  const store = new Store(77);
  return { store, outsideBytes: store.heap.outsideBytes };
}

export function latin(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

export function textOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}
