import type { Counter, Labels, Metrics } from "@kagami/kit";
import type { Engine } from "./engine/engine.ts";
import type { ShellParts } from "./process-shell.ts";
import type { Reactor } from "./reactor.ts";

/** Registers what a scraper reads: commands, keys, memory, connections and the log. */
export function registerMetrics(metrics: Metrics, engine: Engine, reactor: Reactor, parts: ShellParts): void {
  const calls = metrics.counter("kagami_ranking_commands_total", "Commands done, by name", ["command"], 512);
  const seconds = metrics.counter(
    "kagami_ranking_command_seconds_total",
    "Time spent in commands, by name",
    ["command"],
    512,
  );
  const failed = metrics.counter(
    "kagami_ranking_command_errors_total",
    "Commands that replied an error, by name",
    ["command"],
    512,
  );
  const keys = metrics.gauge("kagami_ranking_keys", "Keys, by database", ["database"]);
  const memory = metrics.gauge("kagami_ranking_memory_bytes", "Memory of the data: used, or reserved from the system", [
    "kind",
  ]);
  const expired = metrics.counter("kagami_ranking_expired_keys_total", "Keys removed because their time had come");
  const traffic = metrics.counter("kagami_ranking_bytes_total", "Bytes read from and written to clients", [
    "direction",
  ]);
  const log = metrics.gauge("kagami_ranking_log_bytes", "Size of the log's files");
  metrics.onCollect(() => {
    for (const command of engine.commands.all) {
      if (command.calls === 0) continue;
      const labels = { command: command.name };
      raise(calls, command.calls, labels);
      raise(seconds, command.usec / 1e6, labels);
      raise(failed, command.failedCalls, labels);
    }
    for (const keyspace of engine.store.keyspaces) {
      if (keyspace.size > 0 || keyspace.index === 0) keys.set(keyspace.size, { database: String(keyspace.index) });
    }
    memory.set(engine.store.usedBytes, { kind: "used" });
    memory.set(engine.store.heap.use.reservedBytes, { kind: "reserved" });
    raise(expired, engine.store.expiredCount);
    raise(traffic, reactor.netInputBytes, { direction: "in" });
    raise(traffic, reactor.netOutputBytes, { direction: "out" });
    if (parts.persistence) log.set(parts.persistence.log.statistics.sizeBytes);
  });
}

/** Brings a counter up to a total that is counted elsewhere; one that was reset there waits. */
function raise(counter: Counter, total: number, labels?: Labels): void {
  counter.inc(Math.max(0, total - counter.read(labels)), labels);
}
