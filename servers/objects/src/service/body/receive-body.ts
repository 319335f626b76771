import { setTimeout as sleep } from "node:timers/promises";
import { S3Error } from "../../protocol/errors.ts";
import type { BodyDigest, BodyWriter } from "../../store/object-store.ts";
import { hashWhole, hashWholeNow } from "../hashing/body-hashes.ts";
import { HASHER_BYTES } from "../hashing/hash-threads.ts";
import type { Reservation } from "../memory-budget.ts";
import type { RequestContext } from "../request-context.ts";
import { type BodyChunks, openChunks } from "./body-chunks.ts";
import type { BodyPlan } from "./body-plan.ts";
import { dropChunk } from "./drop-chunk.ts";
import { type HashedWrite, hashWhileWriting } from "./hashed-write.ts";
import { reserveMemory } from "./reserve-memory.ts";
import { hashesOf, verifyBody } from "./verify-body.ts";

/** Bodies up to this size are gathered, hashed at once and written in one piece. */
const SMALL_BYTES = 262_144;
/** Of a form the size is known only behind the last byte, so that more of it must be gathered. */
export const GATHERED_FORM_BYTES = 8 << 20;
/** What a large body holds beside its hasher: what waits in the socket, and what the store has taken. */
export const STREAM_BYTES = 1 << 20;
const PACED_BYTES = 16_384;

/** A body that was received, verified and written. */
export interface Stored<Result> {
  readonly result: Result;
  readonly digest: BodyDigest;
}

/**
 * Receives a body into the store. It is committed only when all of it has come and everything said of it is true; else
 * nothing stays behind. The client is asked for its body here, so whoever calls has authorised it.
 *
 * @param open Begins writing so many bytes; called before the first byte of a large body and behind the last of a small one.
 * @param given The bytes of the request if some of them have been read already.
 * @throws S3Error, StoreError, ClientGone
 */
export async function storeBody<Result>(
  cx: RequestContext,
  plan: BodyPlan,
  open: (sizeBytes: number) => BodyWriter<Result>,
  given?: BodyChunks,
): Promise<Stored<Result>> {
  const limitBytes = plan.isSizeUpperBound ? GATHERED_FORM_BYTES : SMALL_BYTES;
  if (plan.sizeBytes > limitBytes) return await storeLarge(cx, plan, open, given);
  const { bytes, digest, reservation } = await receiveWhole(cx, plan, given);
  try {
    const writer = open(bytes.length);
    try {
      if (bytes.length > 0) await writer.writeWhole(bytes);
      return { result: await writer.commit(digest), digest };
    } catch (error) {
      await writer.abort();
      throw error;
    }
  } finally {
    reservation.release();
  }
}

/** Receives a body that is read by the service itself: a document or a form. */
export async function receiveDocument(cx: RequestContext, plan: BodyPlan): Promise<Buffer> {
  const { bytes, reservation } = await receiveWhole(cx, plan);
  reservation.release();
  return bytes;
}

interface Whole {
  readonly bytes: Buffer;
  readonly digest: BodyDigest;
  readonly reservation: Reservation;
}

async function receiveWhole(cx: RequestContext, plan: BodyPlan, given?: BodyChunks): Promise<Whole> {
  const reservation = await reserveMemory(cx, plan.sizeBytes);
  const chunks = given ?? openChunks(cx);
  try {
    const bytes = await gather(cx, plan, chunks);
    const trailers = plan.decoder?.finish();
    const { sha256, checksum } = hashesOf(plan);
    const hashes =
      checksum === "CRC64NVME" ? await hashWhole(bytes, { sha256, checksum }) : hashWholeNow(bytes, sha256, checksum);
    return { bytes, digest: verifyBody(plan, hashes, trailers), reservation };
  } catch (error) {
    reservation.release();
    throw error;
  } finally {
    chunks.close();
  }
}

/** All bytes of a body in one buffer; the usual body comes in one piece, which is not copied. */
async function gather(cx: RequestContext, plan: BodyPlan, chunks: BodyChunks): Promise<Buffer> {
  const { sizeBytes, decoder } = plan;
  let all: Buffer | undefined;
  let filled = 0;
  for (let chunk = await chunks.next(); chunk; chunk = await chunks.next()) {
    cx.bytesIn += chunk.length;
    if (cx.paces("in")) await waitForRate(cx, chunk.length, chunks);
    if (!decoder && chunk.length === sizeBytes && !all) return chunk;
    const pieces = decoder ? decoder.push(chunk) : [chunk];
    for (const piece of pieces) {
      if (filled + piece.length > sizeBytes) throw new S3Error("IncompleteBody");
      all ??= Buffer.allocUnsafe(sizeBytes);
      all.set(piece, filled);
      filled += piece.length;
    }
  }
  if (filled !== sizeBytes && !plan.isSizeUpperBound) throw new S3Error("IncompleteBody");
  return all?.subarray(0, filled) ?? Buffer.alloc(0);
}

async function storeLarge<Result>(
  cx: RequestContext,
  plan: BodyPlan,
  open: (sizeBytes: number) => BodyWriter<Result>,
  given?: BodyChunks,
): Promise<Stored<Result>> {
  const reservation = await reserveMemory(cx, HASHER_BYTES + STREAM_BYTES);
  try {
    const { hashThreads } = cx.service;
    const { sizeBytes } = plan;
    return await hashWhileWriting(
      hashThreads,
      hashesOf(plan),
      () => open(sizeBytes),
      async (body) => {
        const trailers = await takeAll(cx, plan, body, given);
        const digest = verifyBody(plan, await body.digest(), trailers);
        return { result: await body.commit(digest), digest };
      },
    );
  } finally {
    reservation.release();
  }
}

/** @returns What stood behind the body. */
async function takeAll(
  cx: RequestContext,
  { sizeBytes, decoder }: BodyPlan,
  body: HashedWrite<unknown>,
  given: BodyChunks | undefined,
): Promise<ReadonlyMap<string, string> | undefined> {
  const chunks = given ?? openChunks(cx);
  try {
    let received = 0;
    for (let chunk = await chunks.next(); chunk; chunk = await chunks.next()) {
      cx.bytesIn += chunk.length;
      if (cx.paces("in")) await waitForRate(cx, chunk.length, chunks);
      for (const piece of decoder ? decoder.push(chunk) : [chunk]) {
        received += piece.length;
        if (received > sizeBytes) throw new S3Error("IncompleteBody");
        await body.take(piece);
      }
      if (!given) dropChunk(chunk);
    }
    const trailers = decoder?.finish();
    if (received !== sizeBytes) throw new S3Error("IncompleteBody");
    return trailers;
  } finally {
    chunks.close();
  }
}

async function waitForRate(cx: RequestContext, count: number, chunks: BodyChunks): Promise<void> {
  for (let left = count; left > 0; left -= PACED_BYTES) {
    const waitMs = cx.takeBytes("in", Math.min(left, PACED_BYTES));
    if (waitMs > 0) await chunks.whilePaused(() => sleep(waitMs));
  }
}
