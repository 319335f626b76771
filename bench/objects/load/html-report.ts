import { escapeXml, lineChart } from "../../src/chart.ts";
import type { MachineRecord } from "../../src/machine.ts";
import { histogramOf } from "./histogram.ts";
import type { LoadReport } from "./load-plan.ts";

/** What a report is about, beside its figures. */
export interface ReportHead {
  readonly title: string;
  /** What was asked for: name and value. */
  readonly settings: readonly (readonly [string, string])[];
  readonly machine: MachineRecord;
}

/** Shares at which latencies are shown; a chart places them by 1 / (1 - share), so that the tail has room. */
const SHARES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];

const STYLE = `body{font:15px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .7rem;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}.bad{color:#b00020}`;

/** A page that needs nothing else: tables, and charts as SVG. */
export function htmlReport({ title, settings, machine }: ReportHead, report: LoadReport): string {
  const { cpu, cores, memoryGb, kernel, node, date, command, loadBefore, loadAfter } = machine;
  const busyShare = report.loadCpuMs / report.measuredMs;
  const parts = [
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeXml(title)}</title><style>${STYLE}</style>`,
    `<h1>${escapeXml(title)}</h1>`,
    `<p><code>${escapeXml(command)}</code><br>${escapeXml(`${date}, Node ${node}, ${cores} × ${cpu}, ${memoryGb} GB, ${kernel}; load average ${loadBefore} before, ${loadAfter} after`)}</p>`,
    ...(busyShare > 0.9
      ? [
          `<p class="bad">The load process used ${Math.round(busyShare * 100)} % of a core: it may have been the limit.</p>`,
        ]
      : []),
    table(["setting", "value"], settings),
    "<h2>Requests</h2>",
    requestTable(report),
    "<h2>Latency</h2>",
    latencyChart(report),
    "<h2>Over time</h2>",
    timeChart("Requests per second", "1/s", report, ({ count }) => count),
    timeChart("99th percentile of each second", "ms", report, ({ p99Us }) => p99Us / 1_000),
    errorTable(report),
  ];
  return `${parts.join("\n")}\n</html>\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join("")}</tr>`;
  return `<table>${line(head, "th")}${rows.map((row) => line(row, "td")).join("")}</table>`;
}

function requestTable({ entries, measuredMs }: LoadReport): string {
  const head = [
    "operation",
    "wanted 1/s",
    "done 1/s",
    "MB/s",
    ...SHARES.map((share) => `p${share * 100} ms`),
    "max ms",
    "errors",
  ];
  const rows = entries.map(({ name, wantedPerSecond, count, bytes, errors, latency }) => {
    const histogram = histogramOf(latency);
    const failed = Object.values(errors).reduce((sum, number) => sum + number, 0);
    return [
      name,
      wantedPerSecond === 0 ? "–" : String(wantedPerSecond),
      ((count * 1_000) / measuredMs).toFixed(1),
      (bytes / measuredMs / 1_000).toFixed(2),
      ...SHARES.map((share) => milliseconds(histogram.percentile(share))),
      milliseconds(histogram.maxUs),
      String(failed),
    ];
  });
  return table(head, rows);
}

function errorTable({ entries }: LoadReport): string {
  const rows = entries.flatMap(({ name, errors }) =>
    Object.entries(errors).map(([code, count]) => [name, code, String(count)]),
  );
  return rows.length === 0 ? "<p>No errors.</p>" : `<h2>Errors</h2>${table(["operation", "code", "count"], rows)}`;
}

function latencyChart({ entries }: LoadReport): string {
  return lineChart({
    title: "Latency that a share of the requests did not exceed",
    xLabel: "share of the requests",
    yLabel: "ms",
    yScale: "logarithmic",
    xText: (x) => `${Number((100 * (1 - 1 / x)).toPrecision(6))} %`,
    series: entries
      .filter(({ count }) => count > 0)
      .map(({ name, latency }) => {
        const histogram = histogramOf(latency);
        const points = SHARES.map((share) => ({
          x: Math.round(1 / (1 - share)),
          y: histogram.percentile(share) / 1_000,
        }));
        return { name, points };
      }),
  });
}

function timeChart(
  title: string,
  yLabel: string,
  { entries }: LoadReport,
  of: (second: LoadReport["entries"][number]["seconds"][number]) => number,
): string {
  const series = entries.map(({ name, seconds }) => ({
    name,
    points: seconds.filter((second) => second.count > 0).map((second) => ({ x: second.second, y: of(second) })),
  }));
  return lineChart({ title, xLabel: "s", yLabel, xScale: "linear", series });
}

function milliseconds(us: number): string {
  return Number.isNaN(us) ? "–" : (us / 1_000).toFixed(2);
}
