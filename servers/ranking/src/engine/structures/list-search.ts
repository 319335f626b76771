import type { Store } from "../store.ts";
import { isSameBytes } from "./blocks.ts";
import { ListValue } from "./list-value.ts";

/** Up to this many elements are removed one by one; for more of them the list is built anew. */
const REMOVED_SINGLY = 16;

/** The numbers of the elements that are `element[start, end)`, at most `limit`, from the head on or from the tail on. */
export function indexesOf(
  list: ListValue,
  element: Uint8Array,
  start: number,
  end: number,
  limit: number,
  fromTail: boolean,
): number[] {
  const found: number[] = [];
  const size = end - start;
  const step = fromTail ? -1 : 1;
  let index = fromTail ? list.size - 1 : 0;
  const visit = (bytes: Uint8Array, from: number, to: number): boolean => {
    if (to - from === size && isSameBytes(bytes, from, element, start, size)) found.push(index);
    index += step;
    return found.length < limit;
  };
  if (fromTail) list.forEachBackwards(visit);
  else list.forEach(0, list.size, visit);
  return found;
}

/** Removes the elements with these numbers, which ascend. */
export function removeIndexes(store: Store, list: ListValue, indexes: readonly number[]): void {
  if (indexes.length <= REMOVED_SINGLY) {
    // From the tail on, so that the numbers of those to come stay true.
    for (let i = indexes.length - 1; i >= 0; i--) list.removeAt(indexes[i]!);
    return;
  }
  const kept = new ListValue(store);
  let index = 0;
  let next = 0;
  list.forEach(0, list.size, (bytes, start, end) => {
    if (index++ === indexes[next]) next++;
    else kept.push(false, bytes, start, end);
  });
  list.become(kept);
}
