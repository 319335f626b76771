import { ourKey } from "./our-keys.ts";

/**
 * Key of an entry of the gutter pool: the client's key behind the time of its owner's ejection.
 *
 * No two ejections of a cluster have the same time, so what an earlier one has left in the gutter, and has not expired, is
 * never read in a later one: without this a server that flaps within the gutter's exptime would bring back old values.
 *
 * @returns `undefined` if it would be longer than a key may be; such keys have no gutter.
 */
export function gutterKey(key: Uint8Array, sinceMs: number): Uint8Array | undefined {
  return ourKey(`g${sinceMs.toString(36)}:`, key);
}
