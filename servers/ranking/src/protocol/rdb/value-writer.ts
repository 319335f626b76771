// Values are written in the forms that Redis 7.0 itself gives them with its default settings: small ones as one block,
// large ones as their parts. It turns them into what its own settings want when it loads them.

import { compareBytes } from "../compare-bytes.ts";
import type { ByteSink } from "./byte-sink.ts";
import { safeInteger, scoreBytes } from "./decimal.ts";
import { RDB_TYPE, type RdbValue } from "./format.ts";
import { ListpackBuilder } from "./listpack.ts";

const BLOCK_ENTRIES_MAX = 128;
const BLOCK_STRING_MAX_BYTES = 64;
const INTSET_MEMBERS_MAX = 512;
const LIST_NODE_MAX_BYTES = 8_192;
const PACKED_NODE = 2;
const INT32_LIMIT = 0x8000_0000;

/** Writes a value to a sink. Keeps the memory that it needs for the next one. */
export class ValueWriter {
  readonly #sink: ByteSink;
  readonly #listpack = new ListpackBuilder();

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Writes the type byte, then what `writeKey` writes (a file has the key there), then the value. */
  write(value: RdbValue, writeKey: () => void = nothing): void {
    const sink = this.#sink;
    const type = typeOf(value);
    sink.u8(type);
    writeKey();
    switch (value.kind) {
      case "string":
        sink.string(value.bytes);
        break;
      case "list":
        this.#writeList(value.elements);
        break;
      case "set":
        if (type === RDB_TYPE.setIntset) this.#writeIntset(value.members);
        else {
          sink.length(value.members.length);
          for (const member of value.members) sink.string(member);
        }
        break;
      case "hash":
        this.#writeHash(value.fields, value.values, type === RDB_TYPE.hashListpack);
        break;
      case "sorted-set":
        if (type === RDB_TYPE.sortedSetListpack) this.#writeSmallSortedSet(value.members, value.scores);
        else this.#writeSortedSet(value.members, value.scores);
        break;
      default:
        value satisfies never;
    }
  }

  /** A list is a row of listpacks; the count of them stands before the first, so they are measured in a first pass. */
  #writeList(elements: readonly Uint8Array[]): void {
    const sink = this.#sink;
    const nodeEnds: number[] = [];
    let nodeBytes = 0;
    for (let i = 0; i < elements.length; i++) {
      const entryBytes = elements[i]!.length + 11; // at most: lead, size, back length
      if (nodeBytes > 0 && nodeBytes + entryBytes > LIST_NODE_MAX_BYTES) {
        nodeEnds.push(i);
        nodeBytes = 0;
      }
      nodeBytes += entryBytes;
    }
    if (elements.length > 0) nodeEnds.push(elements.length);
    sink.length(nodeEnds.length);
    let i = 0;
    for (const end of nodeEnds) {
      for (; i < end; i++) this.#listpack.append(elements[i]!);
      sink.length(PACKED_NODE);
      sink.string(this.#listpack.finish());
    }
  }

  /** Its members are ascending: a server finds one by halving. */
  #writeIntset(members: readonly Uint8Array[]): void {
    const numbers = members.map((member) => safeInteger(member) as number).sort((a, b) => a - b);
    const lowest = numbers[0]!;
    const highest = numbers[numbers.length - 1]!;
    const width = isWithin(lowest, highest, 0x8000) ? 2 : isWithin(lowest, highest, INT32_LIMIT) ? 4 : 8;
    const sink = this.#sink;
    const block = new Uint8Array(8 + width * numbers.length);
    const view = new DataView(block.buffer);
    view.setUint32(0, width, true);
    view.setUint32(4, numbers.length, true);
    for (let i = 0; i < numbers.length; i++) {
      const at = 8 + width * i;
      const value = numbers[i]!;
      if (width === 2) view.setInt16(at, value, true);
      else {
        view.setUint32(at, value % 0x1_0000_0000, true);
        if (width === 8) view.setInt32(at + 4, Math.floor(value / 0x1_0000_0000), true);
      }
    }
    sink.string(block);
  }

  #writeHash(fields: readonly Uint8Array[], values: readonly Uint8Array[], isSmall: boolean): void {
    const sink = this.#sink;
    if (!isSmall) sink.length(fields.length);
    for (let i = 0; i < fields.length; i++) {
      if (isSmall) {
        this.#listpack.append(fields[i]!);
        this.#listpack.append(values[i]!);
      } else {
        sink.string(fields[i]!);
        sink.string(values[i]!);
      }
    }
    if (isSmall) sink.string(this.#listpack.finish());
  }

  /** The block of a small sorted set is in its order, which a server does not look at again when it loads one. */
  #writeSmallSortedSet(members: readonly Uint8Array[], scores: readonly number[]): void {
    const order = members.map((_, i) => i);
    order.sort((a, b) => scores[a]! - scores[b]! || compareBytes(members[a]!, members[b]!));
    for (const i of order) {
      const score = scores[i]!;
      this.#listpack.append(members[i]!);
      if (Number.isSafeInteger(score) && !Object.is(score, -0)) this.#listpack.appendInteger(score);
      else this.#listpack.append(scoreBytes(score));
    }
    this.#sink.string(this.#listpack.finish());
  }

  /** From the highest to the lowest if they came in order: a server then inserts each at the head of its list. */
  #writeSortedSet(members: readonly Uint8Array[], scores: readonly number[]): void {
    const sink = this.#sink;
    sink.length(members.length);
    for (let i = members.length - 1; i >= 0; i--) {
      sink.string(members[i]!);
      sink.f64(scores[i]!);
    }
  }
}

/** The type byte that a value is written with. */
function typeOf(value: RdbValue): number {
  switch (value.kind) {
    case "string":
      return RDB_TYPE.string;
    case "list":
      return RDB_TYPE.listQuicklist2;
    case "set":
      return isIntset(value.members) ? RDB_TYPE.setIntset : RDB_TYPE.set;
    case "hash":
      return areSmall(value.fields) && areSmall(value.values) ? RDB_TYPE.hashListpack : RDB_TYPE.hash;
    case "sorted-set":
      return areSmall(value.members) ? RDB_TYPE.sortedSetListpack : RDB_TYPE.sortedSet;
    default:
      return value satisfies never;
  }
}

function isIntset(members: readonly Uint8Array[]): boolean {
  if (members.length === 0 || members.length > INTSET_MEMBERS_MAX) return false;
  return members.every((member) => safeInteger(member) !== undefined);
}

function areSmall(strings: readonly Uint8Array[]): boolean {
  return strings.length <= BLOCK_ENTRIES_MAX && strings.every((string) => string.length <= BLOCK_STRING_MAX_BYTES);
}

function isWithin(lowest: number, highest: number, limit: number): boolean {
  return lowest >= -limit && highest < limit;
}

function nothing(): void {}
