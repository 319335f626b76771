import { keySlotHash } from "@kagami/hashing";
import type { Exchange, MetaRequest, ServerRef } from "../meta.ts";
import type { Access, Patience, PoolPolicy, SLOW } from "../pool-policy.ts";
import type { Done } from "./environment.ts";
import type { Homes } from "./homes.ts";
import type { HotKeySketch } from "./hot-key-sketch.ts";
import { failureReply } from "./replies.ts";

/**
 * A pool some of whose servers are out of use. The keys of the others stay direct, and stay where they are: an ejection
 * moves nothing but the keys of the ejected server.
 *
 * @see Home for what happens to those.
 */
export class EjectedPolicy implements PoolPolicy {
  readonly #homes: Homes;
  readonly #sketch: HotKeySketch;

  constructor(homes: Homes, sketch: HotKeySketch) {
    this.#homes = homes;
    this.#sketch = sketch;
  }

  direct(access: Access, key: Uint8Array, start: number, end: number): ServerRef | typeof SLOW {
    if (access === "read" && --this.#sketch.readsUntilSample <= 0) {
      this.#sketch.sample(key, start, end, keySlotHash(key, start, end));
    }
    return this.#homes.openRef(key, start, end);
  }

  mustWait(key: Uint8Array, start: number, end: number, patience: Patience): boolean {
    return this.#homes.mustWait(key, start, end, patience);
  }

  run(request: MetaRequest, exchange: Exchange, done: Done): void {
    this.#homes.send(this.#homes.homeOf(request.key), request, exchange, (result) => {
      done(result.ok ? result.reply : failureReply(request, result.failure));
    });
  }
}
