import { murmur3 } from "../key-hashes/murmur3.ts";
import type { Selector } from "../selector.ts";
import type { RingServer } from "./ketama.ts";

const USUAL_KEY_BYTES = 250;

/**
 * pymemcache's `HashClient`: rendezvous of murmur3_32 (seed 0) of `host:port-key`; the largest hash wins, and of equal
 * ones the larger name. The cost grows with the number of servers.
 *
 * pymemcache hashes the characters its user gave, not the bytes on the wire, and of each character the lower eight bits
 * of its code point. So a key with bytes above 127 is decoded as UTF-8 first; if it is not UTF-8, no text can have been
 * its origin, and its bytes are hashed. Keys that the user gave as Python `bytes` are hashed there as their `repr`,
 * which cannot be told from the wire: they are not placed as there.
 */
export function pymemcacheRendezvous(servers: readonly RingServer[]): Selector {
  const encoder = new TextEncoder();
  const texts = servers.map(({ ringName }) => new PrefixedText(ringName, encoder.encode(`${ringName}-`)));
  return {
    nodeCount: servers.length,
    select(key, start, end) {
      for (let i = start; i < end; i++) {
        if ((key[i] as number) > 127) return winner(texts, ...characters(key, start, end));
      }
      return winner(texts, key, start, end);
    },
  };
}

function winner(texts: readonly PrefixedText[], key: Uint8Array, start: number, end: number): number {
  let best = 0;
  let bestHash = -1;
  for (let position = 0; position < texts.length; position++) {
    const text = texts[position] as PrefixedText;
    const hash = text.hashWith(key, start, end);
    if (hash > bestHash || (hash === bestHash && text.name > (texts[best] as PrefixedText).name)) {
      best = position;
      bestHash = hash;
    }
  }
  return best;
}

/** Room for a prefix that stays and a key that changes, side by side. */
class PrefixedText {
  readonly name: string;
  readonly #prefixBytes: number;
  #bytes: Uint8Array;

  constructor(name: string, prefix: Uint8Array) {
    this.name = name;
    this.#prefixBytes = prefix.length;
    this.#bytes = new Uint8Array(prefix.length + USUAL_KEY_BYTES);
    this.#bytes.set(prefix);
  }

  hashWith(key: Uint8Array, start: number, end: number): number {
    const textBytes = this.#prefixBytes + end - start;
    if (textBytes > this.#bytes.length) {
      const longer = new Uint8Array(textBytes);
      longer.set(this.#bytes.subarray(0, this.#prefixBytes));
      this.#bytes = longer;
    }
    const bytes = this.#bytes;
    for (let i = start, to = this.#prefixBytes; i < end; i++, to++) bytes[to] = key[i] as number;
    return murmur3(bytes, 0, textBytes, 0);
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The key as its characters' lower eight bits, and their range. */
function characters(key: Uint8Array, start: number, end: number): [Uint8Array, number, number] {
  let text: string;
  try {
    text = decoder.decode(key.subarray(start, end));
  } catch {
    return [key, start, end]; // not UTF-8
  }
  const lowBytes = Uint8Array.from(text, (character) => (character.codePointAt(0) as number) & 0xff);
  return [lowBytes, 0, lowBytes.length];
}
