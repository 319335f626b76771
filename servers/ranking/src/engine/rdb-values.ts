import type { RdbValue } from "../protocol/rdb/index.ts";
import type { Container, ValueTypeCode } from "./container.ts";
import { ValueType } from "./container.ts";
import type { ContainerCodec } from "./container-codec.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Store } from "./store.ts";
import { HASH_CODEC, LIST_CODEC, SET_CODEC, SORTED_SET_CODEC } from "./structures/codecs.ts";

/** Codecs by `ValueType`. */
const CODECS: ReadonlyMap<ValueTypeCode, ContainerCodec> = new Map([
  [ValueType.list, LIST_CODEC],
  [ValueType.set, SET_CODEC],
  [ValueType.hash, HASH_CODEC],
  [ValueType.sortedSet, SORTED_SET_CODEC],
]);

/** The codec of a type; `undefined` if its values have no neutral form (boards and windows are ours alone). */
export function codecOf(type: ValueTypeCode): ContainerCodec | undefined {
  return CODECS.get(type);
}

/** What the record holds, in neutral form; bytes of their own. `undefined` if it has none. */
export function toRdbValue(db: Keyspace, record: number): RdbValue | undefined {
  if (db.typeOf(record) !== ValueType.string) return toRdbContainer(db.containerOf(record));
  db.readString(record);
  const bytes = new Uint8Array(db.valueEnd - db.valueStart);
  bytes.set(db.valueBytes.subarray(db.valueStart, db.valueEnd));
  return { kind: "string", bytes };
}

/** As {@link toRdbValue}, of a value that is no string. */
export function toRdbContainer(container: Container): RdbValue | undefined {
  return codecOf(container.type)?.toRdb(container);
}

/** The container of a value that is no string; `undefined` if it is damaged or of a kind that is not kept. */
export function fromRdbValue(store: Store, value: RdbValue): Container | undefined {
  for (const codec of CODECS.values()) if (codec.kind === value.kind) return codec.fromRdb(store, value);
  return undefined;
}
