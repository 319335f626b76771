import { storingPlan } from "./objects/load/load-plan.ts";
import { runPlan } from "./objects/load/run-plan.ts";
import { histogramOf } from "./objects/load/histogram.ts";
import { createBucket } from "./objects/servers/requests.ts";
const server = { name: "x", endpoint: process.argv[2]!, credentials: { accessKey: "KAGAMIBENCHACCESSKEY", secretKey: "kagami-bench-secret-key-0123456789abcdef" }, pids: [], version: "", stop: async () => {} } as any;
await createBucket(server, "bench");
const store = storingPlan(server, "bench", "10KB", 20000);
await runPlan(store, ()=>{});
for (let i = 0; i < Number(process.argv[3] ?? 4); i++) {
  const r = await runPlan({ ...store, loop:"open", entries:[{operation:"get",size:"10KB",perSecond:300,weight:1},{operation:"put",size:"10KB",perSecond:50,weight:1}], connections:32, prepares:false, warmUpMs:1000, durationMs: 8000, seed:i+1 }, ()=>{});
  console.log(r.entries.map(e=>{const l=histogramOf(e.latency), s=histogramOf(e.service); return `${e.name} p50 ${(l.percentile(.5)/1e3).toFixed(2)} p90 ${(l.percentile(.9)/1e3).toFixed(2)} p99 ${(l.percentile(.99)/1e3).toFixed(2)} svc99 ${(s.percentile(.99)/1e3).toFixed(2)}`;}).join(" | "));
}
