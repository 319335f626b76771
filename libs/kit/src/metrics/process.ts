import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Metrics } from "./registry.ts";

/** Each tick wakes the process: at 10 ms that alone was a tenth of what 250 viewers cost the live server. */
const DELAY_RESOLUTION_MS = 50;

/**
 * Adds what every server tells of itself: memory by kind, event-loop delay since the last scrape, CPU seconds, open
 * handles, start time. Returns what ends it.
 */
export function registerProcessMetrics(metrics: Metrics): () => void {
  const memory = metrics.gauge("process_memory_bytes", "Memory of the process by kind", ["kind"]);
  const resident = metrics.gauge("process_resident_memory_bytes", "Resident memory of the process");
  const delay = metrics.gauge("nodejs_eventloop_delay_seconds", "Event-loop delay since the last scrape", ["quantile"]);
  const cpu = metrics.counter("process_cpu_seconds_total", "CPU time of the process", ["mode"]);
  const handles = metrics.gauge("nodejs_active_handles", "Handles and requests that keep the process alive", ["type"]);
  const start = metrics.gauge("process_start_time_seconds", "When the process started, in seconds since the epoch");
  start.set(Math.round(Date.now() / 1_000 - process.uptime()));

  const histogram = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  histogram.enable();
  const user = cpu.with({ mode: "user" });
  const system = cpu.with({ mode: "system" });
  const seenHandles = new Set<string>();

  const stopCollecting = metrics.onCollect(() => {
    const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
    resident.set(rss);
    for (const [kind, bytes] of Object.entries({ rss, heapUsed, heapTotal, external, arrayBuffers })) {
      memory.set(bytes, { kind });
    }
    for (const quantile of [50, 99]) {
      delay.set(delaySeconds(histogram.percentile(quantile)), { quantile: String(quantile / 100) });
    }
    delay.set(delaySeconds(histogram.max), { quantile: "1" });
    histogram.reset();
    const usage = process.cpuUsage();
    user.value = usage.user / 1e6;
    system.value = usage.system / 1e6;
    const counts = new Map<string, number>();
    for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
    for (const type of counts.keys()) seenHandles.add(type);
    for (const type of seenHandles) handles.set(counts.get(type) ?? 0, { type });
  });
  return () => {
    stopCollecting();
    histogram.disable();
  };
}

/** The monitor measures the time between two ticks of its own timer; what is above the tick is delay. */
function delaySeconds(nanoseconds: number): number {
  if (!Number.isFinite(nanoseconds)) return 0;
  return Math.max(0, nanoseconds / 1e9 - DELAY_RESOLUTION_MS / 1_000);
}
