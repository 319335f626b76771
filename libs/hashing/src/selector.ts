/** One server as a selector sees it. */
export interface HashNode {
  /** What is hashed; an address only where a fleet's placement demands it. */
  readonly name: string;
  /** Share of the keys, relative to the others': 1 to 1,000. Selectors without weights refuse others than 1. */
  readonly weight: number;
}

/**
 * Chooses a node for a key.
 *
 * All selectors are pure and see nodes as positions in the list they were built from. A selector never changes; one for
 * another list is built anew, or derived where the algorithm can ({@link DerivingSelector}).
 */
export interface Selector {
  readonly nodeCount: number;
  /**
   * @param key The bytes `[start, end)` are the key, and must be in range; nothing is kept of them.
   * @returns Position of the node, 0 to `nodeCount - 1`.
   */
  select(key: Uint8Array, start: number, end: number): number;
}

/** Makes the selector of another list of nodes from itself; nodes are told apart by their names. Does not change. */
export interface DerivingSelector extends Selector {
  /** @throws RangeError as the {@link SelectorFactory} that built it. */
  derive(nodes: readonly HashNode[]): DerivingSelector;
}

/** Builds a {@link Selector}. Throws RangeError for no node, too many, a name twice, or a weight it cannot express. */
export type SelectorFactory = (nodes: readonly HashNode[]) => Selector;
