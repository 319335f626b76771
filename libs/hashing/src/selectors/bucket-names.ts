import { checkNodes } from "../check-nodes.ts";
import type { HashNode } from "../selector.ts";

const NODE_LIMITS = { maxNodes: 32_768, weighted: false } as const;
const NO_NODE = 0xffff;

/** Buckets as numbers, as algorithms that know no names count them. */
export interface Buckets {
  /** @returns The bucket that is in use now, or `undefined` if there is no room. */
  add(): number | undefined;
  remove(bucket: number): void;
}

/** Which node has which bucket, for algorithms that only count. */
export class BucketNames {
  readonly nodeCount: number;
  readonly #buckets: ReadonlyMap<string, number>;
  readonly #positions: Uint16Array;

  private constructor(buckets: ReadonlyMap<string, number>, nodes: readonly HashNode[]) {
    this.nodeCount = nodes.length;
    this.#buckets = buckets;
    this.#positions = new Uint16Array(Math.max(...buckets.values()) + 1).fill(NO_NODE);
    for (const [position, { name }] of nodes.entries()) this.#positions[buckets.get(name) as number] = position;
  }

  /** Gives each node the bucket of its position. */
  static build(nodes: readonly HashNode[]): BucketNames {
    checkNodes(nodes, NODE_LIMITS);
    return new BucketNames(new Map(nodes.map(({ name }, position) => [name, position])), nodes);
  }

  /**
   * Takes the buckets of nodes that left out of use, in the order of their buckets, then gives buckets to those that are
   * new, in the order of the list.
   *
   * @param buckets Is changed.
   * @returns `undefined` if there is no room, or none of the nodes stays.
   */
  derive(nodes: readonly HashNode[], buckets: Buckets): BucketNames | undefined {
    checkNodes(nodes, NODE_LIMITS);
    const listed = new Set(nodes.map(({ name }) => name));
    const next = new Map([...this.#buckets].filter(([name]) => listed.has(name)));
    if (next.size === 0) return undefined;
    const gone = [...this.#buckets].filter(([name]) => !listed.has(name));
    for (const [, bucket] of gone.sort(([, one], [, other]) => one - other)) buckets.remove(bucket);
    for (const { name } of nodes) {
      if (next.has(name)) continue;
      const bucket = buckets.add();
      if (bucket === undefined) return undefined;
      next.set(name, bucket);
    }
    return new BucketNames(next, nodes);
  }

  /** Position of the node that has a bucket in use. */
  positionOf(bucket: number): number {
    return this.#positions[bucket] as number;
  }
}
