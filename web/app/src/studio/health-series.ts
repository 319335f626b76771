import type { HealthPoint } from "../api/types.ts";
import type { ChartPoint } from "./chart-scale.ts";

/**
 * Seconds between key frames over time, from how many came in each second: a second with several divides the time since
 * the last one among them. Seconds without a key frame give no point.
 */
export function keyFrameIntervals(history: readonly HealthPoint[]): ChartPoint[] {
  const points: ChartPoint[] = [];
  let lastAtMs: number | undefined;
  for (const { atMs, keyFrameCount } of history) {
    if (keyFrameCount <= 0) continue;
    if (lastAtMs !== undefined) points.push({ atMs, value: (atMs - lastAtMs) / 1000 / keyFrameCount });
    lastAtMs = atMs;
  }
  return points;
}
