import type { Args } from "../protocol/args.ts";
import { AccessWords } from "./access-words.ts";
import type { Container } from "./container.ts";
import { Keyspace } from "./keyspace.ts";
import { Heap } from "./memory/heap.ts";
import { ObjectTable } from "./memory/object-table.ts";
import { Zones } from "./zones.ts";

/** Databases that SELECT knows; as Redis's default. */
export const DATABASE_COUNT = 16;
/** Containers of more elements are given back in slices. */
const RELEASE_AT_ONCE = 512;

/** What happens to keys, told to whoever watches them. */
export interface StoreListener {
  /** The value of a key changed, it was made or removed. Views of the key are good during the call only. */
  onChanged(database: number, key: Uint8Array, start: number, end: number): void;
  /** A key was removed because its time had come. */
  onExpired(database: number, key: Uint8Array): void;
  /** Fields of a hash were removed because their time had come; it was deleted if none was left. */
  onFieldsExpired(database: number, key: Uint8Array, isDeleted: boolean): void;
  /** A key was read that is not there; only while {@link Store.tellsMisses}. */
  onMissed(database: number, key: Uint8Array): void;
  /** A key was made; only while {@link Store.tellsNewKeys}. */
  onAdded(database: number, key: Uint8Array): void;
}

/**
 * All databases, the memory under them and the time that they believe in.
 *
 * Time comes with the batches: {@link nowMs} never falls and no clock is read here.
 */
export class Store {
  readonly heap = new Heap();
  readonly objects = new ObjectTable<Container | Uint8Array>();
  /** The same on every copy of the store, since random picks depend on it; secret to clients. */
  readonly hashSeed: number;
  readonly keyspaces: Keyspace[];
  readonly zones = new Zones();
  listener: StoreListener | undefined;
  tellsMisses = false;
  tellsNewKeys = false;
  nowMs = 0;
  /** Small values of each database that stay objects, those that were used last; the others fold into their records. */
  keptUnfolded = 2_048;
  readonly access = new AccessWords();
  hits = 0;
  misses = 0;
  expiredCount = 0;
  /** Big values that nobody can reach any more. */
  readonly #graves: Container[] = [];

  constructor(hashSeed: number) {
    this.hashSeed = hashSeed;
    this.keyspaces = Array.from({ length: DATABASE_COUNT }, (_, index) => new Keyspace(this, index));
  }

  /** Moves the time on; a time that lies back changes nothing. */
  advance(nowMs: number): void {
    if (nowMs <= this.nowMs) return;
    this.nowMs = nowMs;
    this.access.advance(nowMs);
  }

  /** Removes at most `limit` keys whose time has come. Returns how many. */
  expire(limit: number): number {
    let left = limit;
    for (const keyspace of this.keyspaces) {
      if (keyspace.nextExpiryMs > this.nowMs) continue;
      left -= keyspace.expire(left);
      if (left === 0) break;
    }
    return limit - left;
  }

  /** The key in argument `index` was read and is not there. */
  missed(database: number, args: Args, index: number): void {
    this.misses++;
    if (this.tellsMisses) this.listener?.onMissed(database, args.view(index));
  }

  /** Folds small values that were not used lately; between turns. */
  fold(): void {
    for (let i = 0; i < DATABASE_COUNT; i++) this.keyspaces[i]!.fold();
  }

  /** Two databases change their numbers. */
  swap(first: number, second: number): void {
    const [a, b] = [this.keyspaces[first]!, this.keyspaces[second]!];
    this.keyspaces[first] = b;
    this.keyspaces[second] = a;
    b.index = first;
    a.index = second;
  }

  /** Gives an unreachable container's memory back, now or in slices. */
  bury(container: Container): void {
    if (container.size > RELEASE_AT_ONCE || !container.release(RELEASE_AT_ONCE)) this.#graves.push(container);
  }

  get graveCount(): number {
    return this.#graves.length;
  }

  /** Gives back memory of about `limit` elements of buried values. Returns whether none is left. */
  releaseSome(limit: number): boolean {
    const grave = this.#graves.at(-1);
    if (grave?.release(limit)) {
      this.#graves.pop();
      if (this.#graves.length === 0) this.heap.trim();
    }
    return this.#graves.length === 0;
  }

  get usedBytes(): number {
    return this.heap.usedBytes;
  }
}
