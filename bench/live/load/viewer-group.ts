import { percentile } from "../../src/statistics.ts";
import { type Marker, type MarkerKind, monotonicUs, payloadBytes } from "./marker.ts";
import { type Recovery, RecoveryWatch } from "./recovery-watch.ts";
import { Viewer, type ViewerKind } from "./viewer.ts";

export interface GroupOptions {
  readonly kind: ViewerKind;
  readonly port: number;
  readonly name: string;
  /** Whether its viewers look for markers. */
  readonly isSampled: boolean;
}

/** Milliseconds over the messages of a window; `NaN` without any. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What the viewers of a group received since the last `reset`. */
export interface GroupReport {
  readonly viewerCount: number;
  /** Viewers whose connection has ended by itself. */
  readonly closedCount: number;
  readonly receivedBytes: number;
  /** Payload of the marked messages that sampled viewers received. */
  readonly payloadBytes: number;
  /** Pictures that sampled viewers missed, by their sequence numbers. */
  readonly missedPictures: number;
  readonly latency: LatencySummary;
  readonly videoLatency: LatencySummary;
}

/** Viewers of one stream that are opened, measured and closed together. */
export class ViewerGroup {
  readonly #options: GroupOptions;
  readonly #viewers: Viewer[] = [];
  readonly #watches: RecoveryWatch[] = [];
  readonly #latencies: Record<"video" | "all", number[]> = { video: [], all: [] };
  #windowStartUs = monotonicUs();
  #receivedAtReset = 0;
  #payloadBytes = 0;
  #missedPictures = 0;

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  /** Adds viewers, a few at a time, and waits until each gets media. */
  async open(count: number): Promise<void> {
    for (let opened = 0; opened < count; ) {
      const batch = Array.from({ length: Math.min(BATCH, count - opened) }, () => this.#add());
      await Promise.all(batch.map((viewer) => viewer.opened()));
      opened += batch.length;
    }
  }

  reset(): void {
    this.#latencies.video = [];
    this.#latencies.all = [];
    this.#windowStartUs = monotonicUs();
    this.#receivedAtReset = this.#receivedBytes();
    this.#payloadBytes = 0;
    this.#missedPictures = 0;
  }

  report(): GroupReport {
    return {
      viewerCount: this.#viewers.length,
      closedCount: this.#viewers.filter(({ isClosed }) => isClosed).length,
      receivedBytes: this.#receivedBytes() - this.#receivedAtReset,
      payloadBytes: this.#payloadBytes,
      missedPictures: this.#missedPictures,
      latency: summarize(this.#latencies.all),
      videoLatency: summarize(this.#latencies.video),
    };
  }

  stall(): void {
    for (const viewer of this.#viewers) viewer.stall();
  }

  /** Lets the viewers read again and begins to watch how each gets its picture back. */
  resume(): void {
    for (const [i, viewer] of this.#viewers.entries()) {
      this.#watches[i]?.begin(monotonicUs());
      viewer.resume();
    }
  }

  /** How each viewer has got its picture back since `resume`; its arrival times are those of this process. */
  recoveries(): Recovery[] {
    return this.#watches.map((watch) => watch.recovery);
  }

  /** What WebSocket viewers were told, in any order. */
  texts(): string[] {
    return this.#viewers.flatMap(({ texts }) => texts);
  }

  close(): void {
    for (const viewer of this.#viewers) viewer.close();
    this.#viewers.length = 0;
    this.#watches.length = 0;
    this.reset();
  }

  #add(): Viewer {
    const { kind, port, name, isSampled } = this.#options;
    if (!isSampled) {
      const viewer = new Viewer({ kind, port, name });
      this.#viewers.push(viewer);
      return viewer;
    }
    const watch = new RecoveryWatch();
    let nextPicture: number | undefined;
    const onMarked = (marker: Marker, arrivedUs: number) => {
      watch.onMarked(marker, arrivedUs);
      this.#count(marker, arrivedUs);
      if (marker.kind === "A") return;
      if (nextPicture !== undefined && marker.sequence > nextPicture) {
        this.#missedPictures += marker.sequence - nextPicture;
      }
      nextPicture = marker.sequence + 1;
    };
    const viewer = new Viewer({ kind, port, name, onMarked });
    this.#viewers.push(viewer);
    this.#watches.push(watch);
    return viewer;
  }

  #count(marker: Marker, arrivedUs: number): void {
    this.#payloadBytes += payloadBytes(marker);
    // What was sent before the window is the past that a newcomer is given, not delay.
    if (marker.sentUs < this.#windowStartUs) return;
    const latencyMs = (arrivedUs - marker.sentUs) / 1000;
    this.#latencies.all.push(latencyMs);
    if (isPicture(marker.kind)) this.#latencies.video.push(latencyMs);
  }

  #receivedBytes(): number {
    return this.#viewers.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
  }
}

/** Connections that a group makes at once. */
const BATCH = 50;

function isPicture(kind: MarkerKind): boolean {
  return kind !== "A";
}

function summarize(latencies: readonly number[]): LatencySummary {
  const at = (share: number) => percentile(latencies, share);
  return { count: latencies.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
