import { parseInt64 } from "../protocol/numbers.ts";
import { KeyRecordFlag, recordWord } from "./key-record.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Store } from "./store.ts";

/** Longest string that Redis keeps together with its head. */
const EMBEDDED_BYTES = 44;
const INT_DIGITS = 20;

/** What OBJECT ENCODING says of the record's string: Redis's representation, not ours. */
export function stringEncoding(store: Store, db: Keyspace, record: number): "int" | "embstr" | "raw" {
  const head = recordWord(store.heap, record, 0);
  if ((head & KeyRecordFlag.raw) !== 0) return "raw";
  db.readString(record);
  const { valueBytes, valueStart, valueEnd } = db;
  const size = valueEnd - valueStart;
  const mayBeInt = (head & KeyRecordFlag.text) === 0 && size <= INT_DIGITS;
  if (mayBeInt && parseInt64(valueBytes, valueStart, valueEnd) !== undefined) return "int";
  return size <= EMBEDDED_BYTES ? "embstr" : "raw";
}
