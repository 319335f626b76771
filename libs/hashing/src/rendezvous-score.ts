import { mix32, murmur3 } from "./key-hashes/murmur3.ts";
import type { HashNode } from "./selector.ts";

const SEED_A = 0x736c6f74;
const SEED_B = 0x6e6f6465;
const TWO_TO_MINUS_32 = 2 ** -32;

/**
 * What weighted rendezvous needs to know of nodes, column by column.
 *
 * Every node draws from an item's hash a number u, evenly distributed over 0 to 1, and the node with the smallest
 * `-ln(u) / weight` has the item. These costs are exponentially distributed with the weight as their rate, and of such
 * numbers each is the smallest with a probability of exactly its share of the weights: the proof that weights are met.
 * As a node's cost depends on nothing but itself and the item, an item can only go to a node that is new or became
 * heavier, or come from one that left or became lighter.
 */
export class RendezvousColumns {
  readonly names: readonly string[];
  readonly seedsA: Int32Array;
  readonly seedsB: Int32Array;
  readonly inverseWeights: Float64Array;

  constructor(nodes: readonly HashNode[]) {
    const encoder = new TextEncoder();
    this.names = nodes.map(({ name }) => name);
    this.seedsA = new Int32Array(nodes.length);
    this.seedsB = new Int32Array(nodes.length);
    this.inverseWeights = new Float64Array(nodes.length);
    for (const [position, { name, weight }] of nodes.entries()) {
      const bytes = encoder.encode(name);
      this.seedsA[position] = murmur3(bytes, 0, bytes.length, SEED_A);
      this.seedsB[position] = murmur3(bytes, 0, bytes.length, SEED_B);
      this.inverseWeights[position] = 1 / weight;
    }
  }

  /** Cost of the node at `position` for the item with this well mixed hash; the smallest wins. */
  cost(position: number, itemHash: number): number {
    const draw = drawOf(this.seedsA[position] as number, this.seedsB[position] as number, itemHash);
    return exponential(draw) * (this.inverseWeights[position] as number);
  }

  /** Whether the first cost wins over the second: the smaller one does, and of equal ones that of the smaller name. */
  wins(cost: number, position: number, otherCost: number, otherPosition: number): boolean {
    if (cost !== otherCost) return cost < otherCost;
    return (this.names[position] as string) < (this.names[otherPosition] as string);
  }

  /** Position of the node that has the item with this well mixed hash. */
  best(itemHash: number): number {
    const { seedsA, seedsB, inverseWeights } = this;
    let best = -1;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let position = 0; position < seedsA.length; position++) {
      const draw = drawOf(seedsA[position] as number, seedsB[position] as number, itemHash);
      const inverseWeight = inverseWeights[position] as number;
      // -ln(1 - draw) is above draw, so most nodes are out before a logarithm: only about ln(n) of n are worth one.
      if (draw * inverseWeight >= bestCost) continue;
      const cost = exponential(draw) * inverseWeight;
      if (best === -1 || this.wins(cost, position, bestCost, best)) {
        best = position;
        bestCost = cost;
      }
    }
    return best;
  }
}

/** The node's number for an item, 1 - u: above 0 and below 1. Two seeds, so that no two nodes' numbers ever run alike. */
function drawOf(seedA: number, seedB: number, itemHash: number): number {
  let mixed = itemHash ^ seedA;
  mixed = (Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b) + seedB) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (((mixed ^ (mixed >>> 16)) >>> 0) + 0.5) * TWO_TO_MINUS_32;
}

/**
 * -ln(1 - draw), to about 12 digits. Made of nothing but sums and products, whose results IEEE 754 fixes to the last
 * bit: `Math.log` may differ between engines and processors, and then proxies would disagree.
 */
function exponential(draw: number): number {
  let result = 0;
  let remaining = 1 - draw;
  let lack = draw;
  while (remaining < 0.7) {
    remaining *= 2;
    result += Math.LN2;
    lack = 1 - remaining;
  }
  // -ln(1 - lack) = 2 artanh(lack / (2 - lack)), whose series converges fast as the quotient is at most 0.18.
  const quotient = lack / (2 - lack);
  const square = quotient * quotient;
  let term = 2 * quotient;
  let sum = term;
  for (let divisor = 3; divisor <= 15; divisor += 2) {
    term *= square;
    sum += term / divisor;
  }
  return result + sum;
}

/** A well mixed hash of a small number, such as that of a slot. */
export function itemHashOf(number: number): number {
  return mix32(Math.imul(number + 1, 0x9e3779b1));
}
