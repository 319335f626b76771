import type { Detection, ManualZone } from "../engine/privacy/detection.ts";
import type { FilterStats } from "../protocol/privacy/messages.ts";
import type { PrivacyCounters } from "./privacy-counters.ts";

export type PrivacyState = "off" | "waiting" | "watching" | "hiding" | "failed";

/** `status` of API.md. */
export interface PrivacyStatusView {
  readonly state: PrivacyState;
  readonly isEncoding: boolean;
  readonly regions: readonly ManualZone[];
  readonly bannerCount: number;
  readonly lastHiddenAtMs: number | null;
  readonly restartCount: number;
  readonly cpuPercent: number | null;
  readonly addedLatencyMs: number | null;
  readonly message: string | null;
}

/** What the filter says whenever what it sees changes. */
export interface DetectionReport {
  readonly ptsUs: number;
  readonly isEncoding: boolean;
  readonly width: number;
  readonly height: number;
  readonly detection: Detection;
}

export const STATUS_OFF: PrivacyStatusView = {
  state: "off",
  isEncoding: false,
  regions: [],
  bannerCount: 0,
  lastHiddenAtMs: null,
  restartCount: 0,
  cpuPercent: null,
  addedLatencyMs: null,
  message: null,
};

/** Waits of so many pictures are enough for the median of a second. */
const WAIT_SAMPLES = 128;
const WAIT_WINDOW_MS = 1_000;

/** What is known of a broadcast's privacy filter: for the studio, the health page and the metrics. */
export class PrivacyStatus {
  readonly #counters: PrivacyCounters;
  #report: DetectionReport | undefined;
  #bannerCount = 0;
  /** Of the present process, which counts from zero. */
  #processBannerCount = 0;
  #lastHiddenAtMs: number | null = null;
  #restartCount = 0;
  #stats: { readonly cpuUs: number; readonly atMs: number } | undefined;
  #cpuPercent: number | null = null;
  readonly #waits: { readonly ms: number; readonly atMs: number }[] = [];
  #hasPictures = false;
  /** Why the filter has failed, for people. */
  message: string | null = null;

  constructor(counters: PrivacyCounters) {
    this.#counters = counters;
  }

  /** @returns whether hiding has just begun. */
  onDetection(report: DetectionReport, wallMs: number): boolean {
    const wasHiding = isHiding(this.#report);
    this.#report = report;
    const { bannerCount } = report.detection;
    const added = Math.max(0, bannerCount - this.#processBannerCount);
    this.#processBannerCount = bannerCount;
    this.#bannerCount += added;
    this.#counters.banners.inc(added);
    if (isHiding(report) || wasHiding) this.#lastHiddenAtMs = wallMs;
    return isHiding(report) && !wasHiding;
  }

  /** A picture has gone to viewers. */
  onPicture(isReplaced: boolean, ptsUs: number, waitedMs: number, nowMs: number): void {
    const { pictures, hidden, latency } = this.#counters;
    pictures.inc(1, { answer: isReplaced ? "replaced" : "passed" });
    latency.observe(waitedMs / 1000);
    const report = this.#report;
    if (isReplaced && report && isHiding(report) && ptsUs >= report.ptsUs) hidden.inc();
    this.#hasPictures = true;
    this.#waits.push({ ms: waitedMs, atMs: nowMs });
    if (this.#waits.length > WAIT_SAMPLES) this.#waits.shift();
  }

  onStats({ cpuUs }: FilterStats, streamCount: number, nowMs: number): void {
    const before = this.#stats;
    this.#stats = { cpuUs, atMs: nowMs };
    if (!before || cpuUs < before.cpuUs || nowMs <= before.atMs) return;
    const shareUs = (cpuUs - before.cpuUs) / Math.max(1, streamCount);
    this.#counters.cpuSeconds.inc(shareUs / 1e6);
    this.#cpuPercent = Math.round((shareUs / (nowMs - before.atMs)) * 10) / 100;
  }

  /** Another process, which knows nothing of the one before. */
  onRestart(): void {
    this.#restartCount++;
    this.#counters.restarts.inc();
    this.forget();
  }

  /** The stream has ended, or another begins: what was seen of it is over. */
  forget(): void {
    this.#report = undefined;
    this.#processBannerCount = 0;
    this.#stats = undefined;
    this.#cpuPercent = null;
    this.#hasPictures = false;
  }

  view(isFailed: boolean, nowMs: number): PrivacyStatusView {
    const report = this.#report;
    const watching = isHiding(report) ? "hiding" : this.#hasPictures || report ? "watching" : "waiting";
    return {
      state: isFailed ? "failed" : watching,
      isEncoding: !isFailed && report?.isEncoding === true,
      regions: isFailed ? [] : zonesOf(report),
      bannerCount: this.#bannerCount,
      lastHiddenAtMs: this.#lastHiddenAtMs,
      restartCount: this.#restartCount,
      cpuPercent: this.#cpuPercent,
      addedLatencyMs: this.#addedLatencyMs(nowMs),
      message: isFailed ? this.message : null,
    };
  }

  #addedLatencyMs(nowMs: number): number | null {
    const recent = this.#waits.filter(({ atMs }) => nowMs - atMs <= WAIT_WINDOW_MS).map(({ ms }) => ms);
    recent.sort((a, b) => a - b);
    const median = recent[recent.length >> 1];
    return median === undefined ? null : Math.round(median * 10) / 10;
  }
}

function isHiding(report: DetectionReport | undefined): boolean {
  return report !== undefined && report.detection.regions.length > 0;
}

function zonesOf(report: DetectionReport | undefined): ManualZone[] {
  if (!report || report.width === 0 || report.height === 0) return [];
  const { width, height } = report;
  return report.detection.regions.map((region) => ({
    x: region.x / width,
    y: region.y / height,
    width: region.width / width,
    height: region.height / height,
  }));
}
