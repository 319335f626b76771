import type { YuvFrame } from "@kagami/kernels";
import { drawText, fillRect } from "./bitmap-font.ts";

/** How long a test banner slides, stays, and slides out again, in microseconds. */
const SLIDE_US = 450_000;
const STAY_US = 3_500_000;

const TEXT_LINES = ["MESSAGES", "TEST BANNER: THIS TEXT MUST NOT BE READ", "SEEN IN THE PREVIEW ONLY"];
const CARD = { y: 242, u: 128, v: 128 };
const ICON = { y: 150, u: 60, v: 70 };
const INK = 40;

/**
 * Draws a banner as a phone shows it, sliding in from above and out again, onto a picture.
 *
 * @param sinceUs Time since the test began.
 */
export function drawTestBanner(frame: YuvFrame, sinceUs: number): void {
  const { width, height } = frame.y;
  const side = Math.min(width, height);
  const cardWidth = Math.round(Math.min(width * 0.96, side * 0.98));
  const cardHeight = Math.round(side * 0.19);
  const left = Math.round((width - cardWidth) / 2);
  const restTop = Math.round(side * 0.03);
  const shown = visibleShare(sinceUs);
  if (shown <= 0) return;
  const top = Math.round(restTop - (1 - shown) * (cardHeight + restTop));

  fillRounded(frame, left, top, cardWidth, cardHeight, Math.round(cardHeight * 0.22), CARD);
  const pad = Math.round(cardHeight * 0.2);
  const icon = cardHeight - 2 * pad;
  fillRounded(frame, left + pad, top + pad, icon, icon, Math.round(icon * 0.2), ICON);
  const dot = Math.max(1, Math.round(side / 360));
  const textLeft = left + 2 * pad + icon;
  for (const [i, line] of TEXT_LINES.entries()) {
    drawText(frame.y, line, textLeft, top + pad + Math.round((i * icon) / TEXT_LINES.length), dot, INK);
  }
}

function visibleShare(sinceUs: number): number {
  if (sinceUs < 0) return 0;
  const leaving = sinceUs - SLIDE_US - STAY_US;
  const progress = leaving > 0 ? 1 - leaving / SLIDE_US : sinceUs / SLIDE_US;
  const linear = Math.min(1, Math.max(0, progress));
  // It comes fast and settles, as the phones' own curve does.
  return 1 - (1 - linear) ** 3;
}

interface Colour {
  readonly y: number;
  readonly u: number;
  readonly v: number;
}

function fillRounded(
  frame: YuvFrame,
  left: number,
  top: number,
  width: number,
  height: number,
  radius: number,
  colour: Colour,
): void {
  for (let row = 0; row < height; row++) {
    const fromEdge = Math.min(row, height - 1 - row);
    const missing = radius - fromEdge;
    const inset = missing > 0 ? radius - Math.sqrt(Math.max(0, radius ** 2 - missing ** 2)) : 0;
    const start = left + inset;
    const length = width - 2 * inset;
    fillRect(frame.y, start, top + row, length, 1, colour.y);
    if (((top + row) & 1) !== 0) continue;
    fillRect(frame.u, start / 2, (top + row) / 2, length / 2, 1, colour.u);
    fillRect(frame.v, start / 2, (top + row) / 2, length / 2, 1, colour.v);
  }
}
