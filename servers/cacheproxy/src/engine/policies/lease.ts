import type { MetaReply, MetaRequest } from "../meta.ts";
import { exptimeOfTtl, tokenOf } from "./meta-flags.ts";

/**
 * A lease: a small item of our own that a proxy puts where a key is to be copied to, before it reads the original.
 *
 * The copy is then stored only if the lease is still there (compare-and-swap with the lease's cas number). Whoever writes
 * or deletes the key meanwhile replaces or removes the lease, and the copy, which may be older than that, is refused. A
 * lease that has expired or was evicted refuses it as well. `ms` in add mode alone would not do: it sees a write, but not
 * a delete.
 *
 * It is told from clients' items by its client flags and its size; a client that makes up such an item has it taken for
 * a lease, and so for absent.
 */
const LEASE_CLIENT_FLAGS = 0x6b61_6c73;
const LEASE_TEXT = "kagami lease ";
const LEASE_ID_DIGITS = 16;
const LEASE_BYTES = LEASE_TEXT.length + LEASE_ID_DIGITS;

/** A copy takes two round trips; a proxy that dies in between must not be noticed for long. */
const LEASE_SEC = 3;

/** Flags that {@link isLease} needs in a reply. */
export const LEASE_PROBE = "fs";

/** Whether a reply to a request with {@link LEASE_PROBE} is about a lease. */
export function isLease(reply: MetaReply): boolean {
  return tokenOf(reply.flags, "s") === String(LEASE_BYTES) && tokenOf(reply.flags, "f") === String(LEASE_CLIENT_FLAGS);
}

/**
 * Puts a lease where nothing is, or in the place of another lease, whose holder then loses its copy. Its cas number
 * comes with the reply.
 *
 * @param random From 0 (included) to 1 (excluded).
 * @param takenOver Cas number of the lease that is replaced.
 */
export function leaseRequest(key: Uint8Array, random: number, takenOver?: string): MetaRequest {
  const id = Math.floor(random * 0x10_0000_0000_0000)
    .toString(16)
    .padStart(LEASE_ID_DIGITS, "0");
  const value = new TextEncoder().encode(LEASE_TEXT + id);
  const mode = takenOver === undefined ? "ME" : `C${takenOver}`;
  return { verb: "ms", key, flags: [`T${LEASE_SEC}`, `F${LEASE_CLIENT_FLAGS}`, mode, "c"], value };
}

/** Takes a lease back, if it is still there. */
export function releaseRequest(key: Uint8Array, cas: string): MetaRequest {
  return { verb: "md", key, flags: [`C${cas}`] };
}

/** Replaces a lease by what it was taken for, as long as it is there. `c` comes with the reply. */
export function fillRequest(key: Uint8Array, cas: string, original: MetaReply, nowMs: number): MetaRequest {
  const ttlSec = Number(tokenOf(original.flags, "t") ?? "-1");
  const flags = [`T${exptimeOfTtl(ttlSec, nowMs)}`, `F${tokenOf(original.flags, "f") ?? "0"}`, `C${cas}`, "c"];
  return { verb: "ms", key, flags, value: original.value ?? new Uint8Array(0) };
}

/** Flags of the `mg` that fetches what {@link fillRequest} copies. */
export const FETCH_FLAGS = "vftcs";
