import { checkNodes } from "./check-nodes.ts";
import { keySlotHash } from "./key-hashes/key-slot-hash.ts";
import { itemHashOf, RendezvousColumns } from "./rendezvous-score.ts";
import type { HashNode, Selector } from "./selector.ts";

/** Slots of every table: enough that 100 nodes differ by about 4 % (standard deviation), few enough to ship. */
export const SLOT_COUNT = 65_536;

const NODE_LIMITS = { maxNodes: 4_096, weighted: true } as const;
const NO_NODE = 0xffff;

/** Slot of a key, 0 to 65,535, whatever the nodes are: the upper half of {@link keySlotHash}. */
export function slotOf(key: Uint8Array, start: number, end: number): number {
  return keySlotHash(key, start, end) >>> 16;
}

/**
 * A table of 65,536 slots, each owned by one node: the placement of our own pools.
 *
 * A key's hash names its slot, the slot names its owner: a lookup is one hash and one read of a table that fits into
 * the second-level cache. Who owns a slot is decided by weighted rendezvous of the slot and the nodes' *names*, so
 * - everyone who knows the names and weights has the same table, in whatever order they are listed and however the
 *   table came about (built anew, or derived over and over);
 * - a change moves only the slots it must: to nodes that are new or became heavier, from those that left or became
 *   lighter, the shares being those of the weights but for the luck of the draw (standard deviation of a node's share,
 *   relative: about sqrt(n / 65,536));
 * - every slot has a ranking of all nodes. The second is the one that would own it if the first were not there.
 *
 * Cost: 128 KiB; building it, slots times nodes draws; deriving, slots times *changed* nodes, and all nodes for the
 * slots that lost their owner. The figures are in the README. Limit: 4,096 nodes, because beyond a few hundred the
 * slots per node become few.
 */
export class SlotTable implements Selector {
  readonly nodeCount: number;
  readonly #nodes: readonly HashNode[];
  readonly #columns: RendezvousColumns;
  readonly #owners: Uint16Array;

  private constructor(nodes: readonly HashNode[], columns: RendezvousColumns, owners: Uint16Array) {
    this.nodeCount = nodes.length;
    this.#nodes = nodes;
    this.#columns = columns;
    this.#owners = owners;
  }

  /** @throws RangeError for no node, more than 4,096, a name twice, or a weight that is no integer from 1 to 1,000. */
  static build(nodes: readonly HashNode[]): SlotTable {
    checkNodes(nodes, NODE_LIMITS);
    const columns = new RendezvousColumns(nodes);
    const owners = new Uint16Array(SLOT_COUNT);
    for (let slot = 0; slot < SLOT_COUNT; slot++) owners[slot] = columns.best(itemHashOf(slot));
    return new SlotTable(nodes.slice(), columns, owners);
  }

  /**
   * The table of another list of nodes: the same that {@link SlotTable.build} makes of it, in a fraction of the time if
   * most nodes stay. This table stays as it is.
   *
   * @throws RangeError as {@link SlotTable.build} does.
   */
  derive(nodes: readonly HashNode[]): SlotTable {
    checkNodes(nodes, NODE_LIMITS);
    const columns = new RendezvousColumns(nodes);
    const { newPositions, challengers } = changes(this.#nodes, nodes);
    const owners = new Uint16Array(SLOT_COUNT);
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const kept = newPositions[this.#owners[slot] as number] as number;
      owners[slot] =
        kept === NO_NODE ? columns.best(itemHashOf(slot)) : challenged(columns, itemHashOf(slot), kept, challengers);
    }
    return new SlotTable(nodes.slice(), columns, owners);
  }

  select(key: Uint8Array, start: number, end: number): number {
    return this.#owners[keySlotHash(key, start, end) >>> 16] as number;
  }

  /** @param slot 0 to 65,535. */
  owner(slot: number): number {
    checkSlot(slot);
    return this.#owners[slot] as number;
  }

  /**
   * The first nodes of a slot's ranking, its owner first.
   *
   * @param slot 0 to 65,535.
   * @param count At most; fewer are returned if there are fewer nodes.
   */
  replicas(slot: number, count: number): number[] {
    checkSlot(slot);
    const wanted = Math.min(count, this.nodeCount);
    const itemHash = itemHashOf(slot);
    const positions: number[] = [];
    const costs: number[] = [];
    for (let position = 0; position < this.nodeCount; position++) {
      const cost = this.#columns.cost(position, itemHash);
      let rank = positions.length;
      while (rank > 0 && this.#columns.wins(cost, position, costs[rank - 1] as number, positions[rank - 1] as number)) {
        rank--;
      }
      if (rank >= wanted) continue;
      positions.splice(rank, 0, position);
      costs.splice(rank, 0, cost);
      if (positions.length > wanted) {
        positions.pop();
        costs.pop();
      }
    }
    return positions;
  }
}

interface Changes {
  /** By old position: the new one, or NO_NODE if the node left or became lighter, so that its slots are open to all. */
  readonly newPositions: Uint16Array;
  /** New positions of the nodes that are new or became heavier, and so may win a slot of one that stayed. */
  readonly challengers: readonly number[];
}

function changes(before: readonly HashNode[], after: readonly HashNode[]): Changes {
  const old = new Map(before.map((node, position) => [node.name, { position, weight: node.weight }]));
  const newPositions = new Uint16Array(before.length).fill(NO_NODE);
  const challengers: number[] = [];
  for (const [position, { name, weight }] of after.entries()) {
    const known = old.get(name);
    if (known && weight >= known.weight) newPositions[known.position] = position;
    if (!known || weight > known.weight) challengers.push(position);
  }
  return { newPositions, challengers };
}

/** Who has the item: the node that had it so far, or one of those that may now win it. */
function challenged(
  columns: RendezvousColumns,
  itemHash: number,
  holder: number,
  challengers: readonly number[],
): number {
  if (challengers.length === 0) return holder;
  let best = holder;
  let bestCost = columns.cost(holder, itemHash);
  for (const position of challengers) {
    if (position === best) continue;
    const cost = columns.cost(position, itemHash);
    if (columns.wins(cost, position, bestCost, best)) {
      best = position;
      bestCost = cost;
    }
  }
  return best;
}

function checkSlot(slot: number): void {
  if (!Number.isInteger(slot) || slot < 0 || slot >= SLOT_COUNT) {
    throw new RangeError(`Cannot look up slot ${slot}: slots are 0 to ${SLOT_COUNT - 1}`);
  }
}
