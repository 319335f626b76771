import type { Counter, Gauge, Histogram, HistogramSeries, Metrics } from "@kagami/kit";
import {
  LATENCY_BOUNDS_US,
  type PoolCounts,
  type RouteCounts,
  type ServerCounts,
  TOP_KEYS_LIMIT,
  type TopKey,
  type WorkerReport,
} from "../engine/cluster-counts.ts";
import { CLUSTER_LIMITS } from "../engine/cluster-limits.ts";
import { type RecentRates, RecentWindow } from "./recent-window.ts";

interface WorkerView {
  readonly epoch: number;
  readonly clients: number;
  readonly servers: ReadonlyMap<string, ServerCounts>;
  readonly topKeys: ReadonlyMap<string, readonly TopKey[]>;
}

const SERVER_LABELS = 2 * CLUSTER_LIMITS.servers;

/**
 * Adds up what workers report, into Prometheus metrics and into what the admin API shows. Counts are totals over all
 * workers since the start; a worker that ends takes only its present values (connections, unanswered requests) with it.
 */
export class ReportedCounts {
  readonly #workers = new Map<number, WorkerView>();
  readonly #routes = new Map<string, RecentWindow>();
  readonly #servers = new Map<string, RecentWindow>();
  readonly #onFailure: (address: string) => void;
  readonly #nowMs: () => number;
  readonly #metrics: ReturnType<typeof registerCounts>;

  /**
   * @param onFailure Called with the address of each server that requests failed at; a hint, no more.
   * @param nowMs A monotonic clock.
   */
  constructor(metrics: Metrics, onFailure: (address: string) => void, nowMs: () => number) {
    this.#metrics = registerCounts(metrics);
    this.#onFailure = onFailure;
    this.#nowMs = nowMs;
    metrics.onCollect(() => this.#collect());
  }

  add(report: WorkerReport): void {
    const { workerId, epoch, clients } = report;
    const servers = new Map(report.servers.map((counts) => [counts.address, counts]));
    const topKeys = new Map(report.pools.map(({ pool, topKeys: keys }) => [pool, keys]));
    this.#workers.set(workerId, { epoch, clients, servers, topKeys });
    this.#metrics.accepted.inc(report.clientsAccepted);
    this.#metrics.refused.inc(report.clientsRefused);
    for (const counts of report.routes) this.#addRoute(counts);
    for (const counts of report.servers) this.#addServer(counts);
    for (const counts of report.pools) this.#addPool(counts);
  }

  workerGone(workerId: number): void {
    this.#workers.delete(workerId);
  }

  get workers(): { readonly workerId: number; readonly epoch: number; readonly clients: number }[] {
    return [...this.#workers].map(([workerId, { epoch, clients }]) => ({ workerId, epoch, clients }));
  }

  routeRates(pool: string, prefix: string): RecentRates | undefined {
    return this.#routes.get(routeKey(pool, prefix))?.rates(this.#nowMs());
  }

  serverRates(address: string): RecentRates | undefined {
    return this.#servers.get(address)?.rates(this.#nowMs());
  }

  /** Unanswered requests and connections of all workers to a server. */
  serverNow(address: string): {
    readonly inFlight: number;
    readonly stagedBytes: number;
    readonly connections: number;
  } {
    let [inFlight, stagedBytes, connections] = [0, 0, 0];
    for (const { servers } of this.#workers.values()) {
      const counts = servers.get(address);
      if (!counts) continue;
      inFlight += counts.inFlight;
      stagedBytes += counts.stagedBytes;
      connections += counts.isConnected ? 1 : 0;
    }
    return { inFlight, stagedBytes, connections };
  }

  /** The keys of a pool that are asked for most, over all workers. */
  topKeys(pool: string): TopKey[] {
    const sums = new Map<string, number>();
    for (const { topKeys } of this.#workers.values()) {
      for (const { keyBase64, perSecond } of topKeys.get(pool) ?? []) {
        sums.set(keyBase64, (sums.get(keyBase64) ?? 0) + perSecond);
      }
    }
    const all = [...sums].map(([keyBase64, perSecond]) => ({ keyBase64, perSecond }));
    return all.sort((a, b) => b.perSecond - a.perSecond).slice(0, TOP_KEYS_LIMIT);
  }

  #addRoute(counts: RouteCounts): void {
    const { pool, prefix } = counts;
    const { requests, hits, failures, latency } = this.#metrics;
    const kinds = { read: counts.reads, write: counts.writes, delete: counts.deletes, touch: counts.touches };
    let total = 0;
    for (const [kind, count] of Object.entries(kinds)) {
      if (count > 0) requests.inc(count, { pool, prefix, kind });
      total += count;
    }
    hits.inc(counts.readHits, { pool, prefix });
    failures.inc(counts.failures, { pool, prefix });
    addLatency(latency.with({ pool, prefix }), counts.latency, counts.latencySumUs);
    windowOf(this.#routes, routeKey(pool, prefix)).add(this.#nowMs(), total, counts.failures, counts.latency);
  }

  #addServer(counts: ServerCounts): void {
    const { address: server } = counts;
    const metrics = this.#metrics;
    metrics.serverRequests.inc(counts.requests, { server });
    metrics.serverBytes.inc(counts.bytesOut, { server, direction: "out" });
    metrics.serverBytes.inc(counts.bytesIn, { server, direction: "in" });
    const kinds = { connection: counts.connectionFailures, timeout: counts.timeouts, overload: counts.overloads };
    for (const [kind, count] of Object.entries(kinds))
      if (count > 0) metrics.serverFailures.inc(count, { server, kind });
    addLatency(metrics.serverLatency.with({ server }), counts.latency, counts.latencySumUs);
    const failures = counts.connectionFailures + counts.timeouts;
    windowOf(this.#servers, server).add(this.#nowMs(), counts.requests, failures, counts.latency);
    if (failures > 0) this.#onFailure(server);
  }

  #addPool(counts: PoolCounts): void {
    const { pool } = counts;
    const { gutter, shadow, hot, moving } = this.#metrics;
    const add = (counter: Counter, what: string, count: number): void => {
      if (count > 0) counter.inc(count, { pool, what });
    };
    add(gutter, "read", counts.gutterReads);
    add(gutter, "hit", counts.gutterHits);
    add(gutter, "write", counts.gutterWrites);
    add(shadow, "sent", counts.shadowSent);
    add(shadow, "failed", counts.shadowFailed);
    if (counts.hotReads > 0) hot.inc(counts.hotReads, { pool });
    add(moving, "hit-new", counts.moveHitsTo);
    add(moving, "hit-old", counts.moveHitsFrom);
    add(moving, "miss", counts.moveMisses);
  }

  #collect(): void {
    const { workers, clients, inFlight, staged, connections } = this.#metrics;
    let clientCount = 0;
    const addresses = new Set<string>();
    for (const view of this.#workers.values()) {
      clientCount += view.clients;
      for (const address of view.servers.keys()) addresses.add(address);
    }
    workers.set(this.#workers.size);
    clients.set(clientCount);
    for (const address of this.#servers.keys()) {
      if (addresses.has(address)) continue;
      for (const gauge of [inFlight, staged, connections]) gauge.remove({ server: address });
      this.#servers.delete(address);
    }
    for (const server of addresses) {
      const now = this.serverNow(server);
      inFlight.set(now.inFlight, { server });
      staged.set(now.stagedBytes, { server });
      connections.set(now.connections, { server });
    }
  }
}

function registerCounts(metrics: Metrics) {
  const route = ["pool", "prefix"];
  const bucketsS = LATENCY_BOUNDS_US.map((us) => us / 1e6);
  const counter = (name: string, help: string, labels: readonly string[], limit?: number): Counter =>
    metrics.counter(`kagami_cacheproxy_${name}_total`, help, labels, limit);
  const gauge = (name: string, help: string, labels: readonly string[] = [], limit?: number): Gauge =>
    metrics.gauge(`kagami_cacheproxy_${name}`, help, labels, limit);
  const histogram = (name: string, help: string, labels: readonly string[], limit?: number): Histogram =>
    metrics.histogram(`kagami_cacheproxy_${name}`, help, labels, bucketsS, limit);
  return {
    accepted: counter("clients_accepted", "Client connections accepted", []),
    refused: counter("clients_refused", "Client connections refused at a limit", []),
    requests: counter("requests", "Requests of clients, by route and what they do", [...route, "kind"], 4_096),
    hits: counter("read_hits", "Reads that found a value, by route", route),
    failures: counter("request_failures", "Requests answered with an error of the proxy's own, by route", route),
    latency: histogram("request_seconds", "Time from a request to its answer, by route", route),
    serverRequests: counter("server_requests", "Requests sent to a server", ["server"], SERVER_LABELS),
    serverBytes: counter("server_bytes", "Bytes to and from a server", ["server", "direction"], 2 * SERVER_LABELS),
    serverFailures: counter("server_failures", "Failures at a server, by kind", ["server", "kind"], 3 * SERVER_LABELS),
    serverLatency: histogram("server_seconds", "Time from a request to a server's reply", ["server"], SERVER_LABELS),
    gutter: counter("gutter", "Uses of the gutter pool for a pool's ejected servers", ["pool", "what"]),
    shadow: counter("shadow", "Requests copied to the shadow pool", ["pool", "what"]),
    hot: counter("hot_reads", "Reads of hot keys that were spread", ["pool"]),
    moving: counter("moving_reads", "Reads of moving slots, by where they found a value", ["pool", "what"]),
    workers: gauge("workers", "Worker processes that report"),
    clients: gauge("clients", "Client connections now"),
    inFlight: gauge("server_in_flight", "Requests a server has not answered yet", ["server"], SERVER_LABELS),
    staged: gauge("server_staged_bytes", "Bytes waiting to be sent to a server", ["server"], SERVER_LABELS),
    connections: gauge("server_connections", "Connections to a server that stand", ["server"], SERVER_LABELS),
  };
}

function addLatency(series: HistogramSeries, counts: readonly number[], sumUs: number): void {
  for (let i = 0; i < series.counts.length; i++) series.counts[i] = (series.counts[i] ?? 0) + (counts[i] ?? 0);
  series.sum += sumUs / 1e6;
}

function routeKey(pool: string, prefix: string): string {
  return `${pool} ${prefix}`;
}

function windowOf(windows: Map<string, RecentWindow>, key: string): RecentWindow {
  const known = windows.get(key);
  if (known) return known;
  const made = new RecentWindow();
  windows.set(key, made);
  return made;
}
