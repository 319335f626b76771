import { readFileSync } from "node:fs";
import { histogramOf } from "./objects/load/histogram.ts";
import { storingPlan } from "./objects/load/load-plan.ts";
import { runPlan } from "./objects/load/run-plan.ts";
import { withObjects } from "./objects/servers/kagami.ts";
import { createBucket } from "./objects/servers/requests.ts";
const vm = () => Object.fromEntries(readFileSync("/proc/vmstat","latin1").trim().split("\n").map(l=>{const [a,b]=l.split(" ");return [a,Number(b)];}));
const disk = () => { const f = readFileSync("/sys/block/vda/stat","latin1").trim().split(/\s+/).map(Number); return {rio:f[0],rms:f[3],wio:f[4],wms:f[7],fio:f[15],fms:f[16]}; };
const cpu = () => readFileSync("/proc/stat","latin1").split("\n")[0].split(/\s+/).slice(1).map(Number);
await withObjects({ preload: "/work/main/bench/zz-hook.mjs" }, async (server) => {
  await createBucket(server, "bench");
  const store = storingPlan(server, "bench", "10KB", 20000);
  await runPlan(store, ()=>{});
  for (let i = 0; i < Number(process.argv[2] ?? 8); i++) {
    const v=vm(), d=disk(), c=cpu();
    const r = await runPlan({ ...store, loop:"open", entries:[{operation:"get",size:"10KB",perSecond:300,weight:1},{operation:"put",size:"10KB",perSecond:50,weight:1}], connections:32, prepares:false, warmUpMs:1000, durationMs: 8000, seed:i+1 }, ()=>{});
    const v2=vm(), d2=disk(), c2=cpu();
    const line = r.entries.map(e=>{const l=histogramOf(e.latency), s=histogramOf(e.service); return `${e.name} p50 ${(l.percentile(.5)/1e3).toFixed(2)} p90 ${(l.percentile(.9)/1e3).toFixed(2)} p99 ${(l.percentile(.99)/1e3).toFixed(2)} svc99 ${(s.percentile(.99)/1e3).toFixed(2)}`;}).join(" | ");
    const dc=c2.map((x,j)=>x-c[j]); const tot=dc.reduce((a,b)=>a+b,0);
    console.log(line, `late ${(r.latestStartUs/1e3).toFixed(1)} refault ${v2.workingset_refault_file-v.workingset_refault_file} rio ${d2.rio-d.rio} rms ${d2.rms-d.rms} wio ${d2.wio-d.wio} wms/io ${((d2.wms-d.wms)/(d2.wio-d.wio)).toFixed(2)} flush ms ${((d2.fms-d.fms)/(d2.fio-d.fio||1)).toFixed(2)} idle ${(100*dc[3]/tot).toFixed(0)}% iow ${(100*dc[4]/tot).toFixed(0)}% steal ${(100*dc[7]/tot).toFixed(1)}%`);
  }
});
