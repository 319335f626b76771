import { keySlotHash, SlotTable } from "@kagami/hashing";
import type { Exchange, MetaRequest, ServerRef } from "../meta.ts";
import type { Access, Patience, PoolPolicy } from "../pool-policy.ts";
import type { Done } from "./environment.ts";
import type { HotKeySketch } from "./hot-key-sketch.ts";
import type { Owners } from "./owners.ts";
import { failureReply } from "./replies.ts";

/**
 * A pool in which nothing happens: every key has one server, and every request is direct.
 *
 * Nothing is allocated per request. The sketch, which finds the keys asked for most, sees one read in 8.5; the
 * others pay a decrement for it. It never makes this policy slow.
 */
export class PlainPolicy implements PoolPolicy {
  readonly #owners: Owners;
  readonly #table: SlotTable | undefined;
  readonly #refs: Int32Array;
  readonly #sketch: HotKeySketch;

  constructor(owners: Owners, sketch: HotKeySketch) {
    this.#owners = owners;
    this.#table = owners.selector instanceof SlotTable ? owners.selector : undefined;
    this.#refs = owners.refs;
    this.#sketch = sketch;
  }

  direct(access: Access, key: Uint8Array, start: number, end: number): ServerRef {
    if (access === "read" && --this.#sketch.readsUntilSample <= 0) {
      this.#sketch.sample(key, start, end, keySlotHash(key, start, end));
    }
    const table = this.#table;
    const position = table ? table.select(key, start, end) : this.#owners.selector.select(key, start, end);
    return this.#refs[position] as ServerRef;
  }

  mustWait(key: Uint8Array, start: number, end: number, patience: Patience): boolean {
    return patience.forServer(this.direct("write", key, start, end));
  }

  run(request: MetaRequest, exchange: Exchange, done: Done): void {
    const { key } = request;
    exchange.send(this.direct("write", key, 0, key.length), request, (result) => {
      done(result.ok ? result.reply : failureReply(request, result.failure));
    });
  }
}
