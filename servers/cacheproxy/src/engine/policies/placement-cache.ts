import { type Selector, selectorFor } from "@kagami/hashing";
import type { Placement } from "../cluster.ts";

const KEPT_PLACEMENTS = 256;

/**
 * Selectors by what they are made of, so that a new epoch, which mostly changes nothing about placements, builds none.
 * A slot table that is new is derived from the one used last, which is fast when the two have most servers in common.
 */
export class PlacementCache {
  readonly #selectors = new Map<string, Selector>();
  #lastTable: Selector | undefined;

  /** @throws RangeError as `selectorFor` does. */
  selectorOf(placement: Placement): Selector {
    const identity = identityOf(placement);
    const known = this.#selectors.get(identity);
    if (known) {
      // Moved to the end, so that the oldest is the one not used for longest.
      this.#selectors.delete(identity);
      this.#selectors.set(identity, known);
      return known;
    }
    const selector = selectorFor(placement, placement.kind === "slots" ? this.#lastTable : undefined);
    if (placement.kind === "slots") this.#lastTable = selector;
    this.#selectors.set(identity, selector);
    if (this.#selectors.size > KEPT_PLACEMENTS) {
      const [oldest] = this.#selectors.keys();
      this.#selectors.delete(oldest as string);
    }
    return selector;
  }
}

function identityOf({ kind, hash, servers }: Placement): string {
  return JSON.stringify([kind, hash, servers.map(({ name, host, port, weight }) => [name, host, port, weight])]);
}
