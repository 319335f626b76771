import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { unsentBytesOf } from "@kagami/kit";
import type { OpenObject } from "../../store/object-store.ts";
import { ClientGone } from "../client-gone.ts";
import { beginReply } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import type { Transfer } from "../stall-guard.ts";
import { AnswerStream } from "./answer-stream.ts";
import { dropReadBuffer, giveReadBuffer, takeReadBuffer } from "./read-buffers.ts";

const PACED_BYTES = 16_384;
/** A client that takes all at once, from the page cache, would otherwise keep everybody else from being served. */
const TURN_BYTES = 1 << 20;

/**
 * Answers with bytes `[start, end)` of an object. Its head is written when the first bytes are there, so that a damaged
 * or vanished body is still answered with an error; later damage ends the connection, which tells the client the same.
 *
 * Bytes are given to the socket only as fast as it takes them and as the rates of user and bucket allow.
 *
 * @returns undefined if all of it has been given, as of what is in memory.
 */
export function sendObject(
  cx: RequestContext,
  object: OpenObject,
  status: number,
  start: number,
  end: number,
): Promise<void> | undefined {
  const { response } = cx;
  const isPaced = cx.paces("out");
  if (object.inMemory && !isPaced) {
    const { inMemory } = object;
    beginReply(cx, status);
    response.end(end - start === inMemory.length ? inMemory : inMemory.subarray(start, end));
    cx.bytesOut += end - start;
    return undefined;
  }
  if (start === end) {
    beginReply(cx, status);
    response.end();
    return undefined;
  }
  return streamObject(cx, object, { status, start, end, isPaced });
}

async function streamObject(
  cx: RequestContext,
  object: OpenObject,
  { status, start, end, isPaced }: { status: number; start: number; end: number; isPaced: boolean },
): Promise<void> {
  const { response } = cx;
  const unsentBytes = unsentBytesOf(cx.request.socket);
  const transfer = cx.service.stalls.watch(() => response.destroy(), unsentBytes);
  const stream = new AnswerStream(response);
  // Who takes little at a time must be seen to take it: where that is seen only piece by piece, pieces are small. Who is
  // paced would only keep a large buffer from the others.
  const buffer = takeReadBuffer(unsentBytes === undefined || isPaced ? 0 : end - start);
  let sinceTurnBytes = 0;
  let hasBegun = false;
  let left = end - start;
  try {
    for await (const chunk of object.read(start, end, buffer)) {
      if (response.destroyed) throw new ClientGone("The client hung up while its answer was sent");
      if (!hasBegun) beginReply(cx, status);
      hasBegun = true;
      // Pieces, so that a slow rate is a slow stream and not a burst now and then.
      const pieceBytes = isPaced ? PACED_BYTES : chunk.length;
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        const piece = pieceBytes >= chunk.length ? chunk : chunk.subarray(at, at + pieceBytes);
        if (isPaced) await waitForRate(cx, piece.length, transfer);
        left -= piece.length;
        cx.bytesOut += piece.length;
        if (unsentBytes !== undefined) transfer.moved(piece.length);
        if (left === 0) await stream.end(piece);
        else await stream.write(piece);
        if (unsentBytes === undefined) transfer.moved(piece.length);
        sinceTurnBytes += piece.length;
        if (sinceTurnBytes < TURN_BYTES || left === 0) continue;
        sinceTurnBytes = 0;
        await turn();
      }
    }
    if (left !== 0) throw new RangeError(`Object ${cx.route.bucket}/${cx.route.key} ended ${left} bytes early`);
    giveReadBuffer(buffer);
  } catch (error) {
    // A write may still be under way.
    dropReadBuffer(buffer);
    throw error;
  } finally {
    transfer.end();
  }
}

async function waitForRate(cx: RequestContext, count: number, transfer: Transfer): Promise<void> {
  const waitMs = cx.takeBytes("out", count);
  if (waitMs === 0) return;
  transfer.pause();
  await sleep(waitMs);
  transfer.resume();
  if (cx.response.destroyed) throw new ClientGone("The client hung up while its answer was paced");
}
