// When a banner's text counts as readable. From the composition's truth, not from the coded picture:
//
// - A line's letters stand, for the Latin capitals that most of them are as tall as, in the middle part of its box,
//   0.72 of the font's size tall. That is at least MIN_GLYPH_PX tall.
// - At least MIN_VISIBLE of those rows, and 2.5 font sizes of its width (or all of a shorter line), are on the screen
//   and not under another card.
// - The contrast that is left (spread of luma within the line, times the card's opacity) is at least MIN_CONTRAST.
//
// A frame in which one line is readable is a frame that must be hidden. It errs towards readable: coding artefacts and
// the speed of the slide are left out of account.
import type { Region } from "@kagami/kernels";
import type { ContrastLine } from "./raster.ts";

const MIN_GLYPH_PX = 6.5;
const MIN_VISIBLE = 0.6;
export const MIN_CONTRAST = 32;
const CAPITAL = 0.72;
const MIN_WIDTH_EM = 2.5;

/** The rows of a line in which its letters stand. */
function glyphRows(line: ContrastLine): Region {
  const height = line.fontPx * CAPITAL;
  return { x: line.x, y: line.y + (line.height - height) / 2, width: line.width, height };
}

/**
 * The part of a line that can be read.
 *
 * @param line In pixels of the picture.
 * @param opacity Of its card, 0 to 1.
 * @param covers Boxes of the cards that lie over it.
 * @returns `undefined` if nobody can read it.
 */
export function readablePart(
  line: ContrastLine,
  screen: Region,
  opacity: number,
  covers: readonly Region[],
): Region | undefined {
  const rows = glyphRows(line);
  if (rows.height < MIN_GLYPH_PX || line.contrast * opacity < MIN_CONTRAST) return undefined;
  let part = intersect(rows, screen);
  for (const cover of covers) part = part && without(part, cover);
  if (part === undefined || part.height < rows.height * MIN_VISIBLE) return undefined;
  return part.width < Math.min(line.fontPx * MIN_WIDTH_EM, rows.width * 0.9) ? undefined : part;
}

export function intersect(a: Region, b: Region): Region | undefined {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : undefined;
}

export function enclose(a: Region, b: Region): Region {
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  };
}

/** The largest rectangle of `region` that `cover` leaves free. */
function without(region: Region, cover: Region): Region | undefined {
  const shared = intersect(region, cover);
  if (shared === undefined) return region;
  const right = region.x + region.width;
  const bottom = region.y + region.height;
  const pieces: Region[] = [
    { ...region, height: shared.y - region.y },
    { ...region, y: shared.y + shared.height, height: bottom - shared.y - shared.height },
    { ...region, width: shared.x - region.x },
    { ...region, x: shared.x + shared.width, width: right - shared.x - shared.width },
  ];
  const best = pieces.reduce((a, b) => (b.width * b.height > a.width * a.height ? b : a));
  return best.width > 0 && best.height > 0 ? best : undefined;
}

/** Whole pixels that contain the region. */
export function outward(region: Region): Region {
  const x = Math.floor(region.x);
  const y = Math.floor(region.y);
  return { x, y, width: Math.ceil(region.x + region.width) - x, height: Math.ceil(region.y + region.height) - y };
}
