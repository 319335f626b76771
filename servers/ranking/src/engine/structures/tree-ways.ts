import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import {
  innerBound,
  LEAF_BYTES,
  LEAF_ENTRIES,
  leafBound,
  NodeAt,
  nodeScore,
  nodeWord,
  sumBefore,
} from "./tree-nodes.ts";
import { finger, liftFinger, pathIndexes, pathNodes, pointAt } from "./tree-path.ts";

/** The order of records that have the same score. Never 0 for two different records. */
export interface TieOrder {
  compare(a: number, b: number): number;
}

const LEAF_WORDS = LEAF_BYTES / 4;
/** Words that the processor fetches together. */
const LINE_WORDS = 16;
/** As far from the finger an entry is reached along the leaves. */
const NEAR_ENTRIES = 2 * LEAF_ENTRIES;

/**
 * The ways down a score tree. Each descent leaves its path for the calls that follow it.
 */
export class TreeWays {
  protected readonly heap: Heap;
  protected readonly ties: TieOrder;
  root = 0;
  /** Inner levels above the leaves. */
  height = 0;
  /** Of no meaning. */
  touched = 0;
  /** Where in its leaf the entry of {@link descendToRank} is. */
  foundIndex = 0;

  constructor(heap: Heap, ties: TieOrder) {
    this.heap = heap;
    this.ties = ties;
  }

  // Going down

  descend(score: number, record: number): number {
    liftFinger();
    const heap = this.heap;
    let node = this.root;
    for (let level = 0; level < this.height; level++) {
      const words = heap.words[node >>> SEGMENT_SHIFT]!;
      const base = (node & OFFSET_MASK) << 1;
      const count = words[base]!;
      let index = innerBound(heap, node, 1, count, score, true) - 1;
      if (index > 0 && nodeScore(heap, node, index) === score) index = this.#tiedChild(node, index, score, record);
      pathNodes[level] = node;
      pathIndexes[level] = index;
      node = words[base + NodeAt.children + index]!;
    }
    this.#fetch(node);
    return node;
  }

  /**
   * Touches all of a leaf. The search in it would wait for the memory at each step; asked at once, it comes side by side.
   */
  #fetch(leaf: number): void {
    const words = this.heap.words[leaf >>> SEGMENT_SHIFT]!;
    const base = (leaf & OFFSET_MASK) << 1;
    let touched = 0;
    for (let at = base; at < base + LEAF_WORDS; at += LINE_WORDS) touched ^= words[at]!;
    // Or nothing would have to be read.
    this.touched = touched;
  }

  /** The child for a record when some children, the last of which is `last`, begin with its score. */
  #tiedChild(node: number, last: number, score: number, record: number): number {
    const heap = this.heap;
    let low = innerBound(heap, node, 1, last, score, false);
    let high = last + 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = nodeWord(heap, node, NodeAt.records + middle);
      if (other === record || this.ties.compare(other, record) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  descendToScore(score: number, isInclusive: boolean): number {
    liftFinger();
    const heap = this.heap;
    let node = this.root;
    for (let level = 0; level < this.height; level++) {
      const index = innerBound(heap, node, 1, nodeWord(heap, node, NodeAt.count), score, isInclusive) - 1;
      pathNodes[level] = node;
      pathIndexes[level] = index;
      node = nodeWord(heap, node, NodeAt.children + index);
    }
    return node;
  }

  /** Leaves the place in the leaf in {@link foundIndex}. */
  descendToRank(rank: number): number {
    liftFinger();
    const heap = this.heap;
    let node = this.root;
    let left = rank;
    for (let level = 0; level < this.height; level++) {
      const words = heap.words[node >>> SEGMENT_SHIFT]!;
      const base = (node & OFFSET_MASK) << 1;
      let index = 0;
      for (let count = words[base + NodeAt.counts]!; left >= count; count = words[base + NodeAt.counts + index]!) {
        left -= count;
        index++;
      }
      pathNodes[level] = node;
      pathIndexes[level] = index;
      node = words[base + NodeAt.children + index]!;
    }
    this.foundIndex = left;
    return node;
  }

  /** The sum of `NodeAt.counts` or `heads` over all that lies before the leaf of the path. */
  sumOfPath(at: number): number {
    let sum = 0;
    for (let level = 0; level < this.height; level++) {
      sum += sumBefore(this.heap, pathNodes[level]!, at, pathIndexes[level]!);
    }
    return sum;
  }

  /** Where a new entry belongs in a leaf. */
  placeIn(leaf: number, score: number, record: number): number {
    const heap = this.heap;
    let high = leafBound(heap, leaf, score, true);
    if (high === 0 || nodeScore(heap, leaf, high - 1) !== score) return high;
    let low = leafBound(heap, leaf, score, false);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ties.compare(nodeWord(heap, leaf, NodeAt.leafRecords + middle), record) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where an entry is in a leaf, or -1. Looks for the pointer, which is cheaper than to compare names. */
  indexIn(leaf: number, score: number, record: number): number {
    const heap = this.heap;
    const words = heap.words[leaf >>> SEGMENT_SHIFT]!;
    const base = ((leaf & OFFSET_MASK) << 1) + NodeAt.leafRecords;
    const count = nodeWord(heap, leaf, NodeAt.count);
    for (let i = leafBound(heap, leaf, score, false); i < count; i++) {
      if (words[base + i] === record) return nodeScore(heap, leaf, i) === score ? i : -1;
    }
    return -1;
  }

  // The finger

  /** Points at an entry that has this score. Returns whether it is there. */
  find(score: number, record: number): boolean {
    if (finger.record === record && finger.tree === this)
      return nodeScore(this.heap, finger.leaf, finger.index) === score;
    if (this.root === 0) return false;
    const leaf = this.descend(score, record);
    const index = this.indexIn(leaf, score, record);
    if (index < 0) return false;
    pointAt(this, record, leaf, index);
    return true;
  }

  /** How many entries come before the one that was pointed at. */
  get fingerRank(): number {
    if (finger.rank < 0) finger.rank = this.sumOfPath(NodeAt.counts) + finger.index;
    return finger.rank;
  }

  /** The leaf of the entry at `rank`, as {@link descendToRank}, or along the leaves when it is near to the finger. */
  seek(rank: number): number {
    if (finger.record === 0 || finger.tree !== this) return this.descendToRank(rank);
    const steps = rank - this.fingerRank;
    if (steps < -NEAR_ENTRIES || steps > NEAR_ENTRIES) return this.descendToRank(rank);
    const heap = this.heap;
    let { leaf } = finger;
    let index = finger.index + steps;
    while (index < 0) {
      leaf = nodeWord(heap, leaf, NodeAt.previous);
      index += nodeWord(heap, leaf, NodeAt.count);
    }
    for (let count = nodeWord(heap, leaf, NodeAt.count); index >= count; count = nodeWord(heap, leaf, NodeAt.count)) {
      index -= count;
      leaf = nodeWord(heap, leaf, NodeAt.next);
    }
    this.foundIndex = index;
    return leaf;
  }
}
