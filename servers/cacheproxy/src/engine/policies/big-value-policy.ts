import type { Exchange, MetaReply, MetaRequest, ServerRef } from "../meta.ts";
import { type Access, type Patience, type PoolPolicy, SLOW } from "../pool-policy.ts";
import {
  decodeManifest,
  encodeManifest,
  looksLikeManifest,
  MANIFEST_BYTES,
  type Manifest,
  newManifest,
  PIECE_LIMIT,
  pieceCount,
  pieceKey,
} from "./big-value-manifest.ts";
import type { Done, PolicyEnvironment } from "./environment.ts";
import { asAsked, exptimeOfTtl, hasAnyFlag, hasFlag, tokenOf, withFlags, withoutFlags } from "./meta-flags.ts";
import { isError, isHit } from "./moving-key.ts";
import { MISS, missReply, serverError } from "./replies.ts";

/** Pieces of one value under way at a time, so that a big value does not push others' requests out. */
const PIECES_AT_A_TIME = 8;
const ATTEMPT_LIMIT = 5;

const TOO_LARGE = serverError("object too large for cache");

/**
 * Stores values longer than a limit in pieces, which may lie on different servers.
 *
 * The pieces come first, each under a key made of an id drawn for this value and its number; then the manifest, which
 * names them, under the client's key, with the client's flags and conditions. A piece is never overwritten. So a reader
 * has either the pieces of one value or, if one of them is gone (evicted, its server lost), a miss: it then removes the
 * manifest, if it is still the same, and the pieces. It never has a mix.
 *
 * - Pieces have the value's exptime. A touch (`T`) goes on to the pieces.
 * - `append` and `prepend` to a big value, or that would make one, read it whole, and store the result if its cas number
 *   is still the same. `incr` and `decr` of one are refused as memcached does with what is no number.
 * - Deletes and overwrites leave the old pieces to their exptime and to eviction; to remove them would cost every
 *   write a read. Values that never expire and are overwritten often cost memory until they are evicted.
 * - A value that looks like a manifest is stored in one piece.
 * - A value of more than {@link PIECE_LIMIT} pieces is refused as too large.
 *
 * Deletes are direct, and so are plain reads and writes of the text protocol, of values that are not longer than the limit:
 * a read that finds a manifest is run instead. Others are not; a small value takes them one round trip as always.
 */
export class BigValuePolicy implements PoolPolicy {
  readonly #inner: PoolPolicy;
  readonly #pieceBytes: number;
  readonly #environment: PolicyEnvironment;

  constructor(inner: PoolPolicy, pieceBytes: number, environment: PolicyEnvironment) {
    this.#inner = inner;
    this.#pieceBytes = pieceBytes;
    this.#environment = environment;
  }

  direct(access: Access, key: Uint8Array, start: number, end: number, valueBytes: number): ServerRef | typeof SLOW {
    if (access === "touch") return SLOW;
    if (access === "write" && (valueBytes > this.#pieceBytes || valueBytes === MANIFEST_BYTES)) return SLOW;
    return this.#inner.direct(access, key, start, end, valueBytes);
  }

  readonly isStandIn = looksLikeManifest;

  mustWait(key: Uint8Array, start: number, end: number, patience: Patience): boolean {
    return this.#inner.mustWait(key, start, end, patience);
  }

  run(request: MetaRequest, exchange: Exchange, done: Done): void {
    const value = request.value;
    if (request.verb === "mg") this.#read(request, exchange, done);
    else if (request.verb !== "ms" || value === undefined) this.#inner.run(request, exchange, done);
    else if ("APap".includes(tokenOf(request.flags, "M") ?? "S")) this.#extend(request, value, exchange, done, 1);
    else this.#store(request, value, exchange, done);
  }

  #store(request: MetaRequest, value: Uint8Array, exchange: Exchange, done: Done): void {
    if (value.length <= this.#pieceBytes && !looksLikeManifest(value)) {
      this.#inner.run(request, exchange, done);
      return;
    }
    const manifest = newManifest(value.length, this.#pieceBytes, () => this.#environment.random());
    if (pieceCount(manifest) > PIECE_LIMIT) {
      done(TOO_LARGE);
      return;
    }
    const exptime = request.flags.filter((flag) => flag.startsWith("T"));
    const piece = (index: number): MetaRequest => ({
      verb: "ms",
      key: pieceKey(manifest, index),
      flags: exptime,
      value: value.subarray(index * this.#pieceBytes, (index + 1) * this.#pieceBytes),
    });
    this.#each(manifest, piece, exchange, (replies) => {
      const failed = replies.find((reply) => reply.code !== "HD");
      if (failed) {
        this.#removePieces(manifest, exchange);
        done(failed);
        return;
      }
      this.#inner.run({ ...request, value: encodeManifest(manifest) }, exchange, (reply) => {
        // After an error it is not known whether the manifest is there, so the pieces stay.
        if (reply.code !== "HD" && !isError(reply)) this.#removePieces(manifest, exchange);
        done(reply);
      });
    });
  }

  #read(request: MetaRequest, exchange: Exchange, done: Done): void {
    const wantsValue = hasFlag(request.flags, "v");
    const flags = withFlags(request.flags, wantsValue ? "c" : "cs");
    this.#inner.run({ ...request, flags }, exchange, (reply) => {
      const size = Number(tokenOf(reply.flags, "s") ?? "-1");
      if (!isHit(reply)) done(reply);
      else if (!wantsValue && size === MANIFEST_BYTES && hasAnyFlag(request.flags, "sT")) {
        // Either a big value, whose size is another and whose pieces are to be touched, or a small one of just this size.
        this.#readSize(request, reply, exchange, done);
      } else {
        const manifest = reply.value && decodeManifest(reply.value);
        if (manifest) this.#readPieces(request, reply, manifest, exchange, done);
        else done(asAsked(reply, request.flags));
      }
    });
  }

  #readSize(request: MetaRequest, first: MetaReply, exchange: Exchange, done: Done): void {
    this.#inner.run({ verb: "mg", key: request.key, flags: ["v"] }, exchange, (reply) => {
      const manifest = reply.value && decodeManifest(reply.value);
      if (!manifest) {
        done(asAsked(first, request.flags));
        return;
      }
      const answer = asAsked({ ...first, flags: withSize(first.flags, manifest) }, request.flags);
      const exptime = request.flags.filter((flag) => flag.startsWith("T"));
      if (exptime.length === 0) done(answer);
      else {
        const touch = (index: number): MetaRequest => ({ verb: "mg", key: pieceKey(manifest, index), flags: exptime });
        this.#each(manifest, touch, exchange, () => done(answer));
      }
    });
  }

  #readPieces(request: MetaRequest, reply: MetaReply, manifest: Manifest, exchange: Exchange, done: Done): void {
    const flags = ["v", ...request.flags.filter((flag) => flag.startsWith("T"))];
    const fetch = (index: number): MetaRequest => ({ verb: "mg", key: pieceKey(manifest, index), flags });
    this.#each(manifest, fetch, exchange, (replies) => {
      const failure = replies.find(isError);
      const value = failure ? undefined : joined(replies, manifest);
      if (value) done(asAsked({ ...reply, flags: withSize(reply.flags, manifest), value }, request.flags));
      else if (failure) done(failure);
      else {
        const cas = tokenOf(reply.flags, "c") ?? "0";
        this.#inner.run({ verb: "md", key: request.key, flags: [`C${cas}`] }, exchange, () => done(MISS));
        this.#removePieces(manifest, exchange);
      }
    });
  }

  /** `append` and `prepend`. */
  #extend(request: MetaRequest, value: Uint8Array, exchange: Exchange, done: Done, attempt: number): void {
    const { key, flags } = request;
    this.#read({ verb: "mg", key, flags: ["v", "f", "c", "t"] }, exchange, (present) => {
      const held = present.value;
      const ttlSec = Number(tokenOf(present.flags, "t") ?? "-1");
      if (isError(present)) done(present);
      else if (!held || ttlSec === 0) done(missReply(request));
      else {
        const isAppend = "Aa".includes(tokenOf(flags, "M") ?? "A");
        const whole = isAppend ? concatenated([held, value]) : concatenated([value, held]);
        const cas = tokenOf(flags, "C") ?? tokenOf(present.flags, "c") ?? "0";
        const isSmall = whole.length <= this.#pieceBytes && !looksLikeManifest(whole);
        const stored: MetaRequest = isSmall
          ? { ...request, flags: [...withoutFlags(flags, "C"), `C${cas}`] }
          : {
              verb: "ms",
              key,
              // The exptime is not the request's but the item's.
              flags: [
                ...withoutFlags(flags, "CMTF"),
                `C${cas}`,
                `T${exptimeOfTtl(ttlSec, this.#environment.nowMs())}`,
                `F${tokenOf(present.flags, "f") ?? "0"}`,
              ],
              value: whole,
            };
        const settle = (reply: MetaReply): void => {
          const isLost = reply.code === "EX" && !hasFlag(flags, "C") && attempt < ATTEMPT_LIMIT;
          if (isLost) this.#extend(request, value, exchange, done, attempt + 1);
          else done(reply);
        };
        if (isSmall) this.#inner.run(stored, exchange, settle);
        else this.#store(stored, whole, exchange, settle);
      }
    });
  }

  #removePieces(manifest: Manifest, exchange: Exchange): void {
    const remove = (index: number): MetaRequest => ({ verb: "md", key: pieceKey(manifest, index), flags: [] });
    this.#each(manifest, remove, exchange, () => undefined);
  }

  /** One request for each piece, some at a time; the replies in the order of the pieces. */
  #each(
    manifest: Manifest,
    request: (index: number) => MetaRequest,
    exchange: Exchange,
    done: (replies: MetaReply[]) => void,
  ): void {
    const count = pieceCount(manifest);
    const replies: MetaReply[] = new Array(count);
    let started = 0;
    let finished = 0;
    const next = (): void => {
      if (started >= count) return;
      const index = started++;
      this.#inner.run(request(index), exchange, (reply) => {
        replies[index] = reply;
        finished++;
        if (finished === count) done(replies);
        else next();
      });
    };
    for (let i = 0; i < PIECES_AT_A_TIME; i++) next();
  }
}

/** @returns `undefined` if a piece is not there, or not as long as it must be. */
function joined(replies: readonly MetaReply[], manifest: Manifest): Uint8Array | undefined {
  const whole = new Uint8Array(manifest.totalBytes);
  for (const [index, { value }] of replies.entries()) {
    const at = index * manifest.pieceBytes;
    if (!value || value.length !== Math.min(manifest.pieceBytes, manifest.totalBytes - at)) return undefined;
    whole.set(value, at);
  }
  return whole;
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function withSize(flags: readonly string[], { totalBytes }: Manifest): string[] {
  return flags.map((flag) => (flag.startsWith("s") ? `s${totalBytes}` : flag));
}
