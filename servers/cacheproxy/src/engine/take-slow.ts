import { AccessCode, ReplyCode } from "../protocol/codes.ts";
import { formatReply } from "../protocol/reply-format.ts";
import { getContext, metaFromGet, metaFromRequest, requestContext } from "../protocol/request-conversion.ts";
import type { ClientConnection } from "./client.ts";
import type { DataPath } from "./data-path.ts";
import { END_LINE, FAILURE_MESSAGES } from "./failure-replies.ts";
import type { Exchange, ExchangeFailure, MetaReply, MetaRequest, ServerRef } from "./meta.ts";
import { type PoolPolicy, SLOW } from "./pool-policy.ts";
import { type Slot, SlotMode } from "./slot.ts";
import type { UpstreamConnection } from "./upstream.ts";

/**
 * Runs a request in the inner language: by its pool's policy, or with the one `server` if only its dialect is not the
 * server's.
 */
export function takeSlow(
  client: ClientConnection,
  bytes: Uint8Array,
  policy: PoolPolicy,
  server: ServerRef,
  route: number,
): boolean {
  const { parser, path } = client;
  const upstream = path.upstreams[server];
  if (upstream?.isReachable && upstream.isFull) {
    upstream.stall(client);
    client.stall();
    return false;
  }
  if (parser.access !== AccessCode.READ && mustWait(client, policy, upstream)) {
    path.hold(client);
    return false;
  }
  const request = metaFromRequest(parser, bytes);
  const context = requestContext(parser, bytes);
  const slot = client.newSlot(route, SlotMode.LOCAL);
  client.push(slot);
  const done = (reply: MetaReply): void => {
    countReply(path, slot, reply);
    const text = formatReply(context, reply);
    complete(path, slot, text, text.length);
  };
  if (server === SLOW) {
    policy.run(request, path.exchange, done);
  } else {
    path.exchange.send(server, request, (result) => done(result.ok ? result.reply : failed(request, result.failure)));
  }
  return true;
}

/** @param upstream The one that is to be asked; the policy chooses if there is none. */
function mustWait({ parser, path }: ClientConnection, policy: PoolPolicy, upstream?: UpstreamConnection): boolean {
  if (upstream) return upstream.isWaitedFor;
  return policy.mustWait(parser.keyBytes, parser.keyStart, parser.keyEnd, path.patience);
}

/** One key of a multi-key get, the parser's current one, whose slot is in the client's ring already. */
export function takeSlowKey(client: ClientConnection, bytes: Uint8Array, policy: PoolPolicy, slot: Slot): void {
  const { parser, path } = client;
  const request = metaFromRequest(parser, bytes);
  const context = requestContext(parser, bytes);
  policy.run(request, path.exchange, (reply) => completeKey(path, slot, reply, formatReply(context, reply)));
}

/** By what a slot's request was decided. */
interface SlotEpoch {
  readonly policy: PoolPolicy;
  readonly exchange: Exchange;
}

/** Runs a `get` or `gets` of one key whose slot has got a value that stands for another one. */
export function takeStandIn(path: DataPath, slot: Slot, epoch: SlotEpoch, key: Uint8Array): void {
  const { command } = slot;
  epoch.policy.run(metaFromGet(command, key), epoch.exchange, (reply) => {
    const text = formatReply(getContext(command, key), reply);
    if (slot.mode !== SlotMode.COPY) completeKey(path, slot, reply, text);
    else {
      countReply(path, slot, reply);
      complete(path, slot, text, text.length);
    }
  });
}

/** One key of a multi-key get: without the line that ends a get. */
function completeKey(path: DataPath, slot: Slot, reply: MetaReply, text: Uint8Array): void {
  countReply(path, slot, reply);
  slot.isFailed = reply.code !== "VA" && reply.code !== "EN";
  complete(path, slot, text, slot.isFailed ? text.length : text.length - END_LINE.length);
}

/** Delivers what the proxy made of a request, unless its client has gone. */
function complete(path: DataPath, slot: Slot, text: Uint8Array, length: number): void {
  if (slot.client) slot.client.deliver(slot, text, 0, length);
  else path.slots.give(slot);
}

function countReply(path: DataPath, slot: Slot, { code }: MetaReply): void {
  if (code === "SERVER_ERROR") path.counts.failure(slot);
  else path.counts.reply(slot, code === "VA" || code === "HD" ? ReplyCode.HIT : ReplyCode.MISS, path.nowUs);
}

/** As on the fast path: what is read from a server without a connection is not there. */
function failed({ verb }: MetaRequest, failure: ExchangeFailure): MetaReply {
  if (verb === "mg" && failure === "down") return { code: "EN", flags: [] };
  return { code: "SERVER_ERROR", flags: [], message: FAILURE_MESSAGES[failure] };
}
