import { keySlotHash } from "../key-hashes/key-slot-hash.ts";
import { mix32 } from "../key-hashes/murmur3.ts";
import type { DerivingSelector, HashNode } from "../selector.ts";
import { BucketNames } from "./bucket-names.ts";

/** Buckets there are for each node at first: a fleet can double before everything has to be built anew. */
const SPARE_FACTOR = 2;

/**
 * AnchorHash (Mendelson, Vargaftik, Barabash, Lorenz, Keslassy and Orda, IEEE/ACM Transactions on Networking, 2020,
 * arXiv 1812.09674): a fixed number of buckets, the anchor, of which some are in use. Every bucket that is not
 * remembers how many were left when it went. A key that falls on one is thrown again among those that were left, until
 * it falls on one in use.
 *
 * Spread and movement are ideal for any removal and any addition, a lookup costs about 1 + ln(capacity / nodes) throws,
 * and 16 bytes for each bucket hold it all. The price: the capacity is fixed, beyond it all keys move; there are no
 * weights; and what the buckets remember depends on the *order* of the removals, so that proxies agree only if they saw
 * the same history. Added nodes take the places of those that left last.
 */
export class AnchorSelector implements DerivingSelector {
  readonly #names: BucketNames;
  readonly #anchor: Anchor;

  private constructor(names: BucketNames, anchor: Anchor) {
    this.#names = names;
    this.#anchor = anchor;
  }

  /** @throws RangeError for no node, more than 32,768, a name twice, or a weight other than 1. */
  static build(nodes: readonly HashNode[]): AnchorSelector {
    const names = BucketNames.build(nodes);
    return new AnchorSelector(names, Anchor.build(nodes.length * SPARE_FACTOR, nodes.length));
  }

  get nodeCount(): number {
    return this.#names.nodeCount;
  }

  /** Built anew, with everything moved, if the nodes outgrow the buckets or none stays. */
  derive(nodes: readonly HashNode[]): AnchorSelector {
    const anchor = this.#anchor.copy();
    const names = this.#names.derive(nodes, anchor);
    return names ? new AnchorSelector(names, anchor) : AnchorSelector.build(nodes);
  }

  select(key: Uint8Array, start: number, end: number): number {
    return this.#names.positionOf(this.#anchor.bucketOf(keySlotHash(key, start, end)));
  }
}

/**
 * The buckets. The names of the columns are the paper's: A how many were left when the bucket went (0: in use), K what
 * took its place then, W the buckets in use in some order, L where in W a bucket is, R who went, the last one last.
 */
class Anchor {
  readonly #a: Uint16Array;
  readonly #k: Uint16Array;
  readonly #w: Uint16Array;
  readonly #l: Uint16Array;
  readonly #r: number[];
  #inUse: number;

  private constructor(a: Uint16Array, k: Uint16Array, w: Uint16Array, l: Uint16Array, r: number[], inUse: number) {
    this.#a = a;
    this.#k = k;
    this.#w = w;
    this.#l = l;
    this.#r = r;
    this.#inUse = inUse;
  }

  static build(capacity: number, inUse: number): Anchor {
    const identity = () => Uint16Array.from({ length: capacity }, (_, bucket) => bucket);
    const anchor = new Anchor(new Uint16Array(capacity), identity(), identity(), identity(), [], capacity);
    for (let bucket = capacity - 1; bucket >= inUse; bucket--) anchor.remove(bucket);
    return anchor;
  }

  copy(): Anchor {
    return new Anchor(this.#a.slice(), this.#k.slice(), this.#w.slice(), this.#l.slice(), this.#r.slice(), this.#inUse);
  }

  /** @returns The bucket that is in use again, or `undefined` if all are. */
  add(): number | undefined {
    const bucket = this.#r.pop();
    if (bucket === undefined) return undefined;
    this.#a[bucket] = 0;
    this.#l[this.#w[this.#inUse] as number] = this.#inUse;
    this.#w[this.#l[bucket] as number] = bucket;
    this.#k[bucket] = bucket;
    this.#inUse++;
    return bucket;
  }

  remove(bucket: number): void {
    this.#r.push(bucket);
    this.#inUse--;
    const last = this.#w[this.#inUse] as number;
    this.#a[bucket] = this.#inUse;
    this.#w[this.#l[bucket] as number] = last;
    this.#k[bucket] = last;
    this.#l[last] = this.#l[bucket] as number;
  }

  bucketOf(hash: number): number {
    const left = this.#a;
    let bucket = hash % left.length;
    let thrown = hash;
    for (;;) {
      const choices = left[bucket] as number;
      if (choices === 0) return bucket;
      thrown = mix32(thrown + bucket + 1) >>> 0;
      let next = thrown % choices;
      while ((left[next] as number) >= choices) next = this.#k[next] as number;
      bucket = next;
    }
  }
}
