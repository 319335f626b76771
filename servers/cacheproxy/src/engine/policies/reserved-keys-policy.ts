import type { Exchange, MetaReply, MetaRequest, ServerRef } from "../meta.ts";
import { type Access, type Patience, type PoolPolicy, SLOW } from "../pool-policy.ts";
import type { Done } from "./environment.ts";
import { OUR_KEY_BYTE } from "./our-keys.ts";

const REFUSED: MetaReply = {
  code: "CLIENT_ERROR",
  flags: [],
  message: "keys that begin with byte 255 belong to the proxy",
};

/** Refuses clients' keys that look like the proxy's own. Around all pools in whose servers there may be such. */
export class ReservedKeysPolicy implements PoolPolicy {
  readonly #inner: PoolPolicy;

  constructor(inner: PoolPolicy) {
    this.#inner = inner;
  }

  direct(access: Access, key: Uint8Array, start: number, end: number, valueBytes: number): ServerRef | typeof SLOW {
    if (key[start] === OUR_KEY_BYTE) return SLOW;
    return this.#inner.direct(access, key, start, end, valueBytes);
  }

  get isStandIn(): PoolPolicy["isStandIn"] {
    return this.#inner.isStandIn;
  }

  mustWait(key: Uint8Array, start: number, end: number, patience: Patience): boolean {
    return this.#inner.mustWait(key, start, end, patience);
  }

  run(request: MetaRequest, exchange: Exchange, done: Done): void {
    if (request.key[0] === OUR_KEY_BYTE) done(REFUSED);
    else this.#inner.run(request, exchange, done);
  }
}
