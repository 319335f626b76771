import type { LatencySummary } from "./latency-histogram.ts";
import type { ProbeReport } from "./probe-disk.ts";

const BAR_WIDTH = 40;
const COLUMNS = ["p50Us", "p90Us", "p99Us", "p999Us", "maxUs"] as const;

/** The report for people. */
export function renderProbe(report: ProbeReport): string {
  const { directory, bytes, writes, seconds, writesPerSecond, bytesPerSecond, histogram } = report;
  const lines = [
    `${writes} writes of ${bytes} bytes in ${seconds.toFixed(1)} s to ${directory}: ` +
      `${writesPerSecond.toFixed(0)} writes/s, ${(bytesPerSecond / 1e6).toFixed(2)} MB/s`,
    "",
    `${"".padEnd(10)}${["p50", "p90", "p99", "p99.9", "max"].map((name) => name.padStart(10)).join("")}`,
    latencyLine("write", report.write),
    latencyLine("fdatasync", report.fdatasync),
    latencyLine("both", report.both),
    "",
    "both, by time:",
  ];
  const largest = Math.max(1, ...histogram.map(({ count }) => count));
  for (const { fromUs, toUs, count } of histogram) {
    const bar = "#".repeat(Math.ceil((BAR_WIDTH * count) / largest));
    const part = `${((100 * count) / writes).toFixed(2)} %`;
    const range = `${showUs(fromUs)} - ${showUs(toUs)}`;
    lines.push(`${range.padStart(20)}  ${bar.padEnd(BAR_WIDTH)} ${String(count).padStart(9)} ${part.padStart(9)}`);
  }
  return `${lines.join("\n")}\n`;
}

function latencyLine(name: string, summary: LatencySummary): string {
  return `${name.padEnd(10)}${COLUMNS.map((column) => showUs(summary[column]).padStart(10)).join("")}`;
}

function showUs(us: number): string {
  if (us >= 1e6) return `${(us / 1e6).toFixed(2)} s`;
  if (us >= 1e3) return `${(us / 1e3).toFixed(us >= 1e5 ? 0 : 2)} ms`;
  return `${us.toFixed(us >= 100 ? 0 : 1)} us`;
}
