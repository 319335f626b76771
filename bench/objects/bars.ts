import { type Figure, plainFigure } from "../src/scenario.ts";

/** A figure of ours that has to be at least `limit` times that of a peer. */
export function atLeast(figure: string, value: number, unit: string, ratio: number, limit: number): Figure {
  return { ...plainFigure("kagami", figure, value, unit), ratio, bar: `ratio >= ${limit}`, pass: ratio >= limit };
}
