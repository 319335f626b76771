const MAX_HEIGHT = 12;

/** The way from the root to the leaf of the last descent. No call enters another tree, so one for all is enough. */
export const pathNodes: Int32Array = new Int32Array(MAX_HEIGHT);
export const pathIndexes: Int32Array = new Int32Array(MAX_HEIGHT);

/** One entry of one tree to which the path leads; see {@link finger}. */
interface Finger {
  tree: object | undefined;
  record: number;
  leaf: number;
  /** Place in the leaf. */
  index: number;
  /** Place in the tree, -1 until somebody asks. */
  rank: number;
}

/**
 * Where the entry lies that was found, added or moved last, in whichever tree: the next question about it needs no
 * descent. Every descent lifts it, since it takes the path away; `record` is 0 then.
 */
export const finger: Finger = { tree: undefined, record: 0, leaf: 0, index: 0, rank: -1 };

/** Points at an entry of a tree to which the path leads. */
export function pointAt(tree: object, record: number, leaf: number, index: number): void {
  finger.tree = tree;
  finger.record = record;
  finger.leaf = leaf;
  finger.index = index;
  finger.rank = -1;
}

/** The path is about to become another's, or an entry is about to go. */
export function liftFinger(): void {
  finger.record = 0;
}
