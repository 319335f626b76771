import { hashBytes } from "../memory/byte-hash.ts";
import { ByteTable } from "../memory/byte-table.ts";
import type { Heap } from "../memory/heap.ts";
import {
  compareMembers,
  freeMember,
  MEMBER_HEAD_BYTES,
  memberBytes,
  memberScore,
  memberSize,
  memberStart,
  newMember,
  setMemberScore,
} from "./member-record.ts";
import { ScoreTree } from "./score-tree.ts";

/** JavaScript's objects of one, about. */
const INDEXED_OBJECT_BYTES = 400;

/**
 * A sorted set of any size: a record for each member, a table to find it by name, a tree to find it by place.
 *
 * It may be filled with members first ({@link addUnsorted}) and sorted then, all at once.
 */
export class IndexedScores {
  readonly heap: Heap;
  readonly table: ByteTable;
  readonly tree: ScoreTree;
  readonly #hashSeed: number;
  #hash = 0;
  #memberBytes = 0;

  constructor(heap: Heap, hashSeed: number) {
    this.heap = heap;
    this.#hashSeed = hashSeed;
    this.table = new ByteTable(heap, MEMBER_HEAD_BYTES);
    this.tree = new ScoreTree(heap, { compare: (a, b) => compareMembers(heap, a, b) });
    heap.outsideBytes += INDEXED_OBJECT_BYTES;
  }

  get usedBytes(): number {
    const slotBytes = 12;
    return INDEXED_OBJECT_BYTES + this.tree.usedBytes + this.#memberBytes + slotBytes * this.table.size;
  }

  /** The member's record, or 0. */
  find(name: Uint8Array, start: number, end: number): number {
    this.#hash = hashBytes(name, start, end, this.#hashSeed);
    return this.table.find(name, start, end, this.#hash);
  }

  /** Adds a member that {@link find} has just not found. */
  add(name: Uint8Array, start: number, end: number, score: number): number {
    const record = this.addUnsorted(name, start, end, score);
    this.tree.insert(score, record);
    return record;
  }

  /** As {@link add}, but not into the tree: {@link sort} is to follow. */
  addUnsorted(name: Uint8Array, start: number, end: number, score: number): number {
    const record = newMember(this.heap, name, start, end, score);
    this.#memberBytes += MEMBER_HEAD_BYTES + end - start;
    this.table.insert(this.#hash, record);
    return record;
  }

  changeScore(record: number, score: number): void {
    this.tree.lift(memberScore(this.heap, record), record);
    setMemberScore(this.heap, record, score);
    this.tree.move(score);
  }

  /** Removes a member that {@link find} has just found. */
  remove(record: number): void {
    this.tree.remove(memberScore(this.heap, record), record);
    this.#drop(record, this.#hash);
  }

  removeAt(rank: number): void {
    const record = this.tree.removeAt(rank);
    const start = memberStart(record);
    const hash = hashBytes(
      memberBytes(this.heap, record),
      start,
      start + memberSize(this.heap, record),
      this.#hashSeed,
    );
    this.#drop(record, hash);
  }

  #drop(record: number, hash: number): void {
    this.table.remove(hash, record);
    this.#memberBytes -= MEMBER_HEAD_BYTES + memberSize(this.heap, record);
    freeMember(this.heap, record);
  }

  /** Removes a member that is not in the tree yet. */
  dropUnsorted(record: number): void {
    const start = memberStart(record);
    const hash = hashBytes(
      memberBytes(this.heap, record),
      start,
      start + memberSize(this.heap, record),
      this.#hashSeed,
    );
    this.#drop(record, hash);
  }

  /** Fills the tree with all members; until now it was empty. */
  sort(): void {
    const { heap } = this;
    const records = new Int32Array(this.table.size);
    let count = 0;
    this.table.forEachRecord((record) => {
      records[count++] = record;
    });
    records.sort((a, b) => {
      const score = memberScore(heap, a);
      const other = memberScore(heap, b);
      if (score !== other) return score < other ? -1 : 1;
      return compareMembers(heap, a, b);
    });
    this.buildTree(records);
  }

  /** Fills the tree with records that are in order. */
  buildTree(records: Int32Array): void {
    const scores = new Float64Array(records.length);
    for (let i = 0; i < records.length; i++) scores[i] = memberScore(this.heap, records[i]!);
    this.tree.build(scores, records);
  }

  /** A copy of the `count` members from `rank` on, with records of its own. */
  copyOf(rank: number, count: number): IndexedScores {
    const { heap } = this;
    const copy = new IndexedScores(heap, this.#hashSeed);
    const records = new Int32Array(count);
    let copied = 0;
    this.tree.forEach(rank, count, (record, score) => {
      const start = memberStart(record);
      const bytes = memberBytes(heap, record);
      const end = start + memberSize(heap, record);
      copy.#hash = hashBytes(bytes, start, end, this.#hashSeed);
      records[copied++] = copy.addUnsorted(bytes, start, end, score);
    });
    copy.buildTree(records);
    return copy;
  }

  /** Gives back the memory of about `limit` members. Returns whether all is given back. */
  release(limit: number): boolean {
    if (!this.tree.release(limit, (record) => freeMember(this.heap, record))) return false;
    this.table.clear();
    this.heap.outsideBytes -= INDEXED_OBJECT_BYTES;
    return true;
  }
}
