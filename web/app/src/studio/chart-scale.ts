/** One value of a time series. */
export interface ChartPoint {
  readonly atMs: number;
  readonly value: number;
}

/** A vertical axis from 0 to `max`, with round numbers on the way. */
export interface ValueAxis {
  readonly max: number;
  /** Ascending, 0 and `max` included. */
  readonly ticks: readonly number[];
}

const STEPS = [1, 2, 2.5, 5, 10];
/** Less than this is nothing to look at, and its powers of ten would leave the range of numbers. */
const SMALLEST = 1e-6;

/**
 * Chooses an axis that holds every value, with about `tickCount` steps of 1, 2, 2.5 or 5 times a power of ten.
 * It starts at 0, so that a small change does not look like a large one.
 */
export function valueAxis(values: readonly number[], tickCount: number): ValueAxis {
  const highest = values.reduce((max, value) => (Number.isFinite(value) ? Math.max(max, value) : max), 0);
  const roughStep = (highest > SMALLEST ? highest : 1) / Math.max(1, tickCount);
  const power = 10 ** Math.floor(Math.log10(roughStep));
  const step = power * (STEPS.find((candidate) => candidate * power >= roughStep * 0.999) ?? 10);
  const count = Math.max(1, Math.ceil(highest / step - 0.001));
  const ticks = Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
  return { max: ticks.at(-1) as number, ticks };
}

/** Maps `[fromMin, fromMax]` onto `[toMin, toMax]`; an empty stretch maps to its start. */
export function scaleLinear(value: number, fromMin: number, fromMax: number, toMin: number, toMax: number): number {
  if (fromMax === fromMin) return toMin;
  return toMin + ((value - fromMin) / (fromMax - fromMin)) * (toMax - toMin);
}

/** Index of the point nearest to `atMs`; -1 for no points. The points ascend. */
export function nearestIndex(points: readonly ChartPoint[], atMs: number): number {
  let best = -1;
  for (let i = 0; i < points.length; i++) {
    const distance = Math.abs((points[i] as ChartPoint).atMs - atMs);
    if (best === -1 || distance <= Math.abs((points[best] as ChartPoint).atMs - atMs)) best = i;
  }
  return best;
}

/** What a chart says in words. */
export function describeSeries(
  title: string,
  unit: string,
  points: readonly ChartPoint[],
  format: (value: number) => string,
): string {
  const last = points.at(-1);
  if (last === undefined) return `${title}: no values yet`;
  const values = points.map((point) => point.value);
  const low = format(Math.min(...values));
  const high = format(Math.max(...values));
  return `${title}: now ${format(last.value)} ${unit}, lowest ${low}, highest ${high} in the last two minutes`;
}
