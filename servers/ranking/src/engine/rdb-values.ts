import type { RdbValue } from "../protocol/rdb/index.ts";
import type { Container, ValueTypeCode } from "./container.ts";
import { ValueType } from "./container.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Store } from "./store.ts";

/** How the values of one container type and their neutral form, which DUMP and files have, become each other. */
export interface ContainerCodec<T extends Container = Container> {
  /** The form that it reads. */
  readonly kind: RdbValue["kind"];
  /**
   * The elements in their order (a sorted set's by score), in memory of their own: SORT keeps them while it changes the
   * store.
   */
  toRdb(container: T): RdbValue;
  /** `undefined` if Redis would call it damaged: a member or field that comes twice, or is too long. */
  fromRdb(store: Store, value: RdbValue): T | undefined;
  /** Of a hash: the value of the field `name[start, end)`, a copy; `undefined` if it has none. For SORT. */
  field?(container: T, name: Uint8Array, start: number, end: number): Uint8Array | undefined;
}

/** Codecs by `ValueType`. */
const CODECS = new Map<ValueTypeCode, ContainerCodec>();

/** The codec of a type; `undefined` if its values have no neutral form (boards and windows are ours alone). */
export function codecOf(type: ValueTypeCode): ContainerCodec | undefined {
  return CODECS.get(type);
}

/** What the record holds, in neutral form; bytes of their own. `undefined` if it has none. */
export function toRdbValue(db: Keyspace, record: number): RdbValue | undefined {
  const type = db.typeOf(record);
  if (type !== ValueType.string) return codecOf(type)?.toRdb(db.containerOf(record));
  db.readString(record);
  const bytes = new Uint8Array(db.valueEnd - db.valueStart);
  bytes.set(db.valueBytes.subarray(db.valueStart, db.valueEnd));
  return { kind: "string", bytes };
}

/** The container of a value that is no string; `undefined` if it is damaged or of a kind that is not kept. */
export function fromRdbValue(store: Store, value: RdbValue): Container | undefined {
  for (const codec of CODECS.values()) if (codec.kind === value.kind) return codec.fromRdb(store, value);
  return undefined;
}
