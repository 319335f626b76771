import type { Counter, CounterSeries, HistogramSeries, Metrics } from "@kagami/kit";

/** Seconds that a picture waits in the gate: two pictures at 60 a second are 0.033. */
const LATENCY_BUCKETS_S = [0.005, 0.01, 0.02, 0.035, 0.05, 0.07, 0.1, 0.2, 0.5, 1, 5];

/** Counts over all protected channels. */
export class PrivacyCounters {
  readonly pictures: Counter;
  readonly lost: Counter;
  readonly failures: Counter;
  readonly hidden: CounterSeries;
  readonly banners: CounterSeries;
  readonly restarts: CounterSeries;
  readonly unprotected: CounterSeries;
  readonly cpuSeconds: CounterSeries;
  readonly latency: HistogramSeries;

  constructor(metrics: Metrics) {
    const name = (rest: string) => `kagami_live_privacy_${rest}`;
    this.pictures = metrics.counter(
      name("pictures_total"),
      "Pictures of protected channels that went to viewers: passed as they came, or replaced",
      ["answer"],
    );
    this.lost = metrics.counter(name("lost_pictures_total"), "Pictures of protected channels left out", ["reason"]);
    this.failures = metrics.counter(name("failures_total"), "Failures of the filter, as channels met them", ["reason"]);
    this.hidden = metrics.counter(name("hidden_pictures_total"), "Pictures in which something was hidden").with();
    this.banners = metrics.counter(name("banners_total"), "Notifications that were found").with();
    this.restarts = metrics.counter(name("restarts_total"), "Times that a channel got another filter process").with();
    this.unprotected = metrics
      .counter(name("unprotected_pictures_total"), "Pictures that the policy pass let through unprotected")
      .with();
    this.cpuSeconds = metrics.counter(name("cpu_seconds_total"), "CPU time of the filter processes").with();
    this.latency = metrics
      .histogram(name("added_latency_seconds"), "Time that pictures waited for the filter", [], LATENCY_BUCKETS_S)
      .with();
  }
}
