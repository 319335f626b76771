import { checkNodes } from "../check-nodes.ts";
import { keySlotHash } from "../key-hashes/key-slot-hash.ts";
import { RendezvousColumns } from "../rendezvous-score.ts";
import type { HashNode, Selector } from "../selector.ts";

/**
 * Rendezvous, or highest random weight (Thaler and Ravishankar, "Using name-based mappings to increase hit rates",
 * IEEE/ACM Transactions on Networking, 1998): every node draws a number for the key, and the best one has it.
 *
 * Two lines of code, the best spread there is, exactly the ideal movement at every change, no matter in what order
 * nodes are listed, and a ranking of all nodes for free. But every lookup asks every node: about 2 ns each. For a
 * handful of nodes; or for a table's slots instead of keys, which is what SlotTable is.
 */
export function rendezvous(nodes: readonly HashNode[]): Selector {
  checkNodes(nodes, { maxNodes: 65_536, weighted: false });
  return columnsSelector(nodes);
}

/**
 * Weighted rendezvous (Schindelhauer and Schomaker, "Weighted distributed hash tables", SPAA 2005, by its logarithmic
 * method): as above, and the number drawn is divided by the weight in the one way that gives everyone exactly its
 * share; see RendezvousColumns.
 *
 * A change of weight moves only what it must. Cost: as rendezvous, and a logarithm for those few nodes that get near
 * the best so far. Weights 1 to 1,000.
 */
export function weightedRendezvous(nodes: readonly HashNode[]): Selector {
  checkNodes(nodes, { maxNodes: 65_536, weighted: true });
  return columnsSelector(nodes);
}

function columnsSelector(nodes: readonly HashNode[]): Selector {
  const columns = new RendezvousColumns(nodes);
  return {
    nodeCount: nodes.length,
    select: (key, start, end) => columns.best(keySlotHash(key, start, end)),
  };
}
