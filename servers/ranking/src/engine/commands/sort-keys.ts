import { ValueType } from "../container.ts";
import type { Keyspace } from "../keyspace.ts";
import { hashField } from "../structures/codecs.ts";

const STAR = 42;
const DASH = 45;
const GREATER = 62;
const HASH_SIGN = 35;

/** A pattern of BY or GET, taken apart. */
interface KeyPattern {
  readonly prefix: Uint8Array;
  readonly postfix: Uint8Array;
  /** The field of a hash, or `undefined` for a string. */
  readonly field: Uint8Array | undefined;
}

/**
 * What a pattern of SORT stands for, given an element: the element itself for `#`, else the string at the key that the
 * pattern with the element in place of its first `*` names, or with `->field` behind it that field of the hash there.
 *
 * @param pattern Copied: it may alias a read buffer, and outlives nothing.
 * @returns A function from elements to values that are good until the next change, or to `undefined` for none.
 */
export function patternLookup(db: Keyspace, pattern: Uint8Array): (element: Uint8Array) => Uint8Array | undefined {
  if (pattern.length === 1 && pattern[0] === HASH_SIGN) return (element) => element;
  const parts = takeApart(pattern);
  if (parts === undefined) return () => undefined;
  return (element) => valueAt(db, parts, element);
}

/** `undefined` if there is no `*` before the first zero byte, where C ends. */
function takeApart(pattern: Uint8Array): KeyPattern | undefined {
  const zero = pattern.indexOf(0);
  const textEnd = zero < 0 ? pattern.length : zero;
  const star = pattern.indexOf(STAR);
  if (star < 0 || star >= textEnd) return undefined;
  for (let i = star + 1; i + 2 < textEnd; i++) {
    if (pattern[i] !== DASH || pattern[i + 1] !== GREATER) continue;
    return {
      prefix: pattern.subarray(0, star),
      postfix: pattern.subarray(star + 1, i),
      field: pattern.subarray(i + 2),
    };
  }
  return { prefix: pattern.subarray(0, star), postfix: pattern.subarray(star + 1), field: undefined };
}

function valueAt(db: Keyspace, { prefix, postfix, field }: KeyPattern, element: Uint8Array): Uint8Array | undefined {
  const key = new Uint8Array(prefix.length + element.length + postfix.length);
  key.set(prefix);
  key.set(element, prefix.length);
  key.set(postfix, prefix.length + element.length);
  const record = db.peek(key, 0, key.length);
  if (record === 0) return undefined;
  const type = db.typeOf(record);
  if (field !== undefined) {
    return type === ValueType.hash ? hashField(db.containerOf(record), field) : undefined;
  }
  if (type !== ValueType.string) return undefined;
  db.readString(record);
  return db.valueBytes.subarray(db.valueStart, db.valueEnd);
}
