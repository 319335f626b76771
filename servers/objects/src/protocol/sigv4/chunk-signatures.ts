import { EMPTY_SHA256, type SigningHashes } from "./hashes.ts";
import type { ChunkSigning } from "./verifier.ts";

/** Makes the signatures of the chunks of a body, each over the one before it. */
export class ChunkSignatures {
  readonly #hashes: SigningHashes;
  readonly #signing: ChunkSigning;
  #previous: string;

  constructor(hashes: SigningHashes, signing: ChunkSigning) {
    this.#hashes = hashes;
    this.#signing = signing;
    this.#previous = signing.seedSignature;
  }

  /**
   * The signature of the next chunk. @param payloadSha256 Of its bytes, in hex.
   *
   * @see Amazon S3 API Reference, "Signature calculations: transferring payload in multiple chunks"
   */
  next(payloadSha256: string): string {
    return this.#sign("AWS4-HMAC-SHA256-PAYLOAD", `${EMPTY_SHA256}\n${payloadSha256}`);
  }

  /** The signature of the trailer. @param lines `name:value\n` of each, as bytes of text. */
  trailer(lines: string): string {
    return this.#sign("AWS4-HMAC-SHA256-TRAILER", this.#hashes.sha256Hex(lines));
  }

  #sign(kind: string, what: string): string {
    const { amzDate, scope, signingKey } = this.#signing;
    const text = `${kind}\n${amzDate}\n${scope}\n${this.#previous}\n${what}`;
    this.#previous = this.#hashes.hmacHex(signingKey, text);
    return this.#previous;
  }
}
