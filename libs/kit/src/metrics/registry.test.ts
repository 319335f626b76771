import { expect, test } from "vitest";
import { registerProcessMetrics } from "./process.ts";
import { Metrics } from "./registry.ts";

function lines(metrics: Metrics, prefix: string): string[] {
  return metrics
    .render()
    .split("\n")
    .filter(
      (line) => line.startsWith(prefix) || line.startsWith(`# HELP ${prefix}`) || line.startsWith(`# TYPE ${prefix}`),
    );
}

test("a counter without labels shows 0 before its first event", () => {
  const metrics = new Metrics();
  const frames = metrics.counter("frames_total", "Frames");
  expect(lines(metrics, "frames")).toEqual([
    "# HELP frames_total Frames",
    "# TYPE frames_total counter",
    "frames_total 0",
  ]);
  frames.inc();
  frames.inc(4);
  expect(lines(metrics, "frames").at(-1)).toBe("frames_total 5");
  expect(() => frames.inc(-1)).toThrow(RangeError);
  expect(() => frames.inc(Number.NaN)).toThrow(RangeError);
});

test("labels and help are escaped as the format asks", () => {
  const metrics = new Metrics();
  metrics.gauge("weight", "a\\b\nc", ["name", "kind"]).set(-0.5, { kind: "k", name: 'q"\\\n' });
  expect(lines(metrics, "weight")).toEqual([
    "# HELP weight a\\\\b\\nc",
    "# TYPE weight gauge",
    'weight{name="q\\"\\\\\\n",kind="k"} -0.5',
  ]);
});

test("a histogram counts at or below each bound", () => {
  const metrics = new Metrics();
  const latency = metrics.histogram("latency_seconds", "Latency", ["path"], [0.1, 1]);
  const series = latency.with({ path: "ws" });
  for (const value of [0.1, 0.25, 0.5, 7]) series.observe(value);
  expect(lines(metrics, "latency").slice(2)).toEqual([
    'latency_seconds_bucket{path="ws",le="0.1"} 1',
    'latency_seconds_bucket{path="ws",le="1"} 3',
    'latency_seconds_bucket{path="ws",le="+Inf"} 4',
    'latency_seconds_sum{path="ws"} 7.85',
    'latency_seconds_count{path="ws"} 4',
  ]);
});

test("beyond its limit a metric counts to one set named other, and says so", () => {
  const metrics = new Metrics();
  const bytes = metrics.counter("bytes_total", "Bytes", ["channel"], 2);
  for (const channel of ["a", "b", "c", "d", "c", "a"]) bytes.inc(1, { channel });
  expect(lines(metrics, "bytes_total{")).toEqual([
    'bytes_total{channel="a"} 2',
    'bytes_total{channel="b"} 1',
    'bytes_total{channel="other"} 3',
  ]);
  expect(lines(metrics, "kagami_metrics_label_overflow_total{")).toEqual([
    'kagami_metrics_label_overflow_total{metric="bytes_total"} 3',
  ]);
});

test("a removed label set makes room for another", () => {
  const metrics = new Metrics();
  const viewers = metrics.gauge("viewers", "Viewers", ["channel"], 1);
  viewers.set(1, { channel: "a" });
  viewers.remove({ channel: "a" });
  viewers.set(2, { channel: "b" });
  expect(lines(metrics, "viewers{")).toEqual(['viewers{channel="b"} 2']);
});

test("the same registration gives the same metric, a different one under its name throws", () => {
  const metrics = new Metrics();
  expect(metrics.counter("a_total", "A", ["x"])).toBe(metrics.counter("a_total", "A", ["x"]));
  expect(() => metrics.gauge("a_total", "A", ["x"])).toThrow(/exists with another kind/);
  expect(() => metrics.counter("a_total", "A", ["y"])).toThrow(/exists with another kind/);
});

test.each([
  { why: "a space in the name", make: (m: Metrics) => m.gauge("a b", "") },
  { why: "a digit first", make: (m: Metrics) => m.gauge("1a", "") },
  { why: "a counter that does not end in _total", make: (m: Metrics) => m.counter("a", "") },
  { why: "a dash in a label", make: (m: Metrics) => m.gauge("a", "", ["b-c"]) },
  { why: "a reserved label", make: (m: Metrics) => m.gauge("a", "", ["__b"]) },
  { why: "a histogram's own label", make: (m: Metrics) => m.histogram("a", "", ["le"]) },
  { why: "buckets that fall", make: (m: Metrics) => m.histogram("a", "", [], [2, 1]) },
  { why: "no buckets", make: (m: Metrics) => m.histogram("a", "", [], []) },
  { why: "a label that is not given", make: (m: Metrics) => m.gauge("a", "", ["b"]).set(1, {}) },
])("a wrong use is refused: $why", ({ make }) => {
  expect(() => make(new Metrics())).toThrow(RangeError);
});

test("collectors run before each rendering until they are ended", () => {
  const metrics = new Metrics();
  const depth = metrics.gauge("queue_depth", "Depth");
  const stop = metrics.onCollect(() => depth.add(1));
  expect(lines(metrics, "queue_depth").at(-1)).toBe("queue_depth 1");
  stop();
  expect(lines(metrics, "queue_depth").at(-1)).toBe("queue_depth 1");
});

test("memory accounts of one owner add up, and closing one takes its bytes away", () => {
  const metrics = new Metrics();
  const close = metrics.memoryAccount("gop-cache", () => 100);
  metrics.memoryAccount("gop-cache", () => 11);
  metrics.memoryAccount("viewer-queues", () => 5);
  expect(lines(metrics, "kagami_memory_bytes{")).toEqual([
    'kagami_memory_bytes{owner="gop-cache"} 111',
    'kagami_memory_bytes{owner="viewer-queues"} 5',
  ]);
  close();
  expect(metrics.readMemoryAccounts().get("gop-cache")).toBe(11);
});

test("the process tells its memory, CPU time, delay and handles", () => {
  const metrics = new Metrics();
  const stop = registerProcessMetrics(metrics);
  const text = metrics.render();
  stop();
  for (const kind of ["rss", "heapUsed", "heapTotal", "external", "arrayBuffers"]) {
    const bytes = Number(new RegExp(`process_memory_bytes\\{kind="${kind}"\\} (\\d+)`).exec(text)?.[1]);
    expect(bytes, kind).toBeGreaterThan(1_000);
  }
  expect(text).toMatch(/process_cpu_seconds_total\{mode="user"\} \d+\.\d+/);
  expect(text).toMatch(/nodejs_eventloop_delay_seconds\{quantile="0.99"\} \d/);
  expect(text).toMatch(/nodejs_active_handles\{type="\w+"\} \d+/);
});

test("every line is a comment or a sample of the text format", () => {
  const metrics = new Metrics();
  registerProcessMetrics(metrics)();
  metrics.histogram("h", "H", ["a"]).observe(Number.POSITIVE_INFINITY, { a: "\u{1f600} ü" });
  for (const line of metrics.render().trimEnd().split("\n")) {
    expect(line).toMatch(
      /^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="([^"\\\n]|\\["\\n])*",?)+\})? (\+Inf|-Inf|NaN|-?[\d.e+-]+))$/,
    );
  }
});
