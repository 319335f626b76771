import type { Heap } from "../memory/heap.ts";
import { buildNodes } from "./tree-build.ts";
import {
  boundWhile,
  headsBefore,
  LEAF_BYTES,
  LEAF_ENTRIES,
  leafBound,
  moveEntries,
  NodeAt,
  newLeaf,
  nodeScore,
  nodeWord,
  setNodeScore,
  setNodeWord,
  sumBefore,
} from "./tree-nodes.ts";
import { finger, liftFinger, pointAt } from "./tree-path.ts";
import { LEAF_THIN, TreeShape } from "./tree-shape.ts";
import type { TieOrder } from "./tree-ways.ts";

/**
 * Records in the order of their scores, each of which can be asked for its place: a B+tree with counts.
 *
 * The order is (score, tie order); a score is never NaN, and -0 equals 0. The tree holds pointers to records; it never
 * reads or frees them, but for what `TieOrder.compare` does. Nobody may change a record's score or what its tie order
 * hangs on while it is in the tree. All nodes lie in the heap; see `tree-nodes.ts`.
 *
 * Invariants: no leaf or inner node is empty; an inner node knows the exact first entry below each child, so its records
 * are alive; of two neighbours below one parent that were thinned out together more than 51 entries are left.
 *
 * Cost: `insert`, `remove`, `rankOf`, `countBelow` go down once, 3 inner nodes at a million entries. The entry that was
 * found, added or moved last is found again for nothing, and so are those around it; a change of score that leaves an
 * entry in its leaf is a way down and a move of those between. With
 * `countsDistinct`, changes also keep the number of different scores below each child (a look at both neighbours, and
 * one more descent when the neighbour with the same score lies in the next leaf), and `distinctBelow` is one descent.
 */
export class ScoreTree {
  readonly #heap: Heap;
  readonly #shape: TreeShape;
  readonly #countsDistinct: boolean;
  #size = 0;

  constructor(heap: Heap, ties: TieOrder, countsDistinct = false) {
    this.#heap = heap;
    this.#shape = new TreeShape(heap, ties);
    this.#countsDistinct = countsDistinct;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of the nodes. */
  get usedBytes(): number {
    return this.#shape.nodeBytes;
  }

  // Changes

  /** Adds a record that is not there. */
  insert(score: number, record: number): void {
    const heap = this.#heap;
    if (this.#shape.root === 0) {
      this.#shape.root = newLeaf(heap, 0, 0);
      this.#shape.nodeBytes += LEAF_BYTES;
    }
    let leaf = this.#shape.descend(score, record);
    let position = this.#shape.placeIn(leaf, score, record);
    while (nodeWord(heap, leaf, NodeAt.count) === LEAF_ENTRIES) {
      this.#shape.makeRoom(this.#shape.height, leaf, position);
      leaf = this.#shape.descend(score, record);
      position = this.#shape.placeIn(leaf, score, record);
    }
    const count = nodeWord(heap, leaf, NodeAt.count);
    moveEntries(heap, leaf, position, count, leaf, position + 1);
    setNodeScore(heap, leaf, position, score);
    setNodeWord(heap, leaf, NodeAt.leafRecords + position, record);
    setNodeWord(heap, leaf, NodeAt.count, count + 1);
    this.#size++;
    this.#shape.addCounts(1);
    if (position === 0) this.#shape.putFirst(this.#shape.height - 1, score, record);
    if (this.#countsDistinct) this.#shape.countHeads(leaf, position, 1);
    pointAt(this.#shape, record, leaf, position);
  }

  /** Takes a record out. Returns whether it was there, with this score. */
  remove(score: number, record: number): boolean {
    if (!this.#shape.find(score, record)) return false;
    this.#removeAt(finger.leaf, finger.index);
    return true;
  }

  /** Takes the entry at `rank`, which must be there, out and returns its record. */
  removeAt(rank: number): number {
    const leaf = this.#shape.descendToRank(rank);
    const position = this.#shape.foundIndex;
    const record = nodeWord(this.#heap, leaf, NodeAt.leafRecords + position);
    this.#removeAt(leaf, position);
    return record;
  }

  /**
   * Finds a record that is to be moved: {@link move} must be the next call, once what the tie order hangs on has changed.
   *
   * @throws Error if it is not there with this score.
   */
  lift(score: number, record: number): void {
    if (!this.#shape.find(score, record)) throw new Error("The record is not in the tree");
  }

  /** Moves the record that was lifted to a score. */
  move(score: number): void {
    const { leaf, index, record } = finger;
    if (this.#shape.moveInLeaf(score, this.#countsDistinct)) return;
    this.#removeAt(leaf, index);
    this.insert(score, record);
  }

  /** Fills an empty tree with entries that are in order already. */
  build(scores: Float64Array, records: Int32Array): void {
    if (this.#shape.root !== 0) throw new Error("Only an empty tree can be built");
    const built = buildNodes(this.#heap, scores, records);
    this.#shape.root = built.root;
    this.#shape.height = built.height;
    this.#shape.nodeBytes = built.nodeBytes;
    this.#size = records.length;
  }

  /**
   * Frees the nodes of about `limit` entries, from the last on. Once begun nothing else may be called.
   *
   * @param visit Gets each record that was dropped.
   * @returns Whether the tree is empty.
   */
  release(limit: number, visit: (record: number) => void): boolean {
    let left = limit;
    while (this.#shape.root !== 0 && left > 0) left -= this.#shape.dropLastLeaf(visit);
    this.#size = Math.max(0, this.#size - (limit - left));
    return this.#shape.root === 0;
  }

  // Questions

  /** How many entries come before this one, or -1 if it is not there. */
  rankOf(score: number, record: number): number {
    return this.#shape.find(score, record) ? this.#shape.fingerRank : -1;
  }

  /** How many entries have a lower score than this one, which is there. */
  countBefore(score: number, record: number): number {
    const heap = this.#heap;
    const rank = this.rankOf(score, record);
    const { leaf, index } = finger;
    let first = index;
    while (first > 0 && nodeScore(heap, leaf, first - 1) === score) first--;
    if (first > 0 || nodeWord(heap, leaf, NodeAt.previous) === 0) return rank - (index - first);
    return this.countBelow(score, false);
  }

  /** How many entries have a score below `score`, or up to it if `isInclusive`. */
  countBelow(score: number, isInclusive: boolean): number {
    if (this.#shape.root === 0) return 0;
    const leaf = this.#shape.descendToScore(score, isInclusive);
    return this.#shape.sumOfPath(NodeAt.counts) + leafBound(this.#heap, leaf, score, isInclusive);
  }

  /** How many entries `isBefore` holds for; it must hold for the first so many and for no other. */
  countWhile(isBefore: (record: number, score: number) => boolean): number {
    if (this.#shape.root === 0) return 0;
    const heap = this.#heap;
    let node = this.#shape.root;
    let rank = 0;
    for (let level = 0; level < this.#shape.height; level++) {
      const next = boundWhile(heap, node, NodeAt.records, 1, isBefore) - 1;
      rank += sumBefore(heap, node, NodeAt.counts, next);
      node = nodeWord(heap, node, NodeAt.children + next);
    }
    return rank + boundWhile(heap, node, NodeAt.leafRecords, 0, isBefore);
  }

  /** How many different scores there are. Needs `countsDistinct`, as do its neighbours. */
  get distinctCount(): number {
    return this.distinctBelow(Number.POSITIVE_INFINITY, true);
  }

  /** How many different scores lie below `score`, or up to it if `isInclusive`: the dense rank, from 0. */
  distinctBelow(score: number, isInclusive: boolean): number {
    if (!this.#countsDistinct) throw new Error("This tree does not count different scores");
    if (this.#shape.root === 0) return 0;
    const heap = this.#heap;
    const leaf = this.#shape.descendToScore(score, isInclusive);
    return this.#shape.sumOfPath(NodeAt.heads) + headsBefore(heap, leaf, leafBound(heap, leaf, score, isInclusive));
  }

  /** The record at `rank`, which must be at least 0 and below `size`. */
  recordAt(rank: number): number {
    const leaf = this.#shape.seek(rank);
    return nodeWord(this.#heap, leaf, NodeAt.leafRecords + this.#shape.foundIndex);
  }

  scoreAt(rank: number): number {
    const leaf = this.#shape.seek(rank);
    return nodeScore(this.#heap, leaf, this.#shape.foundIndex);
  }

  /** Writes the `count` entries from `rank` on, which must be there, into two arrays. */
  copyEntries(rank: number, count: number, records: Int32Array, scores: Float64Array): void {
    if (count <= 0) return;
    const heap = this.#heap;
    let leaf = this.#shape.seek(rank);
    let index = this.#shape.foundIndex;
    for (let i = 0; i < count; i++, index++) {
      while (index === nodeWord(heap, leaf, NodeAt.count)) {
        leaf = nodeWord(heap, leaf, NodeAt.next);
        index = 0;
      }
      records[i] = nodeWord(heap, leaf, NodeAt.leafRecords + index);
      scores[i] = nodeScore(heap, leaf, index);
    }
  }

  /** Visits `count` entries from `rank` on, which must be there. `visit` must not change the tree. */
  forEach(rank: number, count: number, visit: (record: number, score: number) => void): void {
    if (count <= 0) return;
    const heap = this.#heap;
    let leaf = this.#shape.seek(rank);
    let index = this.#shape.foundIndex;
    for (let left = count; left > 0; left--) {
      if (index === nodeWord(heap, leaf, NodeAt.count)) {
        leaf = nodeWord(heap, leaf, NodeAt.next);
        index = 0;
      }
      visit(nodeWord(heap, leaf, NodeAt.leafRecords + index), nodeScore(heap, leaf, index));
      index++;
    }
  }

  /** As {@link forEach}, backwards: `rank`, `rank - 1` and so on. */
  forEachBack(rank: number, count: number, visit: (record: number, score: number) => void): void {
    if (count <= 0) return;
    const heap = this.#heap;
    let leaf = this.#shape.seek(rank);
    let index = this.#shape.foundIndex;
    for (let left = count; left > 0; left--) {
      if (index < 0) {
        leaf = nodeWord(heap, leaf, NodeAt.previous);
        index = nodeWord(heap, leaf, NodeAt.count) - 1;
      }
      visit(nodeWord(heap, leaf, NodeAt.leafRecords + index), nodeScore(heap, leaf, index));
      index--;
    }
  }

  #removeAt(leaf: number, position: number): void {
    liftFinger();
    const heap = this.#heap;
    const shape = this.#shape;
    if (this.#countsDistinct) shape.countHeads(leaf, position, -1);
    const count = nodeWord(heap, leaf, NodeAt.count) - 1;
    moveEntries(heap, leaf, position + 1, count + 1, leaf, position);
    setNodeWord(heap, leaf, NodeAt.count, count);
    this.#size--;
    shape.addCounts(-1);
    if (position === 0 && count > 0) {
      shape.putFirst(shape.height - 1, nodeScore(heap, leaf, 0), nodeWord(heap, leaf, NodeAt.leafRecords));
    }
    if (count <= LEAF_THIN) shape.shrink(leaf);
  }
}
