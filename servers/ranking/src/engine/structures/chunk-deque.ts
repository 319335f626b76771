import type { Heap } from "../memory/heap.ts";
import { copyBlock } from "./blocks.ts";

const SMALLEST = 4;
const WORDS = 3;
/** In a chunk's words. */
const POINTER = 0;
const BYTES = 1;
const COUNT = 2;

/**
 * The chunks of a long list in order: of each its block, the bytes and the entries in it. A ring, so that both ends grow
 * and shrink in constant time; putting one into the middle moves the words of the others.
 */
export class ChunkDeque {
  readonly #heap: Heap;
  #words = new Int32Array(WORDS * SMALLEST);
  #first = 0;
  #length = 0;

  /** Begins with one chunk. */
  constructor(heap: Heap, pointer: number, bytes: number, count: number) {
    this.#heap = heap;
    heap.outsideBytes += this.#words.byteLength;
    this.insert(0);
    this.set(0, pointer, bytes, count);
  }

  get length(): number {
    return this.#length;
  }

  pointerOf(index: number): number {
    return this.#words[this.#at(index) + POINTER]!;
  }

  bytesOf(index: number): number {
    return this.#words[this.#at(index) + BYTES]!;
  }

  countOf(index: number): number {
    return this.#words[this.#at(index) + COUNT]!;
  }

  set(index: number, pointer: number, bytes: number, count: number): void {
    const at = this.#at(index);
    this.#words[at + POINTER] = pointer;
    this.#words[at + BYTES] = bytes;
    this.#words[at + COUNT] = count;
  }

  /** Makes room for a chunk that becomes number `index`; it is empty until it is set. */
  insert(index: number): void {
    if ((this.#length + 1) * WORDS > this.#words.length) this.#resize(2 * this.#words.length);
    this.#length++;
    if (index === 0) this.#first = (this.#first - 1) & (this.#words.length / WORDS - 1);
    else for (let to = this.#length - 1; to > index; to--) this.#move(to - 1, to);
    this.set(index, 0, 0, 0);
  }

  /** Forgets a chunk. */
  remove(index: number): void {
    if (index === 0) this.#first = (this.#first + 1) & (this.#words.length / WORDS - 1);
    else for (let from = index + 1; from < this.#length; from++) this.#move(from, from - 1);
    this.#length--;
    if (this.#words.length > WORDS * SMALLEST && 4 * WORDS * this.#length < this.#words.length) {
      this.#resize(this.#words.length / 2);
    }
  }

  /** A copy, with copies of the chunks. */
  copy(): ChunkDeque {
    const pointerOfCopy = (index: number): number => copyBlock(this.#heap, this.pointerOf(index), this.bytesOf(index));
    const copy = new ChunkDeque(this.#heap, pointerOfCopy(0), this.bytesOf(0), this.countOf(0));
    for (let index = 1; index < this.#length; index++) {
      copy.insert(index);
      copy.set(index, pointerOfCopy(index), this.bytesOf(index), this.countOf(index));
    }
    return copy;
  }

  /** Gives its memory back, not that of the chunks. */
  release(): void {
    this.#heap.outsideBytes -= this.#words.byteLength;
  }

  #at(index: number): number {
    return WORDS * ((this.#first + index) & (this.#words.length / WORDS - 1));
  }

  #move(from: number, to: number): void {
    this.set(to, this.pointerOf(from), this.bytesOf(from), this.countOf(from));
  }

  #resize(length: number): void {
    const words = new Int32Array(length);
    for (let index = 0; index < this.#length; index++) {
      const at = this.#at(index);
      for (let word = 0; word < WORDS; word++) words[WORDS * index + word] = this.#words[at + word]!;
    }
    this.#heap.outsideBytes += words.byteLength - this.#words.byteLength;
    this.#words = words;
    this.#first = 0;
  }
}
