import { keySlotHash } from "../key-hashes/key-slot-hash.ts";
import { mix32 } from "../key-hashes/murmur3.ts";
import type { DerivingSelector, HashNode } from "../selector.ts";
import { BucketNames } from "./bucket-names.ts";
import { jumpOfHash } from "./jump.ts";

/**
 * MementoHash (Coluzzi, Brocco, Antonucci and Leidi, arXiv 2306.09783, 2023): jump, and a memory of the buckets that
 * went. A key that jumps onto one of them is thrown again among as many as were left then; where that falls on a bucket
 * that went earlier, it goes on to what took its place.
 *
 * Spread and movement are ideal for any removal and addition, there is no capacity, and memory is needed only for the
 * removed: 8 bytes for each bucket here, where the paper has a hash table, because an array answers sooner and is
 * small. A lookup costs a jump, ln(n) steps, and more with many removed. No weights; as with AnchorHash, proxies agree
 * only if they saw the same history.
 */
export class MementoSelector implements DerivingSelector {
  readonly #names: BucketNames;
  readonly #memento: Memento;

  private constructor(names: BucketNames, memento: Memento) {
    this.#names = names;
    this.#memento = memento;
  }

  /** @throws RangeError for no node, more than 32,768, a name twice, or a weight other than 1. */
  static build(nodes: readonly HashNode[]): MementoSelector {
    return new MementoSelector(BucketNames.build(nodes), Memento.build(nodes.length));
  }

  get nodeCount(): number {
    return this.#names.nodeCount;
  }

  /** Built anew, with everything moved, if none of the nodes stays. */
  derive(nodes: readonly HashNode[]): MementoSelector {
    const memento = this.#memento.copy();
    const names = this.#names.derive(nodes, memento);
    return names ? new MementoSelector(names, memento) : MementoSelector.build(nodes);
  }

  select(key: Uint8Array, start: number, end: number): number {
    return this.#names.positionOf(this.#memento.bucketOf(keySlotHash(key, start, end)));
  }
}

const IN_USE = -1;

class Memento {
  /** By bucket: how many were left when it went, which is also the bucket that took its place; IN_USE if it did not. */
  readonly #left: number[];
  /** By bucket that went: the one that went before it. */
  readonly #before: number[];
  #removedCount: number;
  /** The bucket that went last; meaningless if none did. */
  #lastRemoved: number;

  private constructor(left: number[], before: number[], removedCount: number, lastRemoved: number) {
    this.#left = left;
    this.#before = before;
    this.#removedCount = removedCount;
    this.#lastRemoved = lastRemoved;
  }

  static build(bucketCount: number): Memento {
    return new Memento(new Array<number>(bucketCount).fill(IN_USE), new Array<number>(bucketCount).fill(0), 0, 0);
  }

  copy(): Memento {
    return new Memento(this.#left.slice(), this.#before.slice(), this.#removedCount, this.#lastRemoved);
  }

  add(): number {
    if (this.#removedCount === 0) {
      this.#before.push(0);
      return this.#left.push(IN_USE) - 1;
    }
    const bucket = this.#lastRemoved;
    this.#lastRemoved = this.#before[bucket] as number;
    this.#left[bucket] = IN_USE;
    this.#removedCount--;
    return bucket;
  }

  remove(bucket: number): void {
    if (this.#removedCount === 0 && bucket === this.#left.length - 1) {
      this.#left.pop();
      this.#before.pop();
      return;
    }
    this.#removedCount++;
    this.#left[bucket] = this.#left.length - this.#removedCount;
    this.#before[bucket] = this.#lastRemoved;
    this.#lastRemoved = bucket;
  }

  bucketOf(hash: number): number {
    const left = this.#left;
    let bucket = jumpOfHash(hash, left.length);
    let thrown = hash;
    for (;;) {
      const choices = left[bucket] as number;
      if (choices === IN_USE) return bucket;
      thrown = mix32(thrown + bucket + 1) >>> 0;
      let next = thrown % choices;
      while ((left[next] as number) >= choices) next = left[next] as number;
      bucket = next;
    }
  }
}
