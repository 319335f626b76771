import { type Container, ValueType } from "../../src/engine/container.ts";
import type { Keyspace } from "../../src/engine/keyspace.ts";
import type { Store } from "../../src/engine/store.ts";
import { Board } from "../../src/engine/structures/board.ts";
import type { BoardPeriod } from "../../src/engine/structures/board-period.ts";
import { nameOf, scoreOf, versionOf } from "../../src/engine/structures/board-records.ts";
import { ByteView } from "../../src/engine/structures/byte-view.ts";
import { HashValue } from "../../src/engine/structures/hash-value.ts";
import { ListValue } from "../../src/engine/structures/list-value.ts";
import { SetValue } from "../../src/engine/structures/set-value.ts";
import { SortedSet } from "../../src/engine/structures/sorted-set.ts";

/**
 * Walks through everything in a store: what is found by name is what is found by walking, counts are those of what is
 * there, orders are kept, no key has an empty container.
 *
 * @throws Error that names the key.
 */
export function checkStore(store: Store): void {
  for (const keyspace of store.keyspaces) {
    let expiring = 0;
    let count = 0;
    keyspace.forEachRecord((record) => {
      const key = keyspace.keyOf(record).slice();
      const name = `${keyspace.index}:${Buffer.from(key).toString("latin1").slice(0, 60)}`;
      count++;
      if (keyspace.expiryOf(record) >= 0) expiring++;
      ensure(keyspace.peek(key, 0, key.length) === record, `${name} is not found by its name`);
      checkValue(keyspace, record, name);
    });
    // Keys whose time has come are counted and not visited.
    ensure(count <= keyspace.size, `database ${keyspace.index} counts ${keyspace.size} keys and has ${count}`);
    ensure(expiring <= keyspace.expiringCount, `database ${keyspace.index} counts too few keys that expire`);
  }
}

function checkValue(keyspace: Keyspace, record: number, name: string): void {
  if (keyspace.typeOf(record) === ValueType.string) {
    keyspace.readString(record);
    ensure(keyspace.valueEnd >= keyspace.valueStart, `${name} has a string of less than 0 bytes`);
    return;
  }
  const value = keyspace.containerOf(record);
  ensure(value.type === keyspace.typeOf(record), `${name} has a value of another type than it says`);
  ensure(value.usedBytes > 0, `${name} uses no memory`);
  const mayBeEmpty = value.type >= ValueType.board;
  ensure(mayBeEmpty || value.size > 0, `${name} is empty`);
  checkContainer(value, name);
}

function checkContainer(value: Container, name: string): void {
  if (value instanceof ListValue) checkList(value, name);
  else if (value instanceof SetValue) checkSet(value, name);
  else if (value instanceof HashValue) checkHash(value, name);
  else if (value instanceof SortedSet) checkSortedSet(value, name);
  else if (value instanceof Board) for (const period of value.periods) checkPeriod(period, name);
}

function checkList(list: ListValue, name: string): void {
  let count = 0;
  list.forEach(0, list.size, () => count++);
  ensure(count === list.size, `${name} counts ${list.size} elements and has ${count}`);
}

function checkSet(set: SetValue, name: string): void {
  let count = 0;
  set.forEachMember((bytes, start, end) => {
    count++;
    ensure(set.has(bytes, start, end), `${name} does not find its own member`);
  });
  ensure(count === set.size, `${name} counts ${set.size} members and has ${count}`);
}

function checkHash(hash: HashValue, name: string): void {
  const view = new ByteView();
  let count = 0;
  hash.forEachField((field) => {
    count++;
    hash.readField(field, view);
    const own = view.copy();
    ensure(hash.find(own, 0, own.length) === field, `${name} does not find its own field`);
    const timeMs = hash.expiryOf(field);
    ensure(timeMs < 0 || timeMs >= hash.nextFieldExpiryMs, `${name} has a field that expires before the next one`);
  });
  ensure(count <= hash.size && count > 0, `${name} counts ${hash.size} fields and has ${count}`);
}

function checkSortedSet(set: SortedSet, name: string): void {
  const entries: { member: Uint8Array; score: number }[] = [];
  set.forEach(0, set.size, false, (bytes, start, end, score) => {
    entries.push({ member: bytes.slice(start, end), score });
  });
  ensure(entries.length === set.size, `${name} counts ${set.size} members and has ${entries.length}`);
  for (const [rank, { member, score }] of entries.entries()) {
    ensure(!Number.isNaN(score), `${name} has a score that is no number`);
    ensure(set.foundScore(set.find(member, 0, member.length)) === score, `${name} finds another score for a member`);
    ensure(set.rankOf(member, 0, member.length) === rank, `${name} finds another rank for a member`);
    const before = entries[rank - 1];
    if (before === undefined) continue;
    const isOrdered = before.score < score || (before.score === score && Buffer.compare(before.member, member) < 0);
    ensure(isOrdered, `${name} is out of order at ${rank}`);
  }
}

function checkPeriod(period: BoardPeriod, name: string): void {
  const sign = period.plan.isDescending ? -1 : 1;
  let rank = 0;
  let last = Number.NEGATIVE_INFINITY;
  period.tree.forEach(0, period.size, (record, key) => {
    const member = nameOf(period.heap, record).slice();
    ensure(period.find(member, 0, member.length) === record, `${name} does not find its own member`);
    ensure(sign * scoreOf(period.heap, record) === key, `${name} has a member in the place of another score`);
    ensure(key >= last, `${name} is out of order at ${rank}`);
    ensure(period.ordinalOf(record) === rank, `${name} finds another rank for a member`);
    ensure(versionOf(period.heap, record) <= period.version, `${name} has a member with a version to come`);
    last = key;
    rank++;
  });
  ensure(rank === period.size, `${name} counts ${period.size} members and has ${rank}`);
}

function ensure(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}
