import { formatDouble } from "../../protocol/doubles.ts";
import { type Container, ValueType, type ValueTypeCode } from "../container.ts";
import { Board } from "../structures/board.ts";
import { rebuildBoard } from "../structures/board-load.ts";
import { ByteView } from "../structures/byte-view.ts";
import { HashValue } from "../structures/hash-value.ts";
import { ListValue } from "../structures/list-value.ts";
import { SetForm, SetValue } from "../structures/set-value.ts";
import { SortedSet } from "../structures/sorted-set.ts";
import { EventWindow } from "../structures/window.ts";
import { RateLimiter } from "../structures/window-limiter.ts";
import { rebuildLimiter, rebuildWindow } from "../structures/window-load.ts";
import { CommandParts } from "./command-parts.ts";

const encoder = new TextEncoder();

/** Says the commands that make a container anew at an empty key. Views are good during the call of `emit` only. */
type Rebuilder = (container: Container, key: Uint8Array, emit: (args: readonly Uint8Array[]) => void) => void;

/** How each type of container is made anew. */
const REBUILDERS: Readonly<Partial<Record<ValueTypeCode, Rebuilder>>> = {
  [ValueType.list]: only(ListValue, (list, key, emit) => {
    const parts = new CommandParts(emit, "RPUSH", key);
    list.forEach(0, list.size, (bytes, start, end) => parts.add(bytes.subarray(start, end)));
    parts.end();
  }),
  [ValueType.set]: only(SetValue, (set, key, emit) => {
    const parts = new CommandParts(emit, "SADD", key);
    set.forEachMember((bytes, start, end) => parts.add(bytes.subarray(start, end)));
    parts.end();
    const form = set.form === SetForm.table ? "table" : set.form === SetForm.packed ? "packed" : "ints";
    new CommandParts(emit, "STORE.FORM", key).whole(form, set.encoding);
  }),
  [ValueType.hash]: only(HashValue, rebuildHash),
  [ValueType.sortedSet]: only(SortedSet, rebuildSortedSet),
  [ValueType.board]: only(Board, rebuildBoard),
  [ValueType.window]: only(EventWindow, rebuildWindow),
  [ValueType.limiter]: only(RateLimiter, rebuildLimiter),
};

/** Says the commands that make the container anew at the empty key, without the key's expiry. */
export function rebuildContainer(
  container: Container,
  key: Uint8Array,
  emit: (args: readonly Uint8Array[]) => void,
): void {
  const rebuilder = REBUILDERS[container.type];
  if (rebuilder === undefined) throw new Error(`Nothing rebuilds values of type ${container.type}`);
  rebuilder(container, key, emit);
}

function rebuildHash(hash: HashValue, key: Uint8Array, emit: (args: readonly Uint8Array[]) => void): void {
  const parts = new CommandParts(emit, "HSET", key, 2);
  const view = new ByteView();
  const expiring: { readonly name: Uint8Array; readonly timeMs: number }[] = [];
  hash.forEachField((field) => {
    hash.readField(field, view);
    const name = view.copy();
    parts.add(name);
    hash.readValue(field, view);
    parts.add(view.bytes.subarray(view.start, view.end));
    const timeMs = hash.expiryOf(field);
    if (timeMs >= 0) expiring.push({ name, timeMs });
  });
  parts.end();
  for (const { name, timeMs } of expiring) {
    new CommandParts(emit, "HPEXPIREAT", key).whole(String(timeMs), "FIELDS", "1", name);
  }
  if (!hash.isPacked) new CommandParts(emit, "STORE.FORM", key).whole("table");
}

function rebuildSortedSet(set: SortedSet, key: Uint8Array, emit: (args: readonly Uint8Array[]) => void): void {
  const parts = new CommandParts(emit, "ZADD", key, 2);
  set.forEach(0, set.size, false, (bytes, start, end, score) => {
    parts.add(encoder.encode(formatDouble(score)));
    parts.add(bytes.subarray(start, end));
  });
  parts.end();
  if (set.encoding === "skiplist") new CommandParts(emit, "STORE.FORM", key).whole("table");
}

/** A rebuilder of containers of one class, which is all that its type can be. */
function only<T extends Container>(
  Class: abstract new (...args: never[]) => T,
  rebuild: (container: T, key: Uint8Array, emit: (args: readonly Uint8Array[]) => void) => void,
): Rebuilder {
  return (container, key, emit) => {
    if (!(container instanceof Class)) throw new Error(`A value of type ${container.type} is of another class`);
    rebuild(container, key, emit);
  };
}
