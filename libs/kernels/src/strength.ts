import type { ObscureStrength } from "./kernels.ts";
import { MAX_CELL, MAX_RADIUS } from "./limits.ts";

/** How strongly notifications are obscured; a setting of the channel. */
export type StrengthLevel = 1 | 2 | 3;

/** Cell and radius as shares of the picture's short side. */
const STRENGTHS: Readonly<Record<StrengthLevel, { readonly cell: number; readonly radius: number }>> = {
  1: { cell: 1 / 18, radius: 1 / 36 },
  2: { cell: 1 / 15, radius: 1 / 30 },
  3: { cell: 1 / 12, radius: 1 / 24 },
};

export function strengthFor(level: StrengthLevel, shortSide: number): ObscureStrength {
  const { cell, radius } = STRENGTHS[level];
  return {
    cell: Math.min(MAX_CELL, Math.max(8, Math.round(shortSide * cell))),
    radius: Math.min(MAX_RADIUS, Math.max(4, Math.round(shortSide * radius))),
  };
}
