import { AccessCode, ReplyCode } from "../protocol/codes.ts";
import type { Stat } from "../protocol/reply-format.ts";
import type { Cluster } from "./cluster.ts";
import type { RouteCounts, ServerCounts } from "./cluster-counts.ts";
import { RouteCounter } from "./counters.ts";
import { formatAddress } from "./server-address.ts";
import type { Slot } from "./slot.ts";
import type { UpstreamConnection } from "./upstream.ts";

/** Requests since the start. */
interface Totals {
  reads: number;
  readHits: number;
  writes: number;
  deletes: number;
  touches: number;
  failures: number;
}

/** What a worker counts of its clients' requests. Numbers of reports are since the last report, those of stats since the start. */
export class PathCounts {
  readonly #totals: Totals = { reads: 0, readHits: 0, writes: 0, deletes: 0, touches: 0, failures: 0 };
  #cluster: Cluster | undefined;
  /** By position of the route. */
  #counters: readonly RouteCounter[] = [];
  #accepted = 0;
  #refused = 0;
  #acceptedTotal = 0;

  /** Counts by the routes of `cluster` from now on; counters of routes that stay go on. */
  use(cluster: Cluster): void {
    const before = this.#cluster?.config.routes ?? [];
    const kept = new Set<RouteCounter>();
    const counters = cluster.config.routes.map(({ pool, prefix }) => {
      const known = before.findIndex((route) => route.pool === pool && route.prefix === prefix);
      const counter = this.#counters[known] ?? new RouteCounter();
      kept.add(counter);
      return counter;
    });
    for (const counter of this.#counters) if (!kept.has(counter)) this.#addTo(this.#totals, counter);
    this.#cluster = cluster;
    this.#counters = counters;
  }

  counterOf(route: number): RouteCounter | undefined {
    return this.#counters[route];
  }

  /** A server's reply to a client's request. */
  reply(slot: Slot, code: number, nowUs: number): void {
    const { counter, access } = slot;
    if (!counter) return;
    counter.requests[access] = (counter.requests[access] as number) + 1;
    if (access === AccessCode.READ && isHit(code)) counter.readHits++;
    counter.latency.add(nowUs - slot.startedUs);
  }

  /** A client's request that got no reply from a server. */
  failure(slot: Slot): void {
    const { counter, access } = slot;
    if (counter) countFailure(counter, access);
  }

  /** A request that was not sent, for its server has no connection. */
  unreachable(route: number, access: number): void {
    const counter = this.#counters[route];
    if (counter) countFailure(counter, access);
  }

  accepted(): void {
    this.#accepted++;
    this.#acceptedTotal++;
  }

  refused(): void {
    this.#refused++;
  }

  takeClients(): { readonly clientsAccepted: number; readonly clientsRefused: number } {
    const taken = { clientsAccepted: this.#accepted, clientsRefused: this.#refused };
    this.#accepted = 0;
    this.#refused = 0;
    return taken;
  }

  takeRoutes(): RouteCounts[] {
    return (this.#cluster?.config.routes ?? []).map(({ pool, prefix }, i): RouteCounts => {
      const counter = this.#counters[i] as RouteCounter;
      const [reads = 0, writes = 0, deletes = 0, touches = 0] = counter.requests;
      const { readHits, failures } = counter;
      this.#addTo(this.#totals, counter);
      counter.requests.fill(0);
      counter.readHits = 0;
      counter.failures = 0;
      return { pool, prefix, reads, readHits, writes, deletes, touches, failures, ...counter.latency.take() };
    });
  }

  #addTo(totals: Totals, { requests, readHits, failures }: RouteCounter): void {
    const [reads = 0, writes = 0, deletes = 0, touches = 0] = requests;
    totals.reads += reads;
    totals.readHits += readHits;
    totals.writes += writes;
    totals.deletes += deletes;
    totals.touches += touches;
    totals.failures += failures;
  }

  /** As memcached names them. */
  stats(): Stat[] {
    const totals = { ...this.#totals };
    for (const counter of this.#counters) this.#addTo(totals, counter);
    const { reads, readHits, writes, deletes, touches, failures } = totals;
    return [
      ["total_connections", String(this.#acceptedTotal)],
      ["cmd_get", String(reads)],
      ["get_hits", String(readHits)],
      ["get_misses", String(reads - readHits)],
      ["cmd_set", String(writes)],
      ["cmd_delete", String(deletes)],
      ["cmd_touch", String(touches)],
      ["proxy_failures", String(failures)],
    ];
  }
}

/** What a report tells of a server; counting begins anew. */
export function takeServerCounts(upstream: UpstreamConnection): ServerCounts {
  const { address, counter, pendingCount, stagedBytes, isReady } = upstream;
  const { requests, bytesOut, bytesIn, connectionFailures, timeouts, overloads } = counter;
  counter.requests = 0;
  counter.bytesOut = 0;
  counter.bytesIn = 0;
  counter.connectionFailures = 0;
  counter.timeouts = 0;
  counter.overloads = 0;
  return {
    address: formatAddress(address),
    ...{ requests, bytesOut, bytesIn, connectionFailures, timeouts, overloads },
    ...counter.latency.take(),
    inFlight: pendingCount,
    stagedBytes,
    isConnected: isReady,
  };
}

/** What `stats servers` answers: every server as this worker sees it. */
export function serverStats(upstreams: readonly UpstreamConnection[]): Stat[] {
  return upstreams.flatMap(({ address, isReady, pendingCount, stagedBytes }): Stat[] => {
    const name = formatAddress(address);
    return [
      [`${name}:connected`, isReady ? "1" : "0"],
      [`${name}:in_flight`, String(pendingCount)],
      [`${name}:staged_bytes`, String(stagedBytes)],
    ];
  });
}

function countFailure(counter: RouteCounter, access: number): void {
  counter.requests[access] = (counter.requests[access] as number) + 1;
  counter.failures++;
}

function isHit(code: number): boolean {
  return code === ReplyCode.HIT || code === ReplyCode.VA || code === ReplyCode.HD;
}
