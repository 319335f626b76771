import { ACCESS_NAMES, AccessCode, CommandId, Dialect } from "../protocol/codes.ts";
import type { RequestParser } from "../protocol/request-parser.ts";
import type { ClientConnection } from "./client.ts";
import { FAILURE_LINES, missLine } from "./failure-replies.ts";
import type { ServerRef } from "./meta.ts";
import { type Access, type PoolPolicy, SLOW } from "./pool-policy.ts";
import { type Slot, SlotMode } from "./slot.ts";
import { takeLocal } from "./take-local.ts";
import { takeSlow, takeSlowKey } from "./take-slow.ts";
import type { UpstreamConnection } from "./upstream.ts";

/**
 * Gives the request that the client's parser has found to whom it is for.
 *
 * @param bytes The request begins at `start`.
 * @returns Whether it was taken; otherwise the client was stalled, and is asked again with the same request.
 */
export function takeRequest(client: ClientConnection, bytes: Uint8Array, start: number): boolean {
  const { parser, path } = client;
  if (parser.access === AccessCode.OTHER) return takeLocal(client, bytes);
  if (parser.isMultiKey) return takeKeys(client, bytes);

  const { keyBytes, keyStart, keyEnd } = parser;
  const route = path.routeOf(keyBytes, keyStart, keyEnd);
  const policy = path.policies[route];
  if (!policy) return refuse(client, FAILURE_LINES["no-pool"]);
  const access = ACCESS_NAMES[parser.access] as Access;
  const server = mayBeDirect(parser, policy)
    ? policy.direct(access, keyBytes, keyStart, keyEnd, parser.valueEnd - parser.valueStart)
    : SLOW;
  if (server === SLOW || !parser.forwardable) return takeSlow(client, bytes, policy, server, route);

  const upstream = path.upstreams[server];
  if (!upstream?.isReachable) return takeUnreachable(client, route, upstream);
  if (upstream.isFull) {
    upstream.stall(client);
    client.stall();
    return false;
  }
  const slot = client.newSlot(route, parser.isQuiet ? SlotMode.QUIET : SlotMode.COPY);
  client.push(slot);
  if (isMergeable(parser)) {
    if (policy.isStandIn) rememberPolicy(client, slot, policy);
    upstream.sendGet(slot, parser.command, keyBytes, keyStart, keyEnd);
  } else if (parser.mustRewrite) {
    const target = upstream.reserve(parser.requestEnd - start);
    upstream.sendReserved(slot, parser.forwardQuiet(target, upstream.reservedAt));
  } else {
    upstream.send(slot, bytes, start, parser.requestEnd);
  }
  return true;
}

/** Whether it is a `get` or `gets` of the text protocol, which may leave in one line with others. */
function isMergeable({ command, dialect }: RequestParser): boolean {
  return command <= CommandId.GETS && dialect === Dialect.TEXT;
}

/** When its value turns out to be a stand-in, another cluster state may be in use, in which servers have other positions. */
function rememberPolicy({ path }: ClientConnection, slot: Slot, policy: PoolPolicy): void {
  slot.policy = policy;
  slot.exchange = path.exchange;
}

/** Where values may be stand-ins, what is not a plain read or write is not direct: see PoolPolicy. */
function mayBeDirect({ command, dialect, access }: RequestParser, policy: PoolPolicy): boolean {
  if (policy.isStandIn === undefined || access === AccessCode.DELETE) return true;
  if (dialect !== Dialect.TEXT) return false;
  return command <= CommandId.GETS || PLAIN_WRITES.includes(command);
}

const PLAIN_WRITES: readonly number[] = [CommandId.SET, CommandId.ADD, CommandId.REPLACE, CommandId.CAS];

/** Answers with a line, unless the request is quiet about errors. */
function refuse(client: ClientConnection, line: Uint8Array): boolean {
  const { parser, path } = client;
  if (!parser.isQuiet || path.tellsFailure(parser.command)) client.answer(line);
  return true;
}

/** A server without a connection has no keys that could be read; what would change them waits, and is then refused. */
function takeUnreachable(client: ClientConnection, route: number, upstream: UpstreamConnection | undefined): boolean {
  const { parser, path } = client;
  if (parser.access !== AccessCode.READ && upstream?.isWaitedFor) {
    path.hold(client);
    return false;
  }
  path.counts.unreachable(route, parser.access);
  if (parser.access !== AccessCode.READ) return refuse(client, FAILURE_LINES.down);
  if (!parser.isQuiet) client.answer(missLine(parser.replyShape));
  return true;
}

/**
 * Splits a get of many keys into one of each, which keeps their order with the client's ring and lets every key have its
 * own server and its own way. The keys that there is no room for now are taken when the client goes on.
 */
function takeKeys(client: ClientConnection, bytes: Uint8Array): boolean {
  const { parser } = client;
  for (let i = 0; i < client.keysTaken; i++) parser.nextKey();
  for (;;) {
    const { keyStart, keyEnd } = parser;
    const isLast = !parser.nextKey();
    parser.keyStart = keyStart;
    parser.keyEnd = keyEnd;
    if (!takeKey(client, bytes, isLast)) return false;
    client.keysTaken++;
    if (isLast) break;
    parser.nextKey();
  }
  client.keysTaken = 0;
  return true;
}

function takeKey(client: ClientConnection, bytes: Uint8Array, isLast: boolean): boolean {
  const { parser, path } = client;
  if (!client.hasRoom) {
    client.stall();
    return false;
  }
  const { keyBytes, keyStart, keyEnd } = parser;
  const route = path.routeOf(keyBytes, keyStart, keyEnd);
  const policy: PoolPolicy | undefined = path.policies[route];
  const access = ACCESS_NAMES[parser.access] as Access;
  const isDirect = policy !== undefined && mayBeDirect(parser, policy);
  const server: ServerRef = isDirect ? policy.direct(access, keyBytes, keyStart, keyEnd, 0) : SLOW;
  const upstream = path.upstreams[server];
  if (upstream?.isReachable && upstream.isFull) {
    upstream.stall(client);
    client.stall();
    return false;
  }
  const slot = client.newSlot(route, isLast ? SlotMode.LAST : SlotMode.PART);
  client.push(slot);
  if (upstream?.isReachable && isMergeable(parser)) {
    if (policy?.isStandIn) rememberPolicy(client, slot, policy);
    upstream.sendGet(slot, parser.command, keyBytes, keyStart, keyEnd);
  } else if (upstream?.isReachable) {
    // `get`, the exptime of a gat and the key are all in the request.
    const target = upstream.reserve(parser.requestEnd - parser.requestStart + 2);
    upstream.sendReserved(slot, parser.writeSingleGet(target, upstream.reservedAt));
  } else if (upstream) {
    path.counts.failure(slot);
    client.deliver(slot, keyBytes, 0, 0);
  } else if (policy) {
    takeSlowKey(client, bytes, policy, slot);
  } else {
    client.deliverFailure(slot, FAILURE_LINES["no-pool"]);
  }
  return true;
}

/** memcached deletes the old value of a key whose new one is too large to be kept; so does its owner here. */
export function unlinkRefused(client: ClientConnection): void {
  const { parser, path } = client;
  const { keyBytes, keyStart, keyEnd } = parser;
  const policy = path.policies[path.routeOf(keyBytes, keyStart, keyEnd)];
  policy?.run({ verb: "md", key: keyBytes.slice(keyStart, keyEnd), flags: [] }, path.exchange, () => undefined);
}
