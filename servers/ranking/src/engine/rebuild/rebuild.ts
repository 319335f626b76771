import { Args } from "../../protocol/args.ts";
import { BatchWriter } from "../batch.ts";
import { ValueType } from "../container.ts";
import { KeyRecordFlag } from "../key-record.ts";
import type { Keyspace } from "../keyspace.ts";
import type { Store } from "../store.ts";
import { zoneCommand } from "../zones.ts";
import { rebuildContainer } from "./rebuilders.ts";

/** Size at which a chunk is complete; one big value may exceed it. */
const CHUNK_BYTES = 262_144;

const encoder = new TextEncoder();
const SET = encoder.encode("SET");
const PEXPIREAT = encoder.encode("PEXPIREAT");
const STORE_FORM = encoder.encode("STORE.FORM");
const RAW = encoder.encode("raw");
const TEXT = encoder.encode("text");

/**
 * Says the commands that make the key's value and expiry anew.
 *
 * Snapshots and copies in other stores are made of these; what has no command does not outlive a restart.
 */
function rebuildKey(keyspace: Keyspace, record: number, emit: (args: readonly Uint8Array[]) => void): void {
  const key = keyspace.keyOf(record).slice();
  const type = keyspace.typeOf(record);
  if (type === ValueType.string) {
    keyspace.readString(record);
    emit([SET, key, keyspace.valueBytes.subarray(keyspace.valueStart, keyspace.valueEnd)]);
    const flags = keyspace.encodingFlagsOf(record);
    if (flags !== 0) emit([STORE_FORM, key, (flags & KeyRecordFlag.raw) === 0 ? TEXT : RAW]);
  } else {
    keyspace.showContainer(record, (container) => rebuildContainer(container, key, emit));
  }
  const expiryMs = keyspace.expiryOf(record);
  if (expiryMs >= 0) emit([PEXPIREAT, key, encoder.encode(String(expiryMs))]);
}

/** Says the whole store as batches, which an empty engine applies in order. Each is good during the call only. */
export function rebuildStore(store: Store, write: (bytes: Uint8Array, start: number, end: number) => void): void {
  const batch = new BatchWriter();
  const args = new Args();
  const flush = (): void => {
    if (batch.count === 0) return;
    batch.finish();
    write(batch.bytes, 0, batch.length);
    batch.begin(store.nowMs, 0);
  };
  batch.begin(store.nowMs, 0);
  for (const zone of store.zones.all()) {
    args.assign(zoneCommand(zone));
    batch.add(0, args);
  }
  for (const keyspace of store.keyspaces) {
    keyspace.forEachRecord((record) => {
      rebuildKey(keyspace, record, (values) => {
        args.assign(values);
        batch.add(keyspace.index, args);
        if (batch.length > CHUNK_BYTES) flush();
      });
    });
  }
  flush();
}
