import type { MetaReply } from "../meta.ts";
import { FETCH_FLAGS, fillRequest, isLease, LEASE_PROBE, leaseRequest } from "./lease.ts";
import { asAsked, hasAnyFlag, hasFlag, tokenOf, withFlags, withToken } from "./meta-flags.ts";
import { ATTEMPT_LIMIT, isError, isHit, type MovingKey } from "./moving-key.ts";
import { failureReply, MISS } from "./replies.ts";

/**
 * Reads a key of a moving slot that nothing is to be changed about: at the new owner, and if it is not there, at the old
 * one, from where it is copied with its client flags and its remaining exptime.
 *
 * ```
 *  to: mg ──hit──▶ answer
 *      └─miss──▶ to: put a lease ──▶ from: mg ──hit──▶ to: replace the lease by the value, if it is still there ──▶ answer
 *                    │                   └─miss──▶ take the lease back ──▶ miss
 *                    └─there is one already──▶ from: mg ──▶ answer, without a copy
 * ```
 *
 * Answering with the old owner's value is right in every case: all changes remove the key at the old owner before they
 * are made at the new one, so what is read there was current when it was read.
 *
 * Items in the hands of an anti-stampede winner, or stale ones (`W`, `X`, `Z` in the reply), are answered, but not
 * copied, for their state cannot be. The copy has a new cas number, which is what the client is told.
 */
export function readMoving(key: MovingKey): void {
  probe(key, 1);
}

function probe(key: MovingKey, attempt: number): void {
  const { request } = key;
  if (key.toHome.kind === "nowhere" || key.toHome.kind === "fenced") {
    readFrom(key, ATTEMPT_LIMIT);
    return;
  }
  key.sendTo({ ...request, flags: withFlags(request.flags, LEASE_PROBE) }, (result) => {
    // The old owner's value, if it has one, is current; so the new owner's failure need not be the client's.
    if (!result.ok) readFrom(key, ATTEMPT_LIMIT, failureReply(request, result.failure));
    else if (isError(result.reply)) key.finish(result.reply);
    else if (!isHit(result.reply) && key.mayLease) takeLease(key, attempt);
    else if (!isHit(result.reply)) readFrom(key, ATTEMPT_LIMIT);
    else if (isLease(result.reply)) readFrom(key, attempt);
    else {
      key.context.counts.moveHitsTo++;
      key.finish(asAsked(result.reply, request.flags));
    }
  });
}

function takeLease(key: MovingKey, attempt: number): void {
  key.sendTo(leaseRequest(key.request.key, key.context.environment.random()), (result) => {
    const cas = result.ok && result.reply.code === "HD" ? tokenOf(result.reply.flags, "c") : undefined;
    if (cas !== undefined) fetch(key, cas, attempt);
    else if (result.ok && result.reply.code === "NS" && attempt < ATTEMPT_LIMIT) probe(key, attempt + 1);
    else readFrom(key, ATTEMPT_LIMIT);
  });
}

/** Answers from the old owner without a copy. If it has nothing, the key may just have gone to the new one. */
function readFrom(key: MovingKey, attempt: number, otherwise: MetaReply = MISS): void {
  key.sendFrom(key.request, (result) => {
    const { counts } = key.context;
    if (result.ok && isHit(result.reply)) {
      counts.moveHitsFrom++;
      key.finish(result.reply);
    } else if (result.ok && !isError(result.reply) && attempt < 3) probe(key, attempt + 1);
    else {
      counts.moveMisses++;
      key.finish(result.ok && !isError(result.reply) ? otherwise : replyOf(key, result));
    }
  });
}

function fetch(key: MovingKey, lease: string, attempt: number): void {
  const { request, context } = key;
  key.sendFrom({ ...request, flags: withFlags(request.flags, FETCH_FLAGS) }, (result) => {
    if (!result.ok || !isHit(result.reply)) {
      key.release(lease);
      if (result.ok && !isError(result.reply)) context.counts.moveMisses++;
      key.finish(replyOf(key, result));
      return;
    }
    const original = result.reply;
    if (hasAnyFlag(original.flags, "WXZ") || tokenOf(original.flags, "t") === "0") {
      key.release(lease);
      context.counts.moveHitsFrom++;
      key.finish(asAsked(original, request.flags));
      return;
    }
    fill(key, lease, original, attempt);
  });
}

function fill(key: MovingKey, lease: string, original: MetaReply, attempt: number): void {
  const { request, context } = key;
  key.sendTo(fillRequest(request.key, lease, original, context.environment.nowMs()), (result) => {
    const cas = result.ok && result.reply.code === "HD" ? tokenOf(result.reply.flags, "c") : undefined;
    // Its lease is gone: somebody has changed the key. Then the old owner's cas number would be of no use.
    if (cas === undefined && hasFlag(request.flags, "c") && attempt < ATTEMPT_LIMIT) {
      probe(key, attempt + 1);
      return;
    }
    context.counts.moveHitsFrom++;
    const copied = cas === undefined ? original : { ...original, flags: replaceCas(original.flags, cas) };
    key.finish(asAsked(copied, request.flags));
  });
}

/** In its place: flags come in the order they were asked for. */
function replaceCas(flags: readonly string[], cas: string): string[] {
  return hasFlag(flags, "c")
    ? flags.map((flag) => (flag.startsWith("c") ? `c${cas}` : flag))
    : withToken(flags, "c", cas);
}

function replyOf(key: MovingKey, result: Parameters<MovingKey["finishWith"]>[0]): MetaReply {
  return result.ok ? result.reply : failureReply(key.request, result.failure);
}
