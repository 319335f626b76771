import type { Region } from "@kagami/kernels";
import type { Band } from "../../../servers/live/src/engine/privacy/band.ts";
import type { CardLabel } from "../corpus/index.ts";

/** Numbers before the features of an example: frame, class, whether text is readable, overlap. */
export const EXAMPLE_HEAD = 4;

/**
 * What a candidate is: `good` if hiding it with its margin hides a banner without much else, `part` if it is on a banner
 * but not so, `none` if it is elsewhere, `other` where nobody is to decide.
 */
export interface Judgement {
  readonly verdict: "good" | "part" | "none" | "other";
  readonly card: CardLabel | undefined;
  /** Shared area by that of both together. */
  readonly share: number;
}

/** How much of both a good candidate and its card share, and how little lets it be no part of it. */
const GOOD_SHARE = 0.75;
const PART_SHARE = 0.1;
/** Below this the card is as good as invisible. */
const FAINT = 0.35;
const MARGIN = 0.02;

export function judge(region: Region, cards: readonly CardLabel[], band: Band): Judgement {
  const margin = MARGIN * band.unit * band.factor;
  let best: Judgement = { verdict: "none", card: undefined, share: 0 };
  for (const card of cards) {
    if (card.kind === "distractor") continue;
    const shared = area(intersection(region, card.visible));
    const share = shared / (area(region) + area(card.visible) - shared);
    if (share <= best.share || share < PART_SHARE) continue;
    if (card.kind === "other" || card.opacity < FAINT) {
      best = { verdict: "other", card, share };
      continue;
    }
    const hidesText = !card.readable || contains(region, card.readable, margin);
    best = { verdict: share >= GOOD_SHARE && hidesText ? "good" : "part", card, share };
  }
  return best;
}

function contains(outer: Region, inner: Region, margin: number): boolean {
  return (
    outer.x - margin <= inner.x &&
    outer.y - margin <= inner.y &&
    outer.x + outer.width + margin >= inner.x + inner.width &&
    outer.y + outer.height + margin >= inner.y + inner.height
  );
}

function intersection(a: Region, b: Region): Region {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.max(0, Math.min(a.x + a.width, b.x + b.width) - x);
  const height = Math.max(0, Math.min(a.y + a.height, b.y + b.height) - y);
  return { x, y, width, height };
}

function area({ width, height }: Region): number {
  return width * height;
}
