import type { Random } from "@kagami/clock";

/** Chooses one of the items, each as often as its weight says. There must be one. */
export function pickWeighted<Item extends { readonly weight: number }>(items: readonly Item[], random: Random): Item {
  const total = items.reduce((sum, { weight }) => sum + weight, 0);
  let left = random.float() * total;
  for (const item of items) {
    left -= item.weight;
    if (left < 0) return item;
  }
  return items.at(-1) as Item;
}
