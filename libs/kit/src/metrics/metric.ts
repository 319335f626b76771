/** Values of a metric's labels, by name; each name of the metric must be given. */
export type Labels = Readonly<Record<string, string>>;

/** What a registry makes a metric from. */
export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly labelLimit: number;
  /** Called for each value that goes to the `other` label set. */
  readonly onOverflow: () => void;
}

const LABEL_VALUE_LIMIT = 200;
const OTHER = "other";

/** One metric's values by label set. A series is looked up by its rendered labels, which are needed anyway. */
class SeriesTable<S> {
  readonly options: MetricOptions;
  readonly #make: () => S;
  readonly #series = new Map<string, S>();

  constructor(options: MetricOptions, make: () => S) {
    this.options = options;
    this.#make = make;
    if (options.labelNames.length === 0) this.#series.set("", make());
  }

  get(labels: Labels | undefined): S {
    const key = this.#key(labels);
    const existing = this.#series.get(key);
    if (existing) return existing;
    if (this.#series.size < this.options.labelLimit) {
      const made = this.#make();
      this.#series.set(key, made);
      return made;
    }
    this.options.onOverflow();
    const otherKey = this.options.labelNames.map((name) => `${name}="${OTHER}"`).join();
    const other = this.#series.get(otherKey) ?? this.#make();
    this.#series.set(otherKey, other);
    return other;
  }

  remove(labels: Labels): void {
    this.#series.delete(this.#key(labels));
  }

  entries(): IterableIterator<[string, S]> {
    return this.#series.entries();
  }

  head(kind: string): string {
    return `# HELP ${this.options.name} ${escapeHelp(this.options.help)}\n# TYPE ${this.options.name} ${kind}\n`;
  }

  #key(labels: Labels | undefined): string {
    let key = "";
    for (const name of this.options.labelNames) {
      const value = labels?.[name];
      if (value === undefined) throw new RangeError(`Cannot count ${this.options.name}: label "${name}" is missing`);
      key += `${key === "" ? "" : ","}${name}="${escapeLabel(value.slice(0, LABEL_VALUE_LIMIT))}"`;
    }
    return key;
  }
}

/** A single rising total; keep it where the counting is hot. */
export class CounterSeries {
  value = 0;

  /** @throws RangeError if `amount` is negative: totals only rise. */
  inc(amount = 1): void {
    if (!(amount >= 0)) throw new RangeError(`Cannot add ${amount} to a counter: totals only rise`);
    this.value += amount;
  }
}

/** A total that only rises, by label set. */
export class Counter {
  readonly #table: SeriesTable<CounterSeries>;

  constructor(options: MetricOptions) {
    this.#table = new SeriesTable(options, () => new CounterSeries());
  }

  get name(): string {
    return this.#table.options.name;
  }

  get labelNames(): readonly string[] {
    return this.#table.options.labelNames;
  }

  inc(amount = 1, labels?: Labels): void {
    this.#table.get(labels).inc(amount);
  }

  /** The series of these labels, to be kept by hot code: counting on it looks nothing up. */
  with(labels?: Labels): CounterSeries {
    return this.#table.get(labels);
  }

  /** The value of one label set, 0 if it was never counted. */
  read(labels?: Labels): number {
    return this.#table.get(labels).value;
  }

  render(): string {
    let out = this.#table.head("counter");
    for (const [key, series] of this.#table.entries()) out += line(this.name, key, series.value);
    return out;
  }
}

/** A single value that rises and falls; keep it where the counting is hot. */
export class GaugeSeries {
  value = 0;

  set(value: number): void {
    this.value = value;
  }

  add(amount: number): void {
    this.value += amount;
  }
}

/** A value that rises and falls, by label set. */
export class Gauge {
  readonly #table: SeriesTable<GaugeSeries>;

  constructor(options: MetricOptions) {
    this.#table = new SeriesTable(options, () => new GaugeSeries());
  }

  get name(): string {
    return this.#table.options.name;
  }

  get labelNames(): readonly string[] {
    return this.#table.options.labelNames;
  }

  set(value: number, labels?: Labels): void {
    this.#table.get(labels).value = value;
  }

  add(amount: number, labels?: Labels): void {
    this.#table.get(labels).value += amount;
  }

  with(labels?: Labels): GaugeSeries {
    return this.#table.get(labels);
  }

  read(labels?: Labels): number {
    return this.#table.get(labels).value;
  }

  /** Forgets a label set, such as that of a stream that has ended. */
  remove(labels: Labels): void {
    this.#table.remove(labels);
  }

  render(): string {
    let out = this.#table.head("gauge");
    for (const [key, series] of this.#table.entries()) out += line(this.name, key, series.value);
    return out;
  }
}

/** Observations of one label set; keep it where the observing is hot. It allocates nothing. */
export class HistogramSeries {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let i = 0;
    while (i < this.bounds.length && value > (this.bounds[i] as number)) i++;
    this.counts[i] = (this.counts[i] as number) + 1;
    this.sum += value;
  }
}

/** Counts of observations in fixed buckets, by label set. */
export class Histogram {
  readonly #table: SeriesTable<HistogramSeries>;

  constructor(options: MetricOptions, buckets: readonly number[]) {
    this.#table = new SeriesTable(options, () => new HistogramSeries(buckets));
  }

  get name(): string {
    return this.#table.options.name;
  }

  get labelNames(): readonly string[] {
    return this.#table.options.labelNames;
  }

  observe(value: number, labels?: Labels): void {
    this.#table.get(labels).observe(value);
  }

  with(labels?: Labels): HistogramSeries {
    return this.#table.get(labels);
  }

  render(): string {
    let out = this.#table.head("histogram");
    for (const [key, series] of this.#table.entries()) {
      const prefix = key === "" ? "" : `${key},`;
      let cumulative = 0;
      for (let i = 0; i <= series.bounds.length; i++) {
        cumulative += series.counts[i] as number;
        const bound = i < series.bounds.length ? formatNumber(series.bounds[i] as number) : "+Inf";
        out += line(`${this.name}_bucket`, `${prefix}le="${bound}"`, cumulative);
      }
      out += line(`${this.name}_sum`, key, series.sum) + line(`${this.name}_count`, key, cumulative);
    }
    return out;
  }
}

function line(name: string, labels: string, value: number): string {
  return labels === "" ? `${name} ${formatNumber(value)}\n` : `${name}{${labels}} ${formatNumber(value)}\n`;
}

function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return /["\\\n]/.test(text) ? escapeHelp(text).replaceAll('"', '\\"') : text;
}
