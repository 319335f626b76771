import { blockBytesOf, type Heap } from "../../src/engine/memory/heap.ts";

/**
 * Keeps account of a heap's blocks beside it: who is live and how large it was asked for. Finds what the heap itself
 * cannot see: a block that is handed out while it is live, or given back with another size than it was taken with.
 */
export class HeapShadow {
  readonly #heap: Heap;
  readonly #live = new Map<number, number>();

  constructor(heap: Heap) {
    this.#heap = heap;
    const { allocate, free } = heap;
    heap.allocate = (byteCount) => {
      const pointer = allocate.call(heap, byteCount);
      if (this.#live.has(pointer)) throw new Error(`Block ${pointer} was handed out twice`);
      this.#live.set(pointer, byteCount);
      return pointer;
    };
    heap.free = (pointer, byteCount) => {
      const taken = this.#live.get(pointer);
      if (taken === undefined) throw new Error(`Block ${pointer} is given back and was not live`);
      if (taken !== byteCount && blockBytesOf(taken) !== blockBytesOf(byteCount)) {
        throw new Error(`Block ${pointer} was taken with ${taken} bytes and is given back with ${byteCount}`);
      }
      this.#live.delete(pointer);
      free.call(heap, pointer, byteCount);
    };
  }

  /** Blocks that are live. */
  get count(): number {
    return this.#live.size;
  }

  /** Sizes of the live blocks, as they were asked for. */
  get sizes(): number[] {
    return [...this.#live.values()];
  }

  /** @throws Error if the heap's own counts are not those of the blocks. */
  check(): void {
    this.#heap.check();
    let bytes = 0;
    for (const byteCount of this.#live.values()) bytes += blockBytesOf(byteCount);
    const { liveBytes } = this.#heap.use;
    if (bytes !== liveBytes) throw new Error(`Blocks of ${bytes} bytes are live and the heap counts ${liveBytes}`);
  }
}
