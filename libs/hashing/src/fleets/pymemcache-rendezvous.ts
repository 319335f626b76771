import { murmur3 } from "../key-hashes/murmur3.ts";
import type { Selector } from "../selector.ts";
import type { RingServer } from "./ketama.ts";

const LONGEST_KEY_BYTES = 250;

/**
 * pymemcache's `HashClient`: rendezvous of murmur3_32 (seed 0) of `host:port-key`; the largest hash wins, and of equal
 * ones the larger name. The cost grows with the number of servers.
 */
export function pymemcacheRendezvous(servers: readonly RingServer[]): Selector {
  const encoder = new TextEncoder();
  const texts = servers.map(({ ringName }) => {
    const prefix = encoder.encode(`${ringName}-`);
    const bytes = new Uint8Array(prefix.length + LONGEST_KEY_BYTES);
    bytes.set(prefix);
    return { bytes, prefixBytes: prefix.length, ringName };
  });
  return {
    nodeCount: servers.length,
    select(key, start, end) {
      let best = 0;
      let bestHash = -1;
      for (let position = 0; position < texts.length; position++) {
        const text = texts[position] as (typeof texts)[number];
        const hash = hashBehindPrefix(text, key, start, end);
        if (hash > bestHash || (hash === bestHash && text.ringName > (texts[best]?.ringName ?? ""))) {
          best = position;
          bestHash = hash;
        }
      }
      return best;
    },
  };
}

interface PrefixedText {
  bytes: Uint8Array;
  readonly prefixBytes: number;
}

function hashBehindPrefix(text: PrefixedText, key: Uint8Array, start: number, end: number): number {
  const { prefixBytes } = text;
  const textBytes = prefixBytes + end - start;
  if (textBytes > text.bytes.length) {
    const longer = new Uint8Array(textBytes);
    longer.set(text.bytes.subarray(0, prefixBytes));
    text.bytes = longer;
  }
  const { bytes } = text;
  for (let i = start, to = prefixBytes; i < end; i++, to++) bytes[to] = key[i] as number;
  return murmur3(bytes, 0, textBytes, 0);
}
