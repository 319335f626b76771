import { OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import { moveEntry, placeAfterChange } from "./leaf-move.ts";
import {
  freeLeaf,
  INNER_BYTES,
  INNER_CHILDREN,
  isHead,
  LEAF_BYTES,
  LEAF_ENTRIES,
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
} from "./tree-nodes.ts";
import { finger, liftFinger, pathIndexes, pathNodes, pointAt } from "./tree-path.ts";
import { TreeWays } from "./tree-ways.ts";

/** A leaf that has become this thin is joined with a neighbour, if both together have at most {@link LEAF_JOINED}. */
export const LEAF_THIN = 17;
const LEAF_JOINED = 51;
const INNER_THIN = 10;
const INNER_JOINED = 31;
/** Entries that the full leaf at an end keeps to itself, since scores often only rise or only fall. */
const END_SPLIT = 64;

/**
 * The nodes of a score tree: ways down, and what keeps counts and shape right when an entry comes or goes. Only
 * `ScoreTree` uses it. A split or a join loses the path of the descent before it.
 */
export class TreeShape extends TreeWays {
  nodeBytes = 0;

  /**
   * Gives the entry pointed at another score, and place, without leaving its leaf. What its tie order hangs on has the
   * new values already. Returns whether it could stay there for sure; if not, nothing was changed.
   */
  moveInLeaf(score: number, countsDistinct: boolean): boolean {
    const heap = this.heap;
    const { leaf, index, record } = finger;
    const to = placeAfterChange(heap, this.ties, leaf, index, score, this.#scoreBehind());
    if (to < 0) return false;
    if (countsDistinct) this.countHeads(leaf, index, -1);
    moveEntry(heap, leaf, index, to, score);
    if (countsDistinct) this.countHeads(leaf, to, 1);
    if (to === 0 || index === 0) {
      this.putFirst(this.height - 1, nodeScore(heap, leaf, 0), nodeWord(heap, leaf, NodeAt.leafRecords));
    }
    pointAt(this, record, leaf, to);
    return true;
  }

  /** The first score of the leaf behind that of the path if both have the same parent; else NaN. */
  #scoreBehind(): number {
    if (this.height === 0) return Number.NaN;
    const parent = pathNodes[this.height - 1]!;
    const next = pathIndexes[this.height - 1]! + 1;
    return next < nodeWord(this.heap, parent, NodeAt.count) ? nodeScore(this.heap, parent, next) : Number.NaN;
  }

  // Keeping the path right

  addCounts(delta: number): void {
    for (let level = 0; level < this.height; level++) {
      const node = pathNodes[level]!;
      const words = this.heap.words[node >>> SEGMENT_SHIFT]!;
      words[((node & OFFSET_MASK) << 1) + NodeAt.counts + pathIndexes[level]!]! += delta;
    }
  }

  #addHeads(delta: number): void {
    for (let level = 0; level < this.height; level++) {
      const node = pathNodes[level]!;
      const words = this.heap.words[node >>> SEGMENT_SHIFT]!;
      words[((node & OFFSET_MASK) << 1) + NodeAt.heads + pathIndexes[level]!]! += delta;
    }
  }

  /** The first entry below the path's child at `level` and, where that is the first child, above has changed. */
  putFirst(level: number, score: number, record: number): void {
    for (let above = level; above >= 0; above--) {
      const index = pathIndexes[above]!;
      setNodeScore(this.heap, pathNodes[above]!, index, score);
      setNodeWord(this.heap, pathNodes[above]!, NodeAt.records + index, record);
      if (index > 0) return;
    }
  }

  /**
   * Counts an entry that has come (`delta` 1) or is about to go (-1) among the heads: its own place, and the next one's,
   * which is a head exactly if this one is not there.
   */
  countHeads(leaf: number, position: number, delta: number): void {
    const heap = this.heap;
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
    const heap = this.heap;
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
    const heap = this.heap;
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
    const heap = this.heap;
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
      const count = nodeWord(this.heap, node, NodeAt.count);
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
      freeLeaf(this.heap, node);
      this.nodeBytes -= LEAF_BYTES;
    } else {
      this.heap.free(node, INNER_BYTES);
      this.nodeBytes -= INNER_BYTES;
    }
  }

  /** Takes the path's child at `level` out of its parent. */
  #dropChild(level: number): void {
    const heap = this.heap;
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
    const heap = this.heap;
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
    while (this.height > 0 && nodeWord(this.heap, this.root, NodeAt.count) === 1) {
      const child = nodeWord(this.heap, this.root, NodeAt.children);
      this.#freeNode(this.root, false);
      this.root = child;
      this.height--;
    }
  }

  /** Frees the last leaf, and what is empty then. Counts above are not kept. Returns how many entries it had. */
  dropLastLeaf(visit: (record: number) => void): number {
    liftFinger();
    const heap = this.heap;
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
