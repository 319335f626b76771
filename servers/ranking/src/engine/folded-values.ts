import { type FoldingContainer, ValueType } from "./container.ts";
import type { Store } from "./store.ts";
import { HashValue } from "./structures/hash-value.ts";
import { SetValue } from "./structures/set-value.ts";
import { SortedSet } from "./structures/sorted-set.ts";

/** Values of which more remains are not folded: what an object takes beside them is little then. */
export const MAX_FOLDED_BYTES = 1_024;
/** Ids that were taken, beyond which the queue is cut. */
const CUT = 8_192;
/** Values that are folded at least at one time, if so many are to be, and at most: some ms. */
const FOLD_AT_ONCE = 512;
const MOST_AT_ONCE = 8_192;

/** Whether values of a type can be folded, as long as they are small. */
export function isFoldingType(type: number): boolean {
  return type === ValueType.hash || type === ValueType.set || type === ValueType.sortedSet;
}

/** Makes the container that was folded into `bytes[start, end)`. */
export function unfoldValue(
  store: Store,
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): FoldingContainer {
  if (type === ValueType.hash) return HashValue.unfold(store, bytes, start, end);
  return type === ValueType.set
    ? SetValue.unfold(store, bytes, start, end)
    : SortedSet.unfold(store, bytes, start, end);
}

/**
 * The objects of values that could be folded again, the one that was unfolded first being the first. In between they are
 * as any other object: who works with one within a turn always has the same.
 */
export class FoldQueue {
  readonly #ids: number[] = [];
  #from = 0;

  push(id: number): void {
    this.#ids.push(id);
  }

  /**
   * How many are to be folded now; more the more have gathered.
   *
   * @param kept Those that were unfolded or made last stay unfolded.
   */
  dueCount(kept: number): number {
    const extra = this.#ids.length - this.#from - kept;
    return extra <= 0 ? 0 : Math.min(extra, FOLD_AT_ONCE + (extra >> 3), MOST_AT_ONCE);
  }

  /** The next one. There must be one. */
  take(): number {
    const id = this.#ids[this.#from++]!;
    if (this.#from >= CUT) {
      this.#ids.splice(0, this.#from);
      this.#from = 0;
    }
    return id;
  }

  clear(): void {
    this.#ids.length = 0;
    this.#from = 0;
  }
}
