import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import {
  freeLeaf,
  INNER_BYTES,
  INNER_CHILDREN,
  innerBound,
  isHead,
  LEAF_BYTES,
  LEAF_ENTRIES,
  leafBound,
  moveChildren,
  moveEntries,
  NodeAt,
  newInner,
  newLeaf,
  nodeScore,
  nodeWord,
  putChild,
  setNodeScore,
  setNodeWord,
  sumBefore,
} from "./tree-nodes.ts";

/** The order of records that have the same score. Never 0 for two different records. */
export interface TieOrder {
  compare(a: number, b: number): number;
}

/** A leaf that has become this thin is joined with a neighbour, if both together have at most {@link LEAF_JOINED}. */
export const LEAF_THIN = 17;
const LEAF_JOINED = 51;
const INNER_THIN = 10;
const INNER_JOINED = 31;
/** Entries that the full leaf at an end keeps to itself, since scores often only rise or only fall. */
const END_SPLIT = 64;
const MAX_HEIGHT = 12;

/** The way from the root to the leaf of the last descent. No call enters another tree, so one for all is enough. */
const pathNodes = new Int32Array(MAX_HEIGHT);
const pathIndexes = new Int32Array(MAX_HEIGHT);

/**
 * The nodes of a score tree: ways down, and what keeps counts and shape right when an entry comes or goes. Only
 * `ScoreTree` uses it.
 *
 * Each descent leaves its path for the calls that follow it; a split or a join loses it.
 */
export class TreeShape {
  readonly #heap: Heap;
  readonly #ties: TieOrder;
  root = 0;
  /** Inner levels above the leaves. */
  height = 0;
  nodeBytes = 0;
  /** Where in its leaf the entry of {@link descendToRank} is. */
  foundIndex = 0;

  constructor(heap: Heap, ties: TieOrder) {
    this.#heap = heap;
    this.#ties = ties;
  }

  // Going down

  descend(score: number, record: number): number {
    const heap = this.#heap;
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
    return node;
  }

  /** The child for a record when some children, the last of which is `last`, begin with its score. */
  #tiedChild(node: number, last: number, score: number, record: number): number {
    const heap = this.#heap;
    let low = innerBound(heap, node, 1, last, score, false);
    let high = last + 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = nodeWord(heap, node, NodeAt.records + middle);
      if (other === record || this.#ties.compare(other, record) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  descendToScore(score: number, isInclusive: boolean): number {
    const heap = this.#heap;
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
    const heap = this.#heap;
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
      sum += sumBefore(this.#heap, pathNodes[level]!, at, pathIndexes[level]!);
    }
    return sum;
  }

  /** Where a new entry belongs in a leaf. */
  placeIn(leaf: number, score: number, record: number): number {
    const heap = this.#heap;
    let high = leafBound(heap, leaf, score, true);
    if (high === 0 || nodeScore(heap, leaf, high - 1) !== score) return high;
    let low = leafBound(heap, leaf, score, false);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ties.compare(nodeWord(heap, leaf, NodeAt.leafRecords + middle), record) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where an entry is in a leaf, or -1. Looks for the pointer, which is cheaper than to compare names. */
  indexIn(leaf: number, score: number, record: number): number {
    const heap = this.#heap;
    const words = heap.words[leaf >>> SEGMENT_SHIFT]!;
    const base = ((leaf & OFFSET_MASK) << 1) + NodeAt.leafRecords;
    const count = nodeWord(heap, leaf, NodeAt.count);
    for (let i = leafBound(heap, leaf, score, false); i < count; i++) {
      if (words[base + i] === record) return nodeScore(heap, leaf, i) === score ? i : -1;
    }
    return -1;
  }

  // Keeping the path right

  addCounts(delta: number): void {
    for (let level = 0; level < this.height; level++) {
      const node = pathNodes[level]!;
      const words = this.#heap.words[node >>> SEGMENT_SHIFT]!;
      words[((node & OFFSET_MASK) << 1) + NodeAt.counts + pathIndexes[level]!]! += delta;
    }
  }

  #addHeads(delta: number): void {
    for (let level = 0; level < this.height; level++) {
      const node = pathNodes[level]!;
      const words = this.#heap.words[node >>> SEGMENT_SHIFT]!;
      words[((node & OFFSET_MASK) << 1) + NodeAt.heads + pathIndexes[level]!]! += delta;
    }
  }

  /** The first entry below the path's child at `level` and, where that is the first child, above has changed. */
  putFirst(level: number, score: number, record: number): void {
    for (let above = level; above >= 0; above--) {
      const index = pathIndexes[above]!;
      setNodeScore(this.#heap, pathNodes[above]!, index, score);
      setNodeWord(this.#heap, pathNodes[above]!, NodeAt.records + index, record);
      if (index > 0) return;
    }
  }

  /**
   * Counts an entry that has come (`delta` 1) or is about to go (-1) among the heads: its own place, and the next one's,
   * which is a head exactly if this one is not there.
   */
  countHeads(leaf: number, position: number, delta: number): void {
    const heap = this.#heap;
    if (!isHead(heap, leaf, position)) return;
    const score = nodeScore(heap, leaf, position);
    const isLast = position + 1 === nodeWord(heap, leaf, NodeAt.count);
    if (!isLast) {
      if (nodeScore(heap, leaf, position + 1) !== score) this.#addHeads(delta);
      return;
    }
    this.#addHeads(delta);
    const next = nodeWord(heap, leaf, NodeAt.next);
    if (next === 0 || nodeScore(heap, next, 0) !== score) return;
    const saved = [pathNodes.slice(0, this.height), pathIndexes.slice(0, this.height)] as const;
    this.descendToRank(this.sumOfPath(NodeAt.counts) + position + 1);
    this.#addHeads(-delta);
    pathNodes.set(saved[0]);
    pathIndexes.set(saved[1]);
  }

  // Splitting

  /** Makes room in the full node at `level` of the path by one split, here or above. The path is lost. */
  makeRoom(level: number, node: number, position: number): void {
    const heap = this.#heap;
    if (level === 0) {
      const root = newInner(heap);
      this.nodeBytes += INNER_BYTES;
      this.root = root;
      setNodeWord(heap, root, NodeAt.count, 1);
      this.height++;
      putChild(heap, root, 0, node, this.height === 1);
      return;
    }
    const parent = pathNodes[level - 1]!;
    const index = pathIndexes[level - 1]!;
    const children = nodeWord(heap, parent, NodeAt.count);
    if (children === INNER_CHILDREN) {
      this.makeRoom(level - 1, parent, index);
      return;
    }
    const isLeaf = level === this.height;
    const right = isLeaf ? this.#splitLeaf(node, position) : this.#splitInner(node);
    moveChildren(heap, parent, index + 1, children, parent, index + 2);
    setNodeWord(heap, parent, NodeAt.count, children + 1);
    putChild(heap, parent, index, node, isLeaf);
    putChild(heap, parent, index + 1, right, isLeaf);
  }

  #splitLeaf(leaf: number, position: number): number {
    const heap = this.#heap;
    const next = nodeWord(heap, leaf, NodeAt.next);
    let at = LEAF_ENTRIES >> 1;
    if (next === 0 && position === LEAF_ENTRIES) at = END_SPLIT;
    else if (position === 0 && nodeWord(heap, leaf, NodeAt.previous) === 0) at = LEAF_ENTRIES - END_SPLIT;
    const right = newLeaf(heap, leaf, next);
    this.nodeBytes += LEAF_BYTES;
    moveEntries(heap, leaf, at, LEAF_ENTRIES, right, 0);
    setNodeWord(heap, leaf, NodeAt.count, at);
    setNodeWord(heap, right, NodeAt.count, LEAF_ENTRIES - at);
    return right;
  }

  #splitInner(node: number): number {
    const heap = this.#heap;
    const right = newInner(heap);
    this.nodeBytes += INNER_BYTES;
    const at = INNER_CHILDREN >> 1;
    moveChildren(heap, node, at, INNER_CHILDREN, right, 0);
    setNodeWord(heap, node, NodeAt.count, at);
    setNodeWord(heap, right, NodeAt.count, INNER_CHILDREN - at);
    return right;
  }

  // Joining

  /** After an entry was taken out of a leaf of the path: drops what is empty, joins what is thin. The path is lost. */
  shrink(leaf: number): void {
    let node = leaf;
    for (let level = this.height; level >= 0; level--) {
      const isLeaf = level === this.height;
      const count = nodeWord(this.#heap, node, NodeAt.count);
      if (count === 0) this.#freeNode(node, isLeaf);
      if (level === 0) {
        if (count === 0) this.root = 0;
        break;
      }
      if (count === 0) this.#dropChild(level - 1);
      else if (count > (isLeaf ? LEAF_THIN : INNER_THIN) || !this.#join(level - 1, isLeaf)) break;
      node = pathNodes[level - 1]!;
    }
    this.#lower();
  }

  #freeNode(node: number, isLeaf: boolean): void {
    if (isLeaf) {
      freeLeaf(this.#heap, node);
      this.nodeBytes -= LEAF_BYTES;
    } else {
      this.#heap.free(node, INNER_BYTES);
      this.nodeBytes -= INNER_BYTES;
    }
  }

  /** Takes the path's child at `level` out of its parent. */
  #dropChild(level: number): void {
    const heap = this.#heap;
    const parent = pathNodes[level]!;
    const index = pathIndexes[level]!;
    const children = nodeWord(heap, parent, NodeAt.count) - 1;
    moveChildren(heap, parent, index + 1, children + 1, parent, index);
    setNodeWord(heap, parent, NodeAt.count, children);
    if (index > 0 || children === 0) return;
    this.putFirst(level - 1, nodeScore(heap, parent, 0), nodeWord(heap, parent, NodeAt.records));
  }

  /** Joins the path's child at `level` with a neighbour. Returns whether both together were few enough. */
  #join(level: number, isLeaf: boolean): boolean {
    const heap = this.#heap;
    const parent = pathNodes[level]!;
    const index = pathIndexes[level]!;
    const children = nodeWord(heap, parent, NodeAt.count);
    for (let leftIndex = index; leftIndex >= index - 1; leftIndex--) {
      if (leftIndex < 0 || leftIndex + 1 >= children) continue;
      const left = nodeWord(heap, parent, NodeAt.children + leftIndex);
      const right = nodeWord(heap, parent, NodeAt.children + leftIndex + 1);
      const leftCount = nodeWord(heap, left, NodeAt.count);
      const rightCount = nodeWord(heap, right, NodeAt.count);
      if (leftCount + rightCount > (isLeaf ? LEAF_JOINED : INNER_JOINED)) continue;
      if (isLeaf) moveEntries(heap, right, 0, rightCount, left, leftCount);
      else moveChildren(heap, right, 0, rightCount, left, leftCount);
      setNodeWord(heap, left, NodeAt.count, leftCount + rightCount);
      this.#freeNode(right, isLeaf);
      pathIndexes[level] = leftIndex + 1;
      this.#dropChild(level);
      putChild(heap, parent, leftIndex, left, isLeaf);
      return true;
    }
    return false;
  }

  /** Takes away roots that have one child only. */
  #lower(): void {
    if (this.root === 0) this.height = 0;
    while (this.height > 0 && nodeWord(this.#heap, this.root, NodeAt.count) === 1) {
      const child = nodeWord(this.#heap, this.root, NodeAt.children);
      this.#freeNode(this.root, false);
      this.root = child;
      this.height--;
    }
  }

  /** Frees the last leaf, and what is empty then. Counts above are not kept. Returns how many entries it had. */
  dropLastLeaf(visit: (record: number) => void): number {
    const heap = this.#heap;
    let node = this.root;
    for (let level = 0; level < this.height; level++) {
      pathNodes[level] = node;
      node = nodeWord(heap, node, NodeAt.children + nodeWord(heap, node, NodeAt.count) - 1);
    }
    const count = nodeWord(heap, node, NodeAt.count);
    for (let i = 0; i < count; i++) visit(nodeWord(heap, node, NodeAt.leafRecords + i));
    this.#freeNode(node, true);
    for (let level = this.height - 1; level >= 0; level--) {
      const inner = pathNodes[level]!;
      const children = nodeWord(heap, inner, NodeAt.count) - 1;
      setNodeWord(heap, inner, NodeAt.count, children);
      if (children > 0) return count;
      this.#freeNode(inner, false);
    }
    this.root = 0;
    this.height = 0;
    return count;
  }
}
