import type { ExchangeResult, MetaReply, MetaRequest } from "../meta.ts";
import { FETCH_FLAGS, fillRequest, isLease, LEASE_PROBE, leaseRequest, releaseRequest } from "./lease.ts";
import { asAsked, hasAnyFlag, hasFlag, tokenOf, withFlags, withoutFlags, withToken } from "./meta-flags.ts";
import { ATTEMPT_LIMIT, isError, isHit, type MovingKey } from "./moving-key.ts";
import { failureReply, MISS, missReply, serverError } from "./replies.ts";

/**
 * Changes of keys of moving slots. One rule makes them safe: **the old owner is cleaned first, then the new one is
 * changed**, and the client is answered after both.
 *
 * - A plain set or delete needs to know nothing of the key: `md` at the old owner, then itself at the new one. A copy
 *   under way read the old value before the `md`, so its lease is older than the set or delete, which removes it.
 * - Everything that depends on the present item (add, replace, append, prepend, cas, incr, decr, touch, gat, a delete
 *   with conditions, vivification) first brings the item to the new owner, under a lease, then changes it there, guarded
 *   by its cas number so that it cannot hit a lease of somebody else; if the item has changed meanwhile it starts
 *   again, up to {@link ATTEMPT_LIMIT} times. A foreign lease is taken over: its holder answers its read and does not
 *   copy. So some request always gets on, and none waits for another.
 *
 * If the old owner cannot be cleaned, nothing is changed and the client is told of an error.
 */
export function changeMoving(key: MovingKey): void {
  const { request, toHome } = key;
  if (toHome.kind === "nowhere") {
    // All proxies know that the new owner is down; it comes back empty. Until then the old one goes on alone.
    key.sendFrom(request, (result) => key.finishWith(result));
  } else if (isPlainDelete(request)) deleteBoth(key);
  else if (toHome.kind === "fenced") key.finish(missReply(request));
  else if (isPlainSet(request)) key.cleanFrom(() => key.sendTo(request, (result) => key.finishWith(result)));
  else acquire(key, 1);
}

/** A set that stores whatever was there. */
export function isPlainSet({ verb, flags }: MetaRequest): boolean {
  return verb === "ms" && !hasFlag(flags, "C") && "Ss".includes(tokenOf(flags, "M") ?? "S");
}

/** A delete that removes whatever was there. */
export function isPlainDelete({ verb, flags }: MetaRequest): boolean {
  return verb === "md" && !hasAnyFlag(flags, "CI");
}

/** Deletes at the old owner, then at the new one; it is deleted if it was at one of them. */
export function deleteBoth(key: MovingKey): void {
  key.cleanFrom((fromReply) => {
    key.sendTo(key.request, (result) => {
      if (result.ok && result.reply.code === "NF") key.finish({ ...result.reply, code: fromReply.code });
      else key.finishWith(result);
    });
  });
}

/** Brings the item to the new owner, whatever it takes. */
function acquire(key: MovingKey, attempt: number): void {
  const { request } = key;
  if (attempt > ATTEMPT_LIMIT) {
    key.finish(request.verb === "mg" ? MISS : serverError("the key is moving and changes too often, try again"));
    return;
  }
  key.sendTo({ verb: "mg", key: request.key, flags: ["c", ...LEASE_PROBE] }, (result) => {
    const cas = result.ok ? tokenOf(result.reply.flags, "c") : undefined;
    if (!result.ok) key.fail(result.failure);
    else if (isError(result.reply)) key.finish(result.reply);
    else if (cas !== undefined && !isLease(result.reply)) changePresent(key, cas, attempt);
    else if (key.mayLease) takeLease(key, attempt, cas);
    else if (cas !== undefined) removeLease(key, result.reply, attempt);
    else key.cleanFrom(() => changeWithoutLease(key, attempt));
  });
}

function takeLease(key: MovingKey, attempt: number, takenOver: string | undefined): void {
  key.sendTo(leaseRequest(key.request.key, key.context.environment.random(), takenOver), (result) => {
    const cas = result.ok && result.reply.code === "HD" ? tokenOf(result.reply.flags, "c") : undefined;
    if (cas !== undefined) fetch(key, cas, attempt);
    else if (!result.ok) key.fail(result.failure);
    else if (isError(result.reply)) key.finish(result.reply);
    else acquire(key, attempt + 1);
  });
}

function fetch(key: MovingKey, lease: string, attempt: number): void {
  const { request, context } = key;
  const flags = request.verb === "mg" ? withFlags(withoutFlags(request.flags, "TNR"), FETCH_FLAGS) : [...FETCH_FLAGS];
  key.sendFrom({ verb: "mg", key: request.key, flags }, (result) => {
    if (!result.ok) {
      key.release(lease);
      key.fail(result.failure);
    } else if (isError(result.reply)) {
      key.release(lease);
      key.finish(result.reply);
    } else if (!isHit(result.reply) || tokenOf(result.reply.flags, "t") === "0") changeAbsent(key, lease, attempt);
    else if (request.verb === "mg" && hasAnyFlag(result.reply.flags, "WXZ")) {
      // The right to recache was given, or has just been given, by the old owner; asking again would give it away.
      key.release(lease);
      context.counts.moveHitsFrom++;
      key.finish(asAsked(result.reply, request.flags));
    } else fill(key, lease, result.reply, attempt);
  });
}

function fill(key: MovingKey, lease: string, original: MetaReply, attempt: number): void {
  key.sendTo(fillRequest(key.request.key, lease, original, key.context.environment.nowMs()), (result) => {
    const cas = result.ok && result.reply.code === "HD" ? tokenOf(result.reply.flags, "c") : undefined;
    if (cas !== undefined) changePresent(key, cas, attempt, tokenOf(original.flags, "c"));
    else if (!result.ok) key.fail(result.failure);
    else if (isError(result.reply)) key.finish(result.reply);
    else acquire(key, attempt + 1);
  });
}

/**
 * The item is at the new owner, with this cas number.
 *
 * @param originalCas Its number at the old owner, if it has just been copied: a client that has learned that one means
 *   this item.
 */
function changePresent(key: MovingKey, cas: string, attempt: number, originalCas?: string): void {
  const { request } = key;
  const { verb, flags } = request;
  if (verb === "ms" && isMode(request, "E")) {
    // An add finds it, and so does as with nothing to store.
    key.finish(missReply(request));
    return;
  }
  if (verb === "mg" && !hasFlag(flags, "T")) {
    readPresent(key, attempt);
    return;
  }
  key.cleanFrom(() => {
    if (verb === "mg") {
      readPresent(key, attempt);
      return;
    }
    if (hasFlag(flags, "C")) {
      const isOriginal = tokenOf(flags, "C") === originalCas;
      const guarded = isOriginal ? { ...request, flags: withToken(flags, "C", cas) } : request;
      key.sendTo(guarded, (result) => key.finishWith(result));
      return;
    }
    key.sendTo({ ...request, flags: [...flags, `C${cas}`] }, (result) => {
      const changed = result.ok && (result.reply.code === "EX" || result.reply.code === "NF");
      if (changed) acquire(key, attempt + 1);
      else key.finishWith(result);
    });
  });
}

/** `mg` with a touch, or with a recache or vivify flag, at the new owner. */
function readPresent(key: MovingKey, attempt: number): void {
  const { request, context } = key;
  key.sendTo({ ...request, flags: withFlags(request.flags, `${LEASE_PROBE}c`) }, (result) => {
    if (result.ok && isHit(result.reply) && isLease(result.reply)) removeLease(key, result.reply, attempt);
    else if (result.ok && !isHit(result.reply) && !isError(result.reply)) acquire(key, attempt + 1);
    else {
      if (result.ok && isHit(result.reply)) context.counts.moveHitsTo++;
      key.finish(result.ok ? asAsked(result.reply, request.flags) : failureReply(request, result.failure));
    }
  });
}

/** Neither owner has the item, and the lease at the new one is ours. */
function changeAbsent(key: MovingKey, lease: string, attempt: number): void {
  const { request, context } = key;
  const { verb, flags } = request;
  if (verb === "ms" && isMode(request, "E")) {
    key.sendTo({ ...request, flags: [...withoutFlags(flags, "MC"), `C${lease}`] }, (result) => {
      const isLost = result.ok && (result.reply.code === "EX" || result.reply.code === "NF");
      if (isLost) acquire(key, attempt + 1);
      else key.finishWith(result);
    });
    return;
  }
  if ((verb === "mg" || verb === "ma") && hasFlag(flags, "N")) {
    key.sendTo(releaseRequest(request.key, lease), (released) => {
      if (!released.ok) key.fail(released.failure);
      else makeItem(key, attempt);
    });
    return;
  }
  key.release(lease);
  if (verb === "mg") context.counts.moveMisses++;
  key.finish(missReply(request));
}

/**
 * The new owner does not have the item, and no lease may be taken: it counts as absent, also if the old owner had it,
 * which is clean now.
 */
function changeWithoutLease(key: MovingKey, attempt: number): void {
  const { request } = key;
  const { verb, flags } = request;
  if (verb === "ms" && isMode(request, "E")) key.sendTo(request, (result) => key.finishWith(result));
  else if ((verb === "mg" || verb === "ma") && hasFlag(flags, "N")) makeItem(key, attempt);
  else key.finish(missReply(request));
}

/** `mg` and `ma` that make the item if there is none. A new lease may have come in between, and must not be counted up. */
function makeItem(key: MovingKey, attempt: number): void {
  const { request } = key;
  if (request.verb === "mg") {
    key.sendTo({ ...request, flags: withFlags(request.flags, `${LEASE_PROBE}c`) }, (result) => {
      if (result.ok && isHit(result.reply) && isLease(result.reply)) removeLease(key, result.reply, attempt);
      else finishAsked(key, result);
    });
    return;
  }
  key.sendTo(request, (result) => {
    if (result.ok && result.reply.code === "CLIENT_ERROR" && attempt < ATTEMPT_LIMIT) acquire(key, attempt + 1);
    else key.finishWith(result);
  });
}

/** A lease that is in the way, or was touched and may live longer now, is removed. */
function removeLease(key: MovingKey, reply: MetaReply, attempt: number): void {
  key.sendTo(releaseRequest(key.request.key, tokenOf(reply.flags, "c") ?? "0"), () => acquire(key, attempt + 1));
}

function finishAsked(key: MovingKey, result: ExchangeResult): void {
  if (result.ok) key.finish(asAsked(result.reply, key.request.flags));
  else key.fail(result.failure);
}

function isMode({ flags }: MetaRequest, mode: string): boolean {
  return tokenOf(flags, "M")?.toUpperCase() === mode;
}
