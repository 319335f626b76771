import type { ObscureStrength } from "./kernels.ts";

/** How strongly notifications are obscured; a setting of the channel. */
export type StrengthLevel = 1 | 2 | 3;

/**
 * Cell and radius as shares of the picture's short side. A banner's letters are about 1/36 of it high: a cell of level
 * 1 averages the better part of three to four letters with the space above and below them, and the rounding to steps
 * swallows what distinguishes one word from another there. See the test of irreversibility for what this withstands.
 */
const STRENGTHS: Readonly<Record<StrengthLevel, { readonly cell: number; readonly step: number }>> = {
  1: { cell: 1 / 12, step: 48 },
  2: { cell: 1 / 10, step: 48 },
  3: { cell: 1 / 8.5, step: 64 },
};

/** Pictures of a longer short side are obscured as if they had this one. */
const LARGEST_SHORT_SIDE = 1440;

/**
 * The strength of a level for a picture, in luma samples: larger pictures have larger letters.
 *
 * @param shortSide The picture's width or height, whichever is less. At more than 1440 the limits of the kernels are
 * reached, and cells grow no more.
 */
export function strengthFor(level: StrengthLevel, shortSide: number): ObscureStrength {
  const { cell, step } = STRENGTHS[level];
  // At least 16: no picture is so small that its cells could follow letters.
  const cellSamples = Math.max(16, Math.round(Math.min(shortSide, LARGEST_SHORT_SIDE) * cell));
  return { cell: cellSamples, step, radius: Math.min(63, cellSamples >> 1) };
}
