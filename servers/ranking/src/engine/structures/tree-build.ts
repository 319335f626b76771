import type { Heap } from "../memory/heap.ts";
import {
  INNER_BYTES,
  LEAF_BYTES,
  NodeAt,
  newInner,
  newLeaf,
  putChild,
  setNodeScore,
  setNodeWord,
} from "./tree-nodes.ts";

/** How full nodes are made: a little room, or the first changes would split them. */
const LEAF_FILL = 60;
const INNER_FILL = 38;

/** Makes the nodes of a tree from entries that are in order. Everything is filled evenly. */
export function buildNodes(
  heap: Heap,
  scores: Float64Array,
  records: Int32Array,
): { root: number; height: number; nodeBytes: number } {
  const count = records.length;
  if (count === 0) return { root: 0, height: 0, nodeBytes: 0 };
  const leafCount = Math.ceil(count / LEAF_FILL);
  let nodes = new Int32Array(leafCount);
  let nodeBytes = leafCount * LEAF_BYTES;
  for (let i = 0; i < leafCount; i++) {
    const leaf = newLeaf(heap, i === 0 ? 0 : nodes[i - 1]!, 0);
    nodes[i] = leaf;
    const from = shareBefore(count, leafCount, i);
    const end = shareBefore(count, leafCount, i + 1);
    for (let at = from; at < end; at++) {
      setNodeScore(heap, leaf, at - from, scores[at]!);
      setNodeWord(heap, leaf, NodeAt.leafRecords + at - from, records[at]!);
    }
    setNodeWord(heap, leaf, NodeAt.count, end - from);
  }
  let height = 0;
  while (nodes.length > 1) {
    const parents = new Int32Array(Math.ceil(nodes.length / INNER_FILL));
    for (let i = 0; i < parents.length; i++) {
      const parent = newInner(heap);
      parents[i] = parent;
      const from = shareBefore(nodes.length, parents.length, i);
      const end = shareBefore(nodes.length, parents.length, i + 1);
      for (let at = from; at < end; at++) putChild(heap, parent, at - from, nodes[at]!, height === 0);
      setNodeWord(heap, parent, NodeAt.count, end - from);
    }
    nodeBytes += parents.length * INNER_BYTES;
    nodes = parents;
    height++;
  }
  return { root: nodes[0]!, height, nodeBytes };
}

/** How many of `count` things the first `index` of `parts` get, when all get about the same. */
function shareBefore(count: number, parts: number, index: number): number {
  return Math.floor((count * index) / parts);
}
