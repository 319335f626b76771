import { byteText } from "./acl/index.ts";
import { TYPE_NAMES, ValueType } from "./container.ts";
import type { RankedKey } from "./hot-keys.ts";
import { usedBytesOf } from "./key-record.ts";
import type { Store } from "./store.ts";

/** Keys of each list that a walk keeps. */
const LISTED_KEYS = 32;
const LISTED_BOARDS = 100;

/** Keys of one type of value and what they take. */
export interface TypeUse {
  /** As TYPE names it. */
  readonly type: string;
  keys: number;
  bytes: number;
}

/** What one walk through all databases has found. */
class Findings {
  readonly largest = new TopList(LISTED_KEYS);
  readonly boards = new TopList(LISTED_BOARDS);
  readonly windows = new TopList(LISTED_BOARDS);
  readonly byType: readonly TypeUse[] = TYPE_NAMES.map((type) => ({ type, keys: 0, bytes: 0 }));
}

/** The keys with the highest amounts, the highest first. */
class TopList {
  readonly entries: RankedKey[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  wants(amount: number): boolean {
    return this.entries.length < this.#limit || amount > this.entries.at(-1)!.amount;
  }

  add(entry: RankedKey): void {
    let at = this.entries.length;
    while (at > 0 && this.entries[at - 1]!.amount < entry.amount) at--;
    this.entries.splice(at, 0, entry);
    if (this.entries.length > this.#limit) this.entries.pop();
  }
}

/**
 * A walk through all databases that goes on a little at a time and begins again at its end: what is there by type, the
 * largest keys, the largest boards and windows. What it tells is of the last whole walk.
 */
export class KeyWalk {
  #finished = new Findings();
  #current = new Findings();
  #database = 0;
  #threshold = 0;
  /** When the last whole walk ended, in ms since 1970; 0 if none has. */
  finishedMs = 0;

  /** Looks at about `count` slots of the tables. */
  step(store: Store, count: number): void {
    const keyspace = store.keyspaces[this.#database]!;
    const found = this.#current;
    this.#threshold = keyspace.scan(this.#threshold, count, (record) => {
      const amount = usedBytesOf(store.heap, store.objects, record);
      const type = keyspace.typeOf(record);
      const use = found.byType[type]!;
      use.keys++;
      use.bytes += amount;
      const lists = [found.largest];
      if (type === ValueType.board) lists.push(found.boards);
      else if (type === ValueType.window) lists.push(found.windows);
      for (const list of lists) {
        if (!list.wants(amount)) continue;
        const name = keyspace.keyOf(record);
        list.add({ database: keyspace.index, key: byteText(name, 0, name.length), amount });
      }
    });
    if (this.#threshold !== 0) return;
    this.#database = (this.#database + 1) % store.keyspaces.length;
    if (this.#database !== 0) return;
    this.#finished = this.#current;
    this.#current = new Findings();
    this.finishedMs = store.nowMs;
  }

  /** The largest keys, largest first; `amount` is bytes. At most 32. */
  largest(limit: number): readonly RankedKey[] {
    return this.#finished.largest.entries.slice(0, limit);
  }

  /** The largest boards, at most 100. */
  get boards(): readonly RankedKey[] {
    return this.#finished.boards.entries;
  }

  /** The largest windows, at most 100. */
  get windows(): readonly RankedKey[] {
    return this.#finished.windows.entries;
  }

  /** Keys and bytes by type of value. */
  get allTypes(): readonly TypeUse[] {
    return this.#finished.byType.slice(1);
  }
}
