import type { BannerStyle } from "./detection.ts";
import type { CellBox, Grid } from "./grid.ts";

/** From and to, both possible. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Where a kind of banner is, once it has slid in. All lengths are fractions of the screen's shorter side, which is the
 * width of the phone held upright: a banner is as large in points however the phone is held.
 */
interface BannerProfile {
  readonly name: string;
  readonly family: Exclude<BannerStyle, "any">;
  readonly isPortrait: boolean;
  readonly width: Range;
  readonly top: Range;
  readonly height: Range;
}

/** Every look that is known. */
const BANNER_PROFILES: readonly BannerProfile[] = [
  {
    name: "ios-island",
    family: "ios",
    isPortrait: true,
    width: { from: 0.3, to: 1 },
    top: { from: 0.01, to: 0.05 },
    height: { from: 0.08, to: 0.24 },
  },
  {
    name: "ios-compact",
    family: "ios",
    isPortrait: true,
    width: { from: 0.88, to: 0.98 },
    top: { from: 0, to: 0.17 },
    height: { from: 0.12, to: 0.26 },
  },
  {
    name: "ios-large",
    family: "ios",
    isPortrait: true,
    width: { from: 0.88, to: 0.98 },
    top: { from: 0, to: 0.17 },
    height: { from: 0.26, to: 0.8 },
  },
  {
    name: "android-heads-up",
    family: "android",
    isPortrait: true,
    width: { from: 0.85, to: 1 },
    top: { from: 0, to: 0.17 },
    height: { from: 0.14, to: 0.7 },
  },
  {
    name: "ios-landscape",
    family: "ios",
    isPortrait: false,
    width: { from: 0.75, to: 1.7 },
    top: { from: 0, to: 0.14 },
    height: { from: 0.12, to: 0.5 },
  },
  {
    name: "android-landscape",
    family: "android",
    isPortrait: false,
    width: { from: 0.75, to: 2.3 },
    top: { from: 0, to: 0.14 },
    height: { from: 0.12, to: 0.55 },
  },
];

/** What a banner of the style may be off its profiles, in shorter sides, one that slides in included. */
const STYLE_SLACK = 0.35;

/**
 * The profile of the style that a box fits best.
 *
 * @returns `undefined` if it fits none: then it is no banner of that style. `any` always has one.
 */
export function profileOf(style: BannerStyle, box: CellBox, { unit, isPortrait }: Grid): string | undefined {
  const width = (box.right - box.left) / unit;
  const height = (box.bottom - box.top) / unit;
  let name: string | undefined;
  let least = style === "any" ? Number.POSITIVE_INFINITY : STYLE_SLACK;
  for (const profile of BANNER_PROFILES) {
    if (profile.isPortrait !== isPortrait || (style !== "any" && profile.family !== style)) continue;
    const missed = missOf(profile.width, width) + missOf(profile.top, box.top / unit) + missOf(profile.height, height);
    if (missed >= least) continue;
    least = missed;
    name = profile.name;
  }
  return name;
}

/** Where a card may be when it is first taken for a banner, in shorter sides: small while it grows or comes. */
const BEGINNING = {
  /** How far its middle may be from the screen's. */
  aside: 0.07,
  asideUnsure: 0.12,
  topTo: 0.27,
  narrowFrom: 0.26,
  /** Upright, only what grows out of the island is narrow, and that is at the very top. */
  uprightFrom: 0.8,
  islandTo: 0.09,
  widthTo: 1.6,
} as const;

/**
 * Whether a box can be a banner that begins: in the middle, at the top, and as wide as one.
 *
 * @param isUnsure Whether it need not be in the middle: it is not known well yet where it is.
 */
export function canBegin(
  { left, top, right }: CellBox,
  { screen, cellSize, unit, isPortrait }: Grid,
  isUnsure: boolean,
): boolean {
  const width = (right - left) / unit;
  const aside = Math.abs((left + right) / 2 - screen.width / cellSize / 2) / unit;
  const isNarrow = isPortrait && top / unit > BEGINNING.islandTo;
  return (
    aside <= (isUnsure ? BEGINNING.asideUnsure : BEGINNING.aside) &&
    top / unit <= BEGINNING.topTo &&
    width >= (isNarrow ? BEGINNING.uprightFrom : BEGINNING.narrowFrom) &&
    width <= BEGINNING.widthTo
  );
}

function missOf({ from, to }: Range, value: number): number {
  return Math.max(0, from - value, value - to);
}
