import { expect, test } from "vitest";
import { runBench } from "../index.ts";
import { CapturedIo } from "./captured-io.ts";
import { lineChart } from "./chart.ts";
import { jsonLine, markdownTable, textTable } from "./report.ts";
import { comparedFigure, limitedFigure, plainFigure } from "./scenario.ts";
import { median, percentile, slope } from "./statistics.ts";

async function run(...argv: string[]) {
  const io = new CapturedIo();
  const exitCode = await runBench(argv, io);
  return { exitCode, out: io.out, err: io.err };
}

test("help names every scenario", async () => {
  const { exitCode, out } = await run("--help");
  expect(exitCode).toBe(0);
  for (const name of ["fan-out", "growth", "stalled", "reconnect", "memory", "soak"])
    expect(out).toContain(`  ${name} `);
});

test.each([
  { argv: ["dead"], says: 'no part "dead"' },
  { argv: ["live", "dance"], says: 'no scenario "dance"' },
  { argv: ["live", "--rounds", "many"], says: '--rounds takes a positive number, not "many"' },
  { argv: ["live", "--loud"], says: "--loud" },
])("what there is not is refused by name: $argv", async ({ argv, says }) => {
  const { exitCode, out, err } = await run(...argv);
  expect(exitCode).toBe(2);
  expect(err).toContain(says);
  expect(out).toBe("");
});

test("a bar is judged by the value or by the ratio", () => {
  expect(limitedFigure("a", "latency", 25, "ms", 25)).toMatchObject({ bar: "<= 25 ms", pass: true });
  expect(limitedFigure("a", "latency", Number.POSITIVE_INFINITY, "ms", 25).pass).toBe(false);
  expect(limitedFigure("a", "latency", Number.NaN, "ms", 25).pass).toBe(false);
  expect(comparedFigure("a", "cpu", 9, "ms/MB", 0.76, 0.75)).toMatchObject({ bar: "ratio <= 0.75", pass: false });
  expect(comparedFigure("a", "cpu", 9, "ms/MB", 0.76)).toMatchObject({ ratio: 0.76, bar: null, pass: null });
});

test("a line of JSON has every field, and no number that JSON cannot write", () => {
  const line = JSON.parse(jsonLine("live", "x", plainFigure("a", "latency", Number.NaN, "ms")));
  expect(line).toEqual({
    part: "live",
    scenario: "x",
    figure: "latency",
    value: null,
    unit: "ms",
    peer: "a",
    ratio: null,
    bar: null,
    pass: null,
  });
});

test("tables show values, ratios and verdicts", () => {
  const figures = [comparedFigure("kagami", "cpu", 1.234, "ms/MB", 0.8, 0.75), plainFigure("nms", "rss", 123.4, "MB")];
  expect(textTable(figures)).toBe(
    "peer    figure  value  unit   ratio  bar            pass\n" +
      "kagami  cpu      1.23  ms/MB   0.80  ratio <= 0.75  NO\n" +
      "nms     rss       123  MB\n",
  );
  expect(markdownTable(figures)).toContain("| nms | rss | 123 | MB |  |  |  |");
});

test("a chart draws a point for each value and names its lines safely", () => {
  const points = [10, 100, 1000].map((x) => ({ x, y: x / 10 }));
  const svg = lineChart({ title: "a < b", xLabel: "x", yLabel: "y", series: [{ name: "c & d", points }] });
  expect(svg.match(/<circle /g)).toHaveLength(3);
  expect(svg).toContain("a &lt; b");
  expect(svg).toContain("c &amp; d");
  expect(svg).not.toContain("NaN");
});

test("medians, percentiles and slopes", () => {
  expect(median([3, 1, 2, 10])).toBe(2.5);
  expect(percentile([0, 10], 0.95)).toBe(9.5);
  expect(median([])).toBeNaN();
  expect(slope([0, 1, 2].map((x) => ({ x, y: 5 + 3 * x })))).toBeCloseTo(3);
});
