import type { Call } from "../call.ts";
import { EventClass } from "../key-events.ts";
import type { SortedSet } from "../structures/sorted-set.ts";

/** Puts an outcome under the key of argument 1, whatever was there; an empty one removes the key. */
export function storeSortedSet(call: Call, set: SortedSet, event: string): void {
  const { args, db } = call;
  const record = db.findForWrite(args, 1);
  if (set.size > 0) {
    db.setContainer(args, 1, record, set);
    call.modified(1, event, EventClass.sortedSet);
    return;
  }
  call.store.bury(set);
  if (record === 0) return;
  db.delete(record);
  call.modified(1, "del", EventClass.generic);
}
