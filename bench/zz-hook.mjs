import { monitorEventLoopDelay, PerformanceObserver, performance } from "node:perf_hooks";
import { appendFileSync } from "node:fs";
const h = monitorEventLoopDelay({ resolution: 1 }); h.enable();
let gcs = [];
new PerformanceObserver((l) => { for (const e of l.getEntries()) gcs.push([e.detail.kind, e.duration]); }).observe({ entryTypes: ["gc"] });
let elu = performance.eventLoopUtilization();
setInterval(() => {
  const e2 = performance.eventLoopUtilization(); const u = performance.eventLoopUtilization(e2, elu); elu = e2;
  appendFileSync("/tmp/st/hook.log", `${new Date().toISOString().slice(17,23)} loop p50 ${(h.percentile(50)/1e6).toFixed(1)} p99 ${(h.percentile(99)/1e6).toFixed(1)} max ${(h.max/1e6).toFixed(1)} ab ${(process.memoryUsage().arrayBuffers/1e6).toFixed(0)} heap ${(process.memoryUsage().heapUsed/1e6).toFixed(0)} elu ${(100*u.utilization).toFixed(0)}% gc ${gcs.map(([k,d])=>`${k}:${d.toFixed(1)}`).join(" ")}\n`);
  h.reset(); gcs = [];
}, 1000).unref();
