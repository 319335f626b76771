import { keySlotHash } from "@kagami/hashing";
import type { Move } from "../cluster.ts";
import type { Exchange, MetaRequest, ServerRef } from "../meta.ts";
import { type Access, type Patience, type PoolPolicy, SLOW } from "../pool-policy.ts";
import type { Done } from "./environment.ts";
import { hasAnyFlag, hasFlag } from "./meta-flags.ts";
import { changeMoving, deleteBoth, isPlainDelete, isPlainSet } from "./moving-change.ts";
import { isError, isHit, type MoveContext, MovingKey } from "./moving-key.ts";
import { readMoving } from "./moving-read.ts";
import type { PoolMemory } from "./pool-memory.ts";

/**
 * How long a worker goes on as before after it has learned that slots are done, and for how long after that it still
 * looks out for leases, but takes none. Others may have learned it later and still put leases at the new owner, which a
 * reader that does not know of leases would take for values. So workers may learn it up to 12 s apart: half of this time
 * less the life of a lease.
 */
export const SETTLE_MS = 30_000;

/**
 * A pool on its way from one placement to another, without misses. Either may be any kind of placement, so this also
 * brings a fleet from its clients' ring to the slot table. Keys whose owner is the same under both stay direct.
 *
 * A slot goes through these phases, for each worker when it learns of them:
 *
 * | phase | who decides a read | what a change does |
 * |---|---|---|
 * | ahead: at or above `movingBelow` | old owner | old owner, then removes the key at the new one |
 * | moving, and half of {@link SETTLE_MS} more | new owner, then old one, with a copy | cleans the old owner, then the new one |
 * | settling, the other half | new owner, then old one | the same, but what only the old one has counts as absent |
 * | done | new owner | cleans the old owner, then the new one |
 *
 * Two orders of things hold everywhere: **the old owner comes first, then the new one, then the client is answered**;
 * and once moving, the old owner never has a value older than the new one's. Workers one phase apart therefore get along:
 * - ahead and moving: a change made by either reaches both owners. Two concurrent changes may remove each other's value
 *   (a miss), never leave the older one where it is read.
 * - moving and done: both take the new owner for decisive. A worker in `done` does not know of leases, which is why one
 *   is not in it before the others have left the phase in which they make them.
 * Two phases apart they do not; the coordinator waits for all workers before each step.
 *
 * For the same reasons a move can go back at any time, in the same steps: what was written meanwhile is lost, as if it
 * had been evicted; nothing old comes back.
 *
 * What remains:
 * - A worker that stands still for more than 12 s and then goes on by an old epoch can put a lease where others read
 *   directly: for up to 3 s they see its 29 bytes.
 * - After a move the old owners keep what they had of keys that nobody changed during it. When they get those slots back
 *   by a later move, such leftovers count as values. See {@link isLeftover}, and flush servers that join.
 * - Cas numbers from before the move are good for the request that copies the item; after that they fail, but for the
 *   chance that the copy has the same number.
 * - An item that a client holds for recaching (`W`, `X`, `Z`) is copied by changes that depend on it, without its state.
 * - A key that was deleted where only a lease was is reported as deleted rather than as not found.
 */
export class MovingPolicy implements PoolPolicy {
  readonly #move: Move;
  readonly #context: MoveContext;
  readonly #memory: PoolMemory;

  constructor(move: Move, context: MoveContext, memory: PoolMemory) {
    this.#move = move;
    this.#context = context;
    this.#memory = memory;
    memory.noteMove(JSON.stringify([move.from, move.to]), move.doneBelow, context.environment.nowMs());
  }

  direct(access: Access, key: Uint8Array, start: number, end: number): ServerRef | typeof SLOW {
    const hash = keySlotHash(key, start, end);
    const { sketch } = this.#memory;
    if (access === "read" && --sketch.readsUntilSample <= 0) sketch.sample(key, start, end, hash);
    const { from, to } = this.#context;
    const fromRef = from.openRef(key, start, end);
    const toRef = to.openRef(key, start, end);
    if (fromRef === toRef) return toRef;
    if (access !== "read") return SLOW;
    const phase = this.#phaseOf(hash >>> 16);
    if (phase === "ahead") return fromRef;
    return phase === "done" ? toRef : SLOW;
  }

  mustWait(key: Uint8Array, start: number, end: number, patience: Patience): boolean {
    const { from, to } = this.#context;
    return from.mustWait(key, start, end, patience) || to.mustWait(key, start, end, patience);
  }

  run(request: MetaRequest, exchange: Exchange, done: Done): void {
    const { from, to } = this.#context;
    const bytes = request.key;
    const phase = this.#phaseOf(keySlotHash(bytes, 0, bytes.length) >>> 16);
    const key = new MovingKey(this.#context, request, exchange, done, phase === "moving");
    if (from.ownerRef(bytes, 0, bytes.length) === to.ownerRef(bytes, 0, bytes.length)) {
      key.sendTo(request, (result) => key.finishWith(result));
      return;
    }
    const isRead = request.verb === "me" || (request.verb === "mg" && !hasFlag(request.flags, "T"));
    switch (phase) {
      case "ahead":
        if (isRead) key.sendFrom(request, (result) => key.finishWith(result));
        else changeAhead(key);
        return;
      case "done":
        if (isRead) key.sendTo(request, (result) => key.finishWith(result));
        else if (isPlainDelete(request)) deleteBoth(key);
        else key.cleanFrom(() => key.sendTo(request, (result) => key.finishWith(result)));
        return;
      case "moving":
      case "settling":
        if (request.verb === "me") debugMoving(key);
        else if (isRead && !hasAnyFlag(request.flags, "NR")) readMoving(key);
        else changeMoving(key);
        return;
    }
  }

  #phaseOf(slot: number): Phase {
    if (slot >= this.#move.movingBelow) return "ahead";
    if (slot >= this.#move.doneBelow) return "moving";
    const nowMs = this.#context.environment.nowMs();
    if (slot < this.#memory.settledBelow(SETTLE_MS, nowMs)) return "done";
    return slot < this.#memory.settledBelow(SETTLE_MS / 2, nowMs) ? "settling" : "moving";
  }
}

type Phase = "ahead" | "moving" | "settling" | "done";

/** The old owner decides; whatever the new one may have got from workers that are further on goes. */
function changeAhead(key: MovingKey): void {
  const { request } = key;
  if (isPlainDelete(request)) {
    deleteBoth(key);
    return;
  }
  key.sendFrom(request, (result) => {
    if (!result.ok) {
      key.fail(result.failure);
      return;
    }
    const { reply } = result;
    const mayHaveChanged = isHit(reply) || isError(reply) || isPlainSet(request);
    if (!mayHaveChanged || key.fromHome.kind === "fenced") {
      key.finish(reply);
      return;
    }
    key.sendTo({ verb: "md", key: request.key, flags: [] }, (removed) => {
      if (!removed.ok) key.fail(removed.failure);
      else key.finish(isError(removed.reply) ? removed.reply : reply);
    });
  });
}

/** `me` tells about an item, wherever it is. */
function debugMoving(key: MovingKey): void {
  key.sendTo(key.request, (result) => {
    if (result.ok && result.reply.code === "EN") key.sendFrom(key.request, (other) => key.finishWith(other));
    else key.finishWith(result);
  });
}
