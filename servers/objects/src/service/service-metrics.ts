import type { CounterSeries, HistogramSeries, Metrics } from "@kagami/kit";
import type { RequestContext } from "./request-context.ts";

/** Beyond so many buckets, requests are counted under `other`, which has labels of its own. */
const BUCKET_LABELS = 500;
const OPERATION_LABELS = 200;

/** By the first digit of a status; 0 is no answer. */
const STATUS_CLASSES = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/** What was counted since the start. */
export interface RequestCounts {
  requests: number;
  bytesIn: number;
  bytesOut: number;
}

/** Four to an octave, from 1/16 ms up. */
const DURATION_SLOTS = 96;
const SLOTS_PER_OCTAVE = 4;
const SHORTEST_MS = 1 / 16;

function durationSlot(elapsedMs: number): number {
  if (elapsedMs <= SHORTEST_MS) return 0;
  return Math.min(DURATION_SLOTS - 1, Math.ceil(Math.log2(elapsedMs / SHORTEST_MS) * SLOTS_PER_OCTAVE));
}

/** The longest time that a slot of `durations` counts, in ms. */
export function durationOfSlot(slot: number): number {
  return SHORTEST_MS * 2 ** (slot / SLOTS_PER_OCTAVE);
}

interface BucketSeries {
  readonly counts: RequestCounts;
  readonly bytesIn: CounterSeries;
  readonly bytesOut: CounterSeries;
  readonly requests: Map<string, CounterSeries>;
}

/** What the service counts. Series are kept here by name, so that counting a request looks up two maps. */
export class ServiceMetrics {
  readonly #requests: ReturnType<Metrics["counter"]>;
  readonly #bytes: ReturnType<Metrics["counter"]>;
  readonly #durations: ReturnType<Metrics["histogram"]>;
  readonly #errors: ReturnType<Metrics["counter"]>;
  readonly #series = new Map<string, BucketSeries>();
  /** Answers with a status of 500 and more. */
  failures = 0;
  /** Requests by how long they took, see {@link durationSlot}. */
  readonly durations = new Float64Array(DURATION_SLOTS);
  readonly #durationSeries = new Map<string, HistogramSeries>();

  constructor(metrics: Metrics) {
    const prefix = "kagami_objects";
    this.#requests = metrics.counter(
      `${prefix}_requests_total`,
      "Requests answered, by bucket and class of status",
      ["bucket", "status"],
      STATUS_CLASSES.length * (BUCKET_LABELS + 1),
    );
    this.#bytes = metrics.counter(
      `${prefix}_body_bytes_total`,
      "Bytes of bodies, by bucket and direction",
      ["bucket", "direction"],
      2 * (BUCKET_LABELS + 1),
    );
    this.#durations = metrics.histogram(
      `${prefix}_request_seconds`,
      "Time from a request's head to the end of its answer, by operation",
      ["operation"],
      undefined,
      OPERATION_LABELS,
    );
    this.#errors = metrics.counter(`${prefix}_errors_total`, "Errors answered, by code", ["code"], OPERATION_LABELS);
  }

  /** By bucket; `""` are requests to none. */
  *bucketCounts(): Generator<readonly [bucket: string, RequestCounts]> {
    for (const [bucket, { counts }] of this.#series) yield [bucket, counts];
  }

  count(cx: RequestContext, elapsedMs: number): void {
    // Only buckets that are there: names that clients invent must not use up the labels.
    const bucket = cx.bucket?.name ?? "";
    const series = this.#seriesOf(bucket);
    const status = STATUS_CLASSES[Math.floor(cx.status / 100)] ?? "none";
    let requests = series.requests.get(status);
    if (!requests) {
      requests = this.#requests.with({ bucket: this.#labelOf(bucket), status });
      series.requests.set(status, requests);
    }
    requests.inc();
    series.bytesIn.inc(cx.bytesIn);
    series.bytesOut.inc(cx.bytesOut);
    series.counts.requests += 1;
    series.counts.bytesIn += cx.bytesIn;
    series.counts.bytesOut += cx.bytesOut;
    if (cx.status >= 500) this.failures += 1;
    const slot = durationSlot(elapsedMs);
    this.durations[slot] = (this.durations[slot] ?? 0) + 1;
    if (cx.errorCode !== undefined) this.#errors.inc(1, { code: cx.errorCode });
    const { operation } = cx.route;
    let durations = this.#durationSeries.get(operation);
    if (!durations) {
      durations = this.#durations.with({ operation });
      this.#durationSeries.set(operation, durations);
    }
    durations.observe(elapsedMs / 1_000);
  }

  #seriesOf(bucket: string): BucketSeries {
    const label = this.#labelOf(bucket);
    const known = this.#series.get(label);
    if (known) return known;
    const made: BucketSeries = {
      counts: { requests: 0, bytesIn: 0, bytesOut: 0 },
      bytesIn: this.#bytes.with({ bucket: label, direction: "in" }),
      bytesOut: this.#bytes.with({ bucket: label, direction: "out" }),
      requests: new Map(),
    };
    this.#series.set(label, made);
    return made;
  }

  #labelOf(bucket: string): string {
    return this.#series.has(bucket) || this.#series.size < BUCKET_LABELS ? bucket : "other";
  }
}
