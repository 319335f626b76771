import type { Call } from "../call.ts";
import type { Container, ValueTypeCode } from "../container.ts";
import { readCursor } from "./scan-arguments.ts";
import { ScanOptions } from "./scan-options.ts";

/** What a step of a scan has found. */
export interface ScanStep {
  /** The next cursor. */
  readonly next: number;
  /** Elements of the reply. */
  readonly count: number;
  /** Replies them. */
  readonly put: () => void;
}

/**
 * HSCAN, SSCAN and ZSCAN: `key cursor [MATCH pattern] [COUNT count]`.
 *
 * @param step Takes one step through the key's value.
 */
export function scanCollection<T extends Container>(
  call: Call,
  type: ValueTypeCode,
  step: (value: T, cursor: number, options: ScanOptions) => ScanStep,
): void {
  const { args, db, reply } = call;
  const cursor = readCursor(call, 2);
  if (cursor === undefined) return;
  const record = db.find(args, 1);
  const value = record === 0 ? undefined : call.container<T>(record, type);
  if (record !== 0 && value === undefined) return;
  if (value === undefined) {
    reply.array(2);
    reply.bulkInteger(0);
    reply.array(0);
    return;
  }
  const options = ScanOptions.read(call, 3);
  if (options === undefined) return;
  const { next, count, put } = step(value, cursor, options);
  reply.array(2);
  reply.bulkInteger(next);
  reply.array(count);
  put();
}
