import { checkNodes } from "../check-nodes.ts";
import { keySlotHash } from "../key-hashes/key-slot-hash.ts";
import { murmur3 } from "../key-hashes/murmur3.ts";
import type { HashNode, Selector } from "../selector.ts";

/** A prime, so that every step through the table visits all of it; the paper's smaller one. */
const TABLE_SIZE = 65_537;
const NO_NODE = 0xffff;

/**
 * Maglev (Eisenbud and others, "Maglev: a fast and reliable software network load balancer", NSDI 2016): a table of
 * 65,537 places, dealt out in turns. Every node has an order of its own in which it wants the places, and at its turn
 * takes the first that is free; a node gets turns in proportion to its weight.
 *
 * Turns make the shares equal to within one place, and a lookup is one read. The price is some needless movement: a
 * change lets some nodes find other places free, so beyond the ideal about 0.2 % of the keys move for 10 nodes and 0.5 %
 * for 100. Harmless to the load balancer it was made for; for a cache, misses without cause. And whoever lists the nodes
 * in another order builds another table. Cost: 128 KiB; built anew at each change.
 */
export function maglev(nodes: readonly HashNode[]): Selector {
  checkNodes(nodes, { maxNodes: 4_096, weighted: true });
  const places = dealtPlaces(nodes);
  return {
    nodeCount: nodes.length,
    select: (key, start, end) => places[keySlotHash(key, start, end) % TABLE_SIZE] as number,
  };
}

function dealtPlaces(nodes: readonly HashNode[]): Uint16Array {
  const encoder = new TextEncoder();
  const heaviest = Math.max(...nodes.map(({ weight }) => weight));
  // Where each node's order stands: the next place it wants, and how far from one to the next.
  const orders = nodes.map(({ name, weight }) => {
    const bytes = encoder.encode(name);
    return {
      next: murmur3(bytes, 0, bytes.length, 0x6d61676c) % TABLE_SIZE,
      step: (murmur3(bytes, 0, bytes.length, 0x65767374) % (TABLE_SIZE - 1)) + 1,
      share: weight / heaviest,
      credit: 0,
    };
  });
  const places = new Uint16Array(TABLE_SIZE).fill(NO_NODE);
  let filled = 0;
  for (;;) {
    for (const [position, order] of orders.entries()) {
      order.credit += order.share;
      if (order.credit < 1) continue;
      order.credit -= 1;
      while (places[order.next] !== NO_NODE) order.next = (order.next + order.step) % TABLE_SIZE;
      places[order.next] = position;
      filled++;
      if (filled === TABLE_SIZE) return places;
    }
  }
}
