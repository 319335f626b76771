import { Counter, Gauge, Histogram, type MetricOptions } from "./metric.ts";

/** The media type of {@link Metrics.render}. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const METRIC_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LABEL_LIMIT = 1_000;

/** Seconds, from half a millisecond to ten seconds. */
export const DEFAULT_BUCKETS_S: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

type Metric = Counter | Gauge | Histogram;

/**
 * A registry of metrics in the Prometheus text format 0.0.4.
 *
 * Registering the same name, kind and labels again returns the metric that is there, so that two listeners can share
 * one; anything else under a used name is a bug and throws. Each metric holds at most `labelLimit` label sets (1,000):
 * beyond it, values go to one set whose labels are all `other`, counted in `kagami_metrics_label_overflow_total`.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export class Metrics {
  readonly #metrics = new Map<string, Metric>();
  readonly #collectors = new Set<() => void>();
  readonly #overflows: Counter;
  readonly #memory: Gauge;
  readonly #accounts = new Map<string, Set<() => number>>();

  constructor() {
    this.#overflows = new Counter({
      name: "kagami_metrics_label_overflow_total",
      help: "Label sets that were counted as other because a metric was full",
      labelNames: ["metric"],
      labelLimit: LABEL_LIMIT,
      onOverflow: () => undefined,
    });
    this.#metrics.set(this.#overflows.name, this.#overflows);
    this.#memory = this.gauge("kagami_memory_bytes", "Bytes held, by what holds them", ["owner"]);
  }

  /** A total that only rises. The name must end in `_total`. */
  counter(name: string, help: string, labelNames: readonly string[] = [], labelLimit = LABEL_LIMIT): Counter {
    if (!name.endsWith("_total"))
      throw new RangeError(`Cannot register counter "${name}": its name must end in "_total"`);
    const options = this.#options(name, help, labelNames, labelLimit);
    return this.#register(options, Counter, () => new Counter(options));
  }

  /** A value that rises and falls. */
  gauge(name: string, help: string, labelNames: readonly string[] = [], labelLimit = LABEL_LIMIT): Gauge {
    const options = this.#options(name, help, labelNames, labelLimit);
    return this.#register(options, Gauge, () => new Gauge(options));
  }

  /** Counts of observations at or below each of `buckets`, which rise; seconds are the customary unit. */
  histogram(
    name: string,
    help: string,
    labelNames: readonly string[] = [],
    buckets: readonly number[] = DEFAULT_BUCKETS_S,
    labelLimit = LABEL_LIMIT,
  ): Histogram {
    const isRising = buckets.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > (buckets[i - 1] ?? 0)));
    if (!isRising || buckets.length === 0)
      throw new RangeError(`Cannot register histogram "${name}": buckets must rise`);
    const options = this.#options(name, help, labelNames, labelLimit);
    return this.#register(options, Histogram, () => new Histogram(options, buckets));
  }

  /** Calls back before each rendering, to set gauges. Returns what ends that. */
  onCollect(collect: () => void): () => void {
    this.#collectors.add(collect);
    return () => this.#collectors.delete(collect);
  }

  /**
   * Counts `readBytes()` to the memory of `owner` (a pool, cache or queue). Accounts of one owner are added up.
   * Returns what closes the account.
   */
  memoryAccount(owner: string, readBytes: () => number): () => void {
    const accounts = this.#accounts.get(owner) ?? new Set();
    accounts.add(readBytes);
    this.#accounts.set(owner, accounts);
    return () => {
      accounts.delete(readBytes);
    };
  }

  /** Bytes by owner, from the open memory accounts. */
  readMemoryAccounts(): Map<string, number> {
    const totals = new Map<string, number>();
    for (const [owner, accounts] of this.#accounts) {
      let bytes = 0;
      for (const readBytes of accounts) bytes += readBytes();
      totals.set(owner, bytes);
    }
    return totals;
  }

  /** The text of a scrape. */
  render(): string {
    for (const collect of this.#collectors) collect();
    for (const [owner, bytes] of this.readMemoryAccounts()) this.#memory.set(bytes, { owner });
    let out = "";
    for (const metric of this.#metrics.values()) out += metric.render();
    return out;
  }

  #options(name: string, help: string, labelNames: readonly string[], labelLimit: number): MetricOptions {
    if (!METRIC_NAME.test(name)) throw new RangeError(`Cannot register metric "${name}": it is not a metric name`);
    for (const label of labelNames) {
      if (!LABEL_NAME.test(label) || label.startsWith("__") || label === "le") {
        throw new RangeError(`Cannot register metric "${name}": "${label}" is not a label name`);
      }
    }
    const onOverflow = (): void => this.#overflows.inc(1, { metric: name });
    return { name, help, labelNames, labelLimit, onOverflow };
  }

  #register<M extends Metric>(options: MetricOptions, kind: abstract new (...args: never[]) => M, make: () => M): M {
    const existing = this.#metrics.get(options.name);
    if (!existing) {
      const metric = make();
      this.#metrics.set(options.name, metric);
      return metric;
    }
    if (existing instanceof kind && existing.labelNames.join() === options.labelNames.join()) return existing;
    throw new RangeError(`Cannot register metric "${options.name}": it exists with another kind or other labels`);
  }
}
