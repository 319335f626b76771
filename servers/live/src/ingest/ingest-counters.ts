import type { Counter, CounterSeries, Metrics } from "@kagami/kit";

/** Counts of everything that publishers send, over all channels. */
export class IngestCounters {
  readonly #bytes: CounterSeries;
  readonly #refused: Counter;
  readonly #publishers: Counter;

  constructor(metrics: Metrics) {
    this.#bytes = metrics.counter("kagami_live_received_bytes_total", "Bytes of media from publishers").with();
    this.#refused = metrics.counter("kagami_live_refused_messages_total", "Media messages that cannot be read", [
      "code",
    ]);
    this.#publishers = metrics.counter("kagami_live_publishers_total", "Publishers, by what became of them", [
      "outcome",
    ]);
  }

  countBytes(byteCount: number): void {
    this.#bytes.inc(byteCount);
  }

  countRefused(code: string): void {
    this.#refused.inc(1, { code });
  }

  countPublisher(outcome: "accepted" | "returned" | "taken-over" | "refused"): void {
    this.#publishers.inc(1, { outcome });
  }
}
