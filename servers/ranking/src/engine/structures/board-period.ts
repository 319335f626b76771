import { type Container, ValueType } from "../container.ts";
import { OBJECT_BYTES } from "../key-record.ts";
import { hashBytes } from "../memory/byte-hash.ts";
import { ByteTable } from "../memory/byte-table.ts";
import type { Heap } from "../memory/heap.ts";
import { BoardChanges } from "./board-changes.ts";
import { type BoardPlan, SLIDING_STEPS } from "./board-plan.ts";
import {
  BOARD_HEAD_BYTES,
  compareNames,
  freeMember,
  nameOf,
  nameSize,
  newMember,
  partCount,
  scoreOf,
  setScore,
  versionOf,
} from "./board-records.ts";
import { BoardSlide } from "./board-slide.ts";
import { ScoreTree } from "./score-tree.ts";
import type { TieOrder } from "./tree-ways.ts";

/** Members that leave at most with one change, when a cap was lowered. */
const TRIM_MEMBERS = 16;

/** What is chosen once for all members: which of two with the same score is ahead. */
function tieOrderOf(heap: Heap, plan: BoardPlan): TieOrder {
  if (plan.ties === "lex") return { compare: (a, b) => compareNames(heap, a, b) };
  // Versions differ, but for what nobody's rebuild has written; the tree must never see two equal records.
  if (plan.ties === "last")
    return { compare: (a, b) => versionOf(heap, b) - versionOf(heap, a) || compareNames(heap, a, b) };
  return { compare: (a, b) => versionOf(heap, a) - versionOf(heap, b) || compareNames(heap, a, b) };
}

/**
 * The members of one period of a board, or of all time: a table by name and a tree by rank.
 *
 * Every change of a score has a version, one higher than the last. A member keeps the version of its score, which says
 * who reached it first. The tree's order is (score, negated if the highest is the best; tie rule), so rank 0 is the best.
 */
export class BoardPeriod implements Container {
  readonly type = ValueType.board;
  readonly encoding = "tree";
  readonly number: number;
  readonly heap: Heap;
  plan: BoardPlan;
  /** Takes no scores any more. */
  isClosed = false;
  /** Of the last change. */
  version: number;
  /** Changes up to this version are not remembered. */
  firstVersion: number;
  readonly slide: BoardSlide | undefined;
  readonly tree: ScoreTree;
  readonly #seed: number;
  readonly #table: ByteTable;
  readonly #changes: BoardChanges | undefined;
  readonly #sign: number;
  #recordBytes = 0;
  #hash = 0;
  #isReleasing = false;

  constructor(heap: Heap, hashSeed: number, plan: BoardPlan, number: number, version: number) {
    this.heap = heap;
    this.#seed = hashSeed;
    this.plan = plan;
    this.number = number;
    this.version = version;
    this.firstVersion = version;
    this.#sign = plan.isDescending ? -1 : 1;
    this.#table = new ByteTable(heap, BOARD_HEAD_BYTES);
    this.tree = new ScoreTree(heap, tieOrderOf(heap, plan), plan.ties === "shared");
    if (plan.slidingMs > 0) this.slide = new BoardSlide(heap, Math.ceil(plan.slidingMs / SLIDING_STEPS));
    if (plan.changes > 0) this.#changes = new BoardChanges(heap, plan.changes, (name) => freeMember(heap, name));
  }

  get size(): number {
    return this.tree.size;
  }

  get usedBytes(): number {
    const changeBytes = 8 * this.plan.changes;
    const tableBytes = 12 * this.size;
    return (
      4 * OBJECT_BYTES +
      this.#recordBytes +
      tableBytes +
      this.tree.usedBytes +
      changeBytes +
      (this.slide?.usedBytes ?? 0)
    );
  }

  // Members

  /** The member's record, or 0. */
  find(name: Uint8Array, start: number, end: number): number {
    return this.findHashed(name, start, end, hashBytes(name, start, end, this.#seed));
  }

  /** As {@link find}, with the hash of the name, which is the same in all boards. */
  findHashed(name: Uint8Array, start: number, end: number, hash: number): number {
    this.#hash = hash;
    return this.#table.find(name, start, end, hash);
  }

  /** As `ByteTable.neighbour`: whose record is likely to be that of a name of this hash, or 0. */
  neighbour(hash: number): number {
    return this.#table.neighbour(hash);
  }

  /** The score that a member, or 0 for a new one, would get. */
  scoreAfter(record: number, score: number): number {
    if (record === 0 || this.plan.aggregation === "last") return score + 0;
    const old = scoreOf(this.heap, record);
    if (this.plan.aggregation === "sum") return old + score;
    return score * this.#sign < old * this.#sign ? score : old;
  }

  /**
   * Gives a score to the member that {@link find} has just found or, if `record` is 0, not found.
   *
   * @returns The member's record; 0 if there was no room for it below the cap.
   */
  score(record: number, name: Uint8Array, start: number, end: number, score: number, nowMs: number): number {
    const next = this.scoreAfter(record, score);
    const member = record === 0 ? this.add(name, start, end, next) : record;
    if (record !== 0) this.#rescore(record, next);
    if (this.slide !== undefined) this.slide.add(member, Math.floor(nowMs / this.slide.stepMs), score);
    return this.#trim(member) ? 0 : member;
  }

  /** Adds the member that {@link find} has just not found. */
  add(name: Uint8Array, start: number, end: number, score: number, version = this.version + 1): number {
    const record = newMember(this.heap, name, start, end);
    this.#recordBytes += BOARD_HEAD_BYTES + end - start;
    setScore(this.heap, record, score, version);
    this.#table.insert(this.#hash, record);
    this.tree.insert(this.#sign * score, record);
    if (version <= this.version) return record;
    this.version = version;
    this.#changes?.changed(record, version, -1);
    return record;
  }

  #rescore(record: number, score: number): void {
    const { heap, tree } = this;
    const old = scoreOf(heap, record);
    if (old === score) return;
    const oldVersion = versionOf(heap, record);
    tree.lift(this.#sign * old, record);
    const version = ++this.version;
    setScore(heap, record, score, version);
    tree.move(this.#sign * score);
    this.#changes?.changed(record, version, oldVersion);
  }

  /** Lets the worst go while there are more than the cap. Returns whether `member` is among them. */
  #trim(member: number): boolean {
    const { cap } = this.plan;
    let isGone = false;
    for (let left = TRIM_MEMBERS; cap > 0 && this.size > cap && left > 0; left--) {
      const worst = this.tree.recordAt(this.size - 1);
      if (worst === member) isGone = true;
      this.remove(worst);
    }
    return isGone;
  }

  remove(record: number): void {
    const { heap } = this;
    const name = nameOf(heap, record);
    const size = name.length;
    const version = ++this.version;
    if (this.#changes !== undefined) {
      const own = newMember(heap, name, 0, size);
      this.#changes.removed(own, version, versionOf(heap, record));
    }
    this.tree.remove(this.#sign * scoreOf(heap, record), record);
    this.#table.remove(hashBytes(nameOf(heap, record), 0, size, this.#seed), record);
    this.slide?.abandon(record);
    this.#recordBytes -= BOARD_HEAD_BYTES + size;
    freeMember(heap, record);
  }

  // Ranks, from 0

  /** Its place in the order of the board, which no two share. */
  ordinalOf(record: number): number {
    return this.tree.rankOf(this.#sign * scoreOf(this.heap, record), record);
  }

  /** How many are better. */
  competitionOf(record: number): number {
    return this.tree.countBefore(this.#sign * scoreOf(this.heap, record), record);
  }

  /** How many different scores are better. Only of boards whose members share ranks. */
  denseOf(record: number): number {
    return this.tree.distinctBelow(this.#sign * scoreOf(this.heap, record), false);
  }

  /** By the board's tie rule. */
  rankOf(record: number): number {
    return this.plan.ties === "shared" ? this.competitionOf(record) : this.ordinalOf(record);
  }

  /** The score of an entry of the tree. */
  scoreOfKey(key: number): number {
    // Not -0, which no record has.
    return this.#sign * key + 0;
  }

  /** How many have a score from `least` to `most`. */
  countBetween(least: number, most: number): number {
    if (least > most) return 0;
    const [low, high] = this.#sign < 0 ? [-most, -least] : [least, most];
    return this.tree.countBelow(high, true) - this.tree.countBelow(low, false);
  }

  // Sliding

  /** Whether scores have become too old at this time. */
  isDue(nowMs: number): boolean {
    return this.slide?.isDue(Math.floor(nowMs / this.slide.stepMs) - SLIDING_STEPS) ?? false;
  }

  /** Takes away what has become too old: at most `limit` parts of scores. */
  settle(nowMs: number, limit: number): void {
    const { slide, heap } = this;
    for (let left = limit; left > 0 && slide !== undefined && this.isDue(nowMs); left--) {
      const record = slide.takeFirst();
      if (record === 0) continue;
      if (partCount(heap, record) === 0) this.remove(record);
      else this.#rescore(record, slide.sumOf(record));
    }
  }

  // Changes

  /** The oldest version after which all changes are remembered. */
  get oldestVersion(): number {
    if (this.#changes === undefined) return this.version;
    return Math.max(this.firstVersion, this.version - this.#changes.length);
  }

  /** Visits the members that changed after `since`, which is at least {@link oldestVersion}, and those removed. */
  forEachChange(since: number, visit: (record: number, isRemoved: boolean) => void): void {
    this.#changes?.forEach(since, this.version, visit);
  }

  // Memory

  copy(): BoardPeriod {
    const copy = new BoardPeriod(this.heap, this.#seed, this.plan, this.number, this.version);
    copy.isClosed = this.isClosed;
    this.tree.forEach(0, this.size, (record, key) => {
      const name = nameOf(this.heap, record).slice();
      copy.find(name, 0, name.length);
      copy.add(name, 0, name.length, this.#sign * key, versionOf(this.heap, record));
    });
    this.slide?.forEach((record, step, amount) => {
      if (record === 0) {
        copy.slide?.addAbandoned(step);
        return;
      }
      const name = nameOf(this.heap, record);
      copy.slide?.add(copy.find(name, 0, name.length), step, amount);
    });
    return copy;
  }

  release(limit: number): boolean {
    if (!this.#isReleasing) {
      this.#isReleasing = true;
      this.#table.clear();
      this.#changes?.free();
    }
    if (this.slide !== undefined && !this.slide.release(limit)) return false;
    return this.tree.release(limit, (record) => {
      this.#recordBytes -= BOARD_HEAD_BYTES + nameSize(this.heap, record);
      freeMember(this.heap, record);
    });
  }
}
