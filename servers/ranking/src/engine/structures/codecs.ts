import type { Container } from "../container.ts";
import type { ContainerCodec } from "../container-codec.ts";
import { ownBytes } from "./blocks.ts";
import { ByteView } from "./byte-view.ts";
import { checkFieldLength, HashValue } from "./hash-value.ts";
import { ListValue } from "./list-value.ts";
import { checkMemberSize } from "./member-record.ts";
import { checkMemberLength, SetValue } from "./set-value.ts";
import { SortedSet } from "./sorted-set.ts";

function discard(container: Container): undefined {
  container.release(Number.POSITIVE_INFINITY);
}

/** Lists: elements from head to tail. */
export const LIST_CODEC: ContainerCodec = {
  kind: "list",
  toRdb(container) {
    const elements: Uint8Array[] = [];
    (container as ListValue).forEach(0, container.size, (bytes, start, end) => {
      elements.push(ownBytes(bytes, start, end));
    });
    return { kind: "list", elements };
  },
  fromRdb(store, value) {
    if (value.kind !== "list") return undefined;
    const list = new ListValue(store);
    for (const element of value.elements) list.push(false, element, 0, element.length);
    return list;
  },
};

/** Sets: members in the order of their form. */
export const SET_CODEC: ContainerCodec = {
  kind: "set",
  toRdb(container) {
    const members: Uint8Array[] = [];
    (container as SetValue).forEachMember((bytes, start, end) => members.push(ownBytes(bytes, start, end)));
    return { kind: "set", members };
  },
  fromRdb(store, value) {
    if (value.kind !== "set") return undefined;
    for (const member of value.members) checkMemberLength(member.length);
    const set = new SetValue(store);
    for (const member of value.members) if (!set.add(member, 0, member.length)) return discard(set);
    return set;
  },
};

/** Hashes: fields that have not expired. When they do is not a part of the form. */
export const HASH_CODEC: ContainerCodec = {
  kind: "hash",
  toRdb(container) {
    const hash = container as HashValue;
    const view = new ByteView();
    const fields: Uint8Array[] = [];
    const values: Uint8Array[] = [];
    hash.forEachField((field) => {
      hash.readField(field, view);
      fields.push(view.copy());
      hash.readValue(field, view);
      values.push(view.copy());
    });
    return { kind: "hash", fields, values };
  },
  fromRdb(store, value) {
    if (value.kind !== "hash") return undefined;
    for (const field of value.fields) checkFieldLength(field.length);
    const hash = new HashValue(store);
    for (const [index, field] of value.fields.entries()) {
      const content = value.values[index]!;
      if (!hash.set(field, 0, field.length, content, 0, content.length)) return discard(hash);
    }
    return hash;
  },
};

/** Sorted sets: members by their score. */
export const SORTED_SET_CODEC: ContainerCodec = {
  kind: "sorted-set",
  toRdb(container) {
    const members: Uint8Array[] = [];
    const scores: number[] = [];
    (container as SortedSet).forEach(0, container.size, false, (bytes, start, end, score) => {
      members.push(ownBytes(bytes, start, end));
      scores.push(score);
    });
    return { kind: "sorted-set", members, scores };
  },
  fromRdb(store, value) {
    if (value.kind !== "sorted-set") return undefined;
    for (const member of value.members) checkMemberSize(member.length);
    const set = new SortedSet(store);
    for (const [index, member] of value.members.entries()) {
      if (set.find(member, 0, member.length) !== 0) return discard(set);
      set.add(member, 0, member.length, value.scores[index]!);
    }
    return set;
  },
};

/** The value of this field of a hash, a copy; `undefined` if it has none. */
export function hashField(container: Container, name: Uint8Array): Uint8Array | undefined {
  const hash = container as HashValue;
  const field = hash.find(name, 0, name.length);
  if (field === 0) return undefined;
  const view = new ByteView();
  hash.readValue(field, view);
  return view.copy();
}
