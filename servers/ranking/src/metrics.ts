import type { Metrics } from "@kagami/kit";
import type { Command } from "./engine/command.ts";
import type { Engine } from "./engine/engine.ts";
import { LATENCY_BOUNDS_S } from "./engine/latency-histogram.ts";
import { memoryFigures } from "./engine/memory-figures.ts";
import type { ShellParts } from "./process-shell.ts";
import type { Reactor } from "./reactor.ts";

const COMMANDS_LIMIT = 512;

/**
 * Registers what a scraper reads: commands, keys, memory, connections and the log. Nothing is counted here: all is read
 * off what INFO reads too when a scraper asks. CONFIG RESETSTAT sets totals back to 0, as a restart does.
 */
export function registerMetrics(metrics: Metrics, engine: Engine, reactor: Reactor, parts: ShellParts): void {
  const collectors = [
    collectCommands(metrics, engine),
    collectStore(metrics, engine),
    collectClients(metrics, engine, reactor),
    collectLog(metrics, parts),
  ];
  metrics.onCollect(() => {
    for (const collect of collectors) collect();
  });
}

function collectCommands(metrics: Metrics, engine: Engine): () => void {
  const total = (name: string, help: string) =>
    metrics.counter(`kagami_ranking_${name}_total`, help, ["command"], COMMANDS_LIMIT);
  const calls = total("commands", "Commands done, by name");
  const seconds = total("command_seconds", "Time spent in commands, by name");
  const failed = total("command_errors", "Commands that replied an error, by name");
  const rejected = total("command_rejections", "Commands that were refused before they ran, by name");
  const durations = metrics.histogram(
    "kagami_ranking_command_duration_seconds",
    "How long commands take, by name; empty while latency-tracking is off",
    ["command"],
    LATENCY_BOUNDS_S,
    COMMANDS_LIMIT,
  );
  const told = new Set<Command>();
  return () => {
    for (const command of engine.commands.all) {
      if (command.calls + command.rejectedCalls > 0) told.add(command);
    }
    for (const command of told) {
      const labels = { command: command.name };
      calls.with(labels).value = command.calls;
      seconds.with(labels).value = command.usec / 1e6;
      failed.with(labels).value = command.failedCalls;
      rejected.with(labels).value = command.rejectedCalls;
      const series = durations.with(labels);
      command.latency.writeSteps(series.counts);
      series.sum = command.latency.total === 0 ? 0 : command.usec / 1e6;
    }
  };
}

function collectStore(metrics: Metrics, engine: Engine): () => void {
  const keys = metrics.gauge("kagami_ranking_keys", "Keys, by database", ["database"]);
  const kinds = ["kind"];
  const memory = metrics.gauge("kagami_ranking_memory_bytes", "Memory of the store, by what it is used for", kinds);
  const typeKeys = metrics.gauge("kagami_ranking_type_keys", "Keys by type, of the last walk through all", ["type"]);
  const typeBytes = metrics.gauge("kagami_ranking_type_bytes", "Memory by type of value, of the last walk", ["type"]);
  const walk = metrics.gauge("kagami_ranking_walk_finished_seconds", "When the last walk through all keys ended");
  const expired = metrics.counter("kagami_ranking_expired_keys_total", "Keys removed because their time had come");
  const evicted = metrics.counter("kagami_ranking_evicted_keys_total", "Keys removed for want of memory");
  const hits = metrics.counter("kagami_ranking_key_hits_total", "Look-ups of reads that found their key");
  const misses = metrics.counter("kagami_ranking_key_misses_total", "Look-ups of reads that found no key");
  const { store, observer } = engine;
  return () => {
    for (const keyspace of store.keyspaces) {
      if (keyspace.size > 0 || keyspace.index === 0 || keys.read({ database: String(keyspace.index) }) > 0) {
        keys.set(keyspace.size, { database: String(keyspace.index) });
      }
    }
    const figures = memoryFigures(engine);
    const byKind = {
      used: figures.usedBytes,
      peak: figures.peakBytes,
      live: figures.liveBytes,
      reserved: figures.reservedBytes,
      clients: figures.clientBytes,
      scripts: engine.scripts?.engine.memoryBytes ?? 0,
      "log-pending": figures.logPendingBytes,
    };
    for (const [kind, bytes] of Object.entries(byKind)) memory.set(bytes, { kind });
    for (const { type, keys: count, bytes } of observer.keyWalk.allTypes) {
      if (count === 0 && typeKeys.read({ type }) === 0) continue;
      typeKeys.set(count, { type });
      typeBytes.set(bytes, { type });
    }
    walk.set(observer.keyWalk.finishedMs / 1_000);
    expired.with().value = store.expiredCount;
    evicted.with().value = observer.statistics.evictedKeys;
    hits.with().value = store.hits;
    misses.with().value = store.misses;
  };
}

function collectClients(metrics: Metrics, engine: Engine, reactor: Reactor): () => void {
  const traffic = metrics.counter("kagami_ranking_bytes_total", "Bytes read from and written to clients", [
    "direction",
  ]);
  const clients = metrics.gauge("kagami_ranking_clients", "Clients by what they do", ["state"]);
  const rejected = metrics.counter("kagami_ranking_clients_rejected_total", "Connections turned away: maxclients");
  const broken = metrics.counter("kagami_ranking_protocol_errors_total", "Requests that were none");
  return () => {
    traffic.with({ direction: "in" }).value = reactor.netInputBytes;
    traffic.with({ direction: "out" }).value = reactor.netOutputBytes;
    const counts = countClients(engine);
    for (const [state, count] of Object.entries(counts)) clients.set(count, { state });
    rejected.with().value = engine.sessions.rejectedCount;
    broken.with().value = reactor.protocolErrors;
  };
}

/** Clients by what they do; one that waits or listens is not among the others. */
export function countClients(engine: Engine): { normal: number; blocked: number; subscribed: number } {
  const counts = { normal: 0, blocked: 0, subscribed: 0 };
  for (const { isBlocked, subscriptionCount } of engine.sessions.all()) {
    if (isBlocked) counts.blocked++;
    else if (subscriptionCount > 0) counts.subscribed++;
    else counts.normal++;
  }
  return counts;
}

function collectLog(metrics: Metrics, parts: ShellParts): () => void {
  const size = metrics.gauge("kagami_ranking_log_bytes", "Size of the log's files");
  const syncs = metrics.counter("kagami_ranking_log_syncs_total", "Syncs of the log");
  const slow = metrics.counter("kagami_ranking_log_slow_syncs_total", "Syncs of the log that took longer than 2 s");
  const age = metrics.gauge("kagami_ranking_log_sync_age_seconds", "How long ago the last sync ended; -1 before it");
  const changes = metrics.gauge("kagami_ranking_changes_since_snapshot", "Commands that the last snapshot lacks");
  const snapshot = metrics.gauge(
    "kagami_ranking_last_snapshot_seconds",
    "When the last snapshot of this run was finished, in seconds since 1970; 0 before it",
  );
  const writable = metrics.gauge("kagami_ranking_log_writable", "Whether the log takes writes; 1 if nothing is kept");
  return () => {
    const { persistence } = parts;
    writable.set(persistence === undefined || persistence.log.state === "ok" ? 1 : 0);
    if (persistence === undefined) return;
    const { statistics } = persistence.log;
    size.set(statistics.sizeBytes);
    syncs.with().value = statistics.syncCount;
    slow.with().value = statistics.slowSyncCount;
    age.set(Number.isNaN(statistics.syncAgeMs) ? -1 : statistics.syncAgeMs / 1_000);
    changes.set(persistence.changesSinceSnapshot);
    snapshot.set(persistence.lastSnapshotMs / 1_000);
  };
}
