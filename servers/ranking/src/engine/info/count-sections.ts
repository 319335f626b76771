import type { Engine } from "../engine.ts";
import type { Keyspace } from "../keyspace.ts";
import type { InfoFields } from "./format.ts";

/** Keys whose time to live is averaged. */
const TTL_SAMPLES = 16;

/** Calls and costs by command, of those that were called or refused. */
export function commandStatistics({ commands }: Engine): InfoFields {
  const used = commands.all.filter(({ calls, rejectedCalls, failedCalls }) => calls + rejectedCalls + failedCalls > 0);
  return used.map(({ name, calls, usec, rejectedCalls, failedCalls }) => {
    const perCall = calls === 0 ? "0.00" : (Math.floor(usec) / calls).toFixed(2);
    return [
      `cmdstat_${name}`,
      `calls=${calls},usec=${Math.floor(usec)},usec_per_call=${perCall},rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`,
    ];
  });
}

/** Error replies by their code. */
export function errorStatistics({ observer }: Engine): InfoFields {
  const counts = [...observer.statistics.errorsByCode].sort(([a], [b]) => (a < b ? -1 : 1));
  return counts.map(([code, count]) => [`errorstat_${code}`, `count=${count}`]);
}

/** Percentiles of durations by command. */
export function latencyStatistics({ commands, config, observer }: Engine): InfoFields {
  if (!observer.tracksLatency) return [];
  const percentiles = config
    .get("latency-tracking-info-percentiles")
    .split(" ")
    .filter((text) => text !== "")
    .map(Number);
  const measured = commands.all.filter(({ latency }) => latency.total > 0);
  return measured.map(({ name, latency }) => {
    const texts = percentiles.map((percent) => `p${trimmed(percent)}=${latency.percentileUs(percent).toFixed(3)}`);
    return [`latency_percentiles_usec_${name}`, texts.join(",")];
  });
}

/** A percentage with six digits at most. */
function trimmed(percent: number): string {
  return String(Number(percent.toFixed(6)));
}

/** Databases that have keys. */
export function keyspaceSection({ store }: Engine): InfoFields {
  const used = store.keyspaces.filter(({ size }) => size > 0);
  return used.map((keyspace) => {
    const { index, size, expiringCount } = keyspace;
    const averageMs = averageTimeToLiveMs(keyspace, store.nowMs, store.access);
    return [`db${index}`, `keys=${size},expires=${expiringCount},avg_ttl=${averageMs}`];
  });
}

function averageTimeToLiveMs(keyspace: Keyspace, nowMs: number, chance: { nextRandom(): number }): number {
  if (keyspace.expiringCount === 0) return 0;
  let sumMs = 0;
  let count = 0;
  keyspace.sample(TTL_SAMPLES, true, chance, (record) => {
    sumMs += Math.max(0, keyspace.expiryOf(record) - nowMs);
    count++;
  });
  return Math.floor(sumMs / count);
}
