import type { SigningHashes } from "./hashes.ts";

const encoder = new TextEncoder();

/** What a signature is made with: the secret, bound to a day, a region and a service. */
export function deriveSigningKey(
  hashes: SigningHashes,
  secret: string,
  day: string,
  region: string,
  service: string,
): Uint8Array {
  const dayKey = hashes.hmac(encoder.encode(`AWS4${secret}`), day);
  return hashes.hmac(hashes.hmac(hashes.hmac(dayKey, region), service), "aws4_request");
}

interface Remembered {
  readonly secret: string;
  readonly key: Uint8Array;
}

/** Remembers signing keys by their credential, because deriving one costs four HMACs. */
export class SigningKeyCache {
  readonly #limit: number;
  readonly #keys = new Map<string, Remembered>();

  /** @param limit At this many the cache is emptied. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The key of a credential, if it was made from this secret: a changed secret never finds its predecessor's key. */
  get(credential: string, secret: string): Uint8Array | undefined {
    const found = this.#keys.get(credential);
    return found !== undefined && found.secret === secret ? found.key : undefined;
  }

  /** Call it only for a credential whose signature was right: others would push out the keys that are in use. */
  set(credential: string, secret: string, key: Uint8Array): void {
    if (this.#keys.size >= this.#limit) this.#keys.clear();
    this.#keys.set(credential, { secret, key });
  }
}
