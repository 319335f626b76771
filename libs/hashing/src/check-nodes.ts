import type { HashNode } from "./selector.ts";

/** What a selector can express. */
export interface NodeLimits {
  readonly maxNodes: number;
  /** Whether nodes may weigh other than 1. */
  readonly weighted: boolean;
}

const MAX_WEIGHT = 1_000;

/** @throws RangeError for no node, too many, a name twice, or a weight that cannot be expressed. */
export function checkNodes(nodes: readonly HashNode[], { maxNodes, weighted }: NodeLimits): void {
  if (nodes.length === 0) throw new RangeError("Cannot place keys on no node: give at least one");
  if (nodes.length > maxNodes) {
    throw new RangeError(`Cannot place keys on ${nodes.length} nodes: this placement takes at most ${maxNodes}`);
  }
  const names = new Set<string>();
  for (const { name, weight } of nodes) {
    if (names.has(name)) throw new RangeError(`Cannot place keys: the name "${name}" is given twice, rename one`);
    names.add(name);
    if (!Number.isInteger(weight) || weight < 1 || weight > MAX_WEIGHT) {
      throw new RangeError(`Cannot give "${name}" weight ${weight}: weights are integers from 1 to ${MAX_WEIGHT}`);
    }
    if (!weighted && weight !== 1) {
      throw new RangeError(`Cannot give "${name}" weight ${weight}: this placement has no weights, use 1`);
    }
  }
}
