import type { CounterSeries, HistogramSeries, Metrics } from "@kagami/kit";
import type { ViewerProtocol } from "./viewer.ts";

/** Counts of all deliveries of the process, kept as series so that counting looks nothing up. */
export class DeliveryCounters {
  readonly #bytes: Readonly<Record<ViewerProtocol | "hls", CounterSeries>>;
  readonly #dropped: CounterSeries;
  readonly #resumed: CounterSeries;
  readonly #slowLeaves: CounterSeries;
  readonly #waitS: HistogramSeries;

  constructor(metrics: Metrics) {
    const bytes = metrics.counter("kagami_live_sent_bytes_total", "Bytes handed to viewers' sockets", ["protocol"]);
    const of = (protocol: string) => bytes.with({ protocol });
    this.#bytes = { ws: of("ws"), flv: of("flv"), rtmp: of("rtmp"), hls: of("hls") };
    this.#dropped = metrics
      .counter("kagami_live_dropped_frames_total", "Pictures not sent to viewers that were too slow")
      .with();
    this.#resumed = metrics.counter("kagami_live_resumes_total", "Slow viewers that got their picture back").with();
    this.#slowLeaves = metrics.counter("kagami_live_slow_leaves_total", "Viewers sent away for being too slow").with();
    this.#waitS = metrics
      .histogram("kagami_live_merge_wait_seconds", "How long the oldest media of a burst waited to be written", [])
      .with();
  }

  countBytes(protocol: ViewerProtocol | "hls", byteCount: number): void {
    this.#bytes[protocol].inc(byteCount);
  }

  countDroppedFrames(count: number): void {
    this.#dropped.inc(count);
  }

  countResume(): void {
    this.#resumed.inc();
  }

  countSlowLeave(): void {
    this.#slowLeaves.inc();
  }

  observeBurst(waitMs: number): void {
    this.#waitS.observe(waitMs / 1000);
  }
}
