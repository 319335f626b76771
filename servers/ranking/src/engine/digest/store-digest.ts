import { ValueType } from "../container.ts";
import type { Keyspace } from "../keyspace.ts";
import type { Store } from "../store.ts";
import { addDigest, DigestMixer, digestText } from "./digest-mixer.ts";
import { ValueDigest } from "./value-digest.ts";

/** The digest of a store without keys, and of a key that is not there. */
export const EMPTY_DIGEST: string = "0".repeat(32);

/**
 * A digest of all that a store holds, 32 hexadecimal digits: two stores with the same keys, types, values and times of
 * expiry in the same databases have the same one, whatever way they came there, and others have not, but for a chance of
 * 2^-128. It is the sum of the digests of the keys (see `DigestMixer`), so it does not depend on memory or history.
 *
 * Not in it, because no command of the log may depend on it: keys whose time has come, LRU and LFU words, statistics,
 * the changes that boards remember for live pages, sessions, settings, users and kept scripts (none of which is
 * replicated; the log says scripts in full).
 *
 * O(N): it walks through everything.
 */
export function digestStore(store: Store): string {
  const digests = new KeyDigests();
  const sum = new Int32Array(4);
  for (const keyspace of store.keyspaces) {
    keyspace.forEachRecord((record) => addDigest(sum, digests.ofKey(keyspace, record)));
  }
  return digestText(sum);
}

/**
 * A digest of a key's type and value, without its name and expiry: equal for equal values under whatever name.
 *
 * @param record 0 for a key that is not there.
 */
export function digestValue(keyspace: Keyspace, record: number): string {
  if (record === 0) return EMPTY_DIGEST;
  return digestText(new KeyDigests().ofValue(keyspace, record));
}

/** The digests of keys, one after the other. */
class KeyDigests {
  readonly #key = new DigestMixer();
  readonly #value = new DigestMixer();
  readonly #containers = new ValueDigest();

  /** Good until the next call. */
  ofKey(keyspace: Keyspace, record: number): Int32Array {
    const key = this.#key;
    key.begin();
    key.word(keyspace.index);
    key.bytes(keyspace.keyOf(record));
    key.number(keyspace.expiryOf(record));
    key.digest(this.ofValue(keyspace, record));
    return key.end();
  }

  /** Good until the next call. */
  ofValue(keyspace: Keyspace, record: number): Int32Array {
    const value = this.#value;
    const type = keyspace.typeOf(record);
    value.begin();
    value.word(type);
    if (type === ValueType.string) {
      keyspace.readString(record);
      value.word(keyspace.encodingFlagsOf(record));
      value.bytes(keyspace.valueBytes, keyspace.valueStart, keyspace.valueEnd);
    } else this.#containers.add(keyspace.containerOf(record), value);
    return value.end();
  }
}
