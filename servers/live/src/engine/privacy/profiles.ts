import type { BannerStyle } from "./detection.ts";

/** From and to, both possible. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Where a kind of banner is, once it has slid in. All lengths are fractions of the picture's shorter side, which is the
 * width of the phone's screen held upright: a banner is as large in points however the phone is held.
 */
export interface BannerProfile {
  readonly name: string;
  readonly family: Exclude<BannerStyle, "any">;
  readonly isPortrait: boolean;
  /** From the picture's left edge to the card's; the same on the right. Only for portrait. */
  readonly sideMargin?: Range;
  /** Of the card, which is centred. Only for landscape. */
  readonly width?: Range;
  readonly top: Range;
  readonly height: Range;
}

/** Every look that is known. The first whose ranges hold a card's rectangle names it. */
const BANNER_PROFILES: readonly BannerProfile[] = [
  {
    name: "ios-compact",
    family: "ios",
    isPortrait: true,
    sideMargin: { from: 0.012, to: 0.06 },
    top: { from: 0, to: 0.17 },
    height: { from: 0.12, to: 0.26 },
  },
  {
    name: "ios-large",
    family: "ios",
    isPortrait: true,
    sideMargin: { from: 0.012, to: 0.06 },
    top: { from: 0, to: 0.17 },
    height: { from: 0.26, to: 0.8 },
  },
  {
    name: "android-heads-up",
    family: "android",
    isPortrait: true,
    sideMargin: { from: 0, to: 0.075 },
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

/** What all profiles that apply allow, for the search. */
export interface SearchLimits {
  /** Samples from the picture's side to the card's. */
  readonly leftFrom: number;
  readonly leftTo: number;
  /** Samples. */
  readonly topTo: number;
  readonly heightFrom: number;
  readonly heightTo: number;
}

/** Profiles for a style and a way of holding the phone. */
export function profilesFor(style: BannerStyle, isPortrait: boolean): readonly BannerProfile[] {
  return BANNER_PROFILES.filter(
    (profile) => profile.isPortrait === isPortrait && (style === "any" || profile.family === style),
  );
}

/**
 * What to search in a small picture.
 *
 * @param unit The picture's shorter side, in samples of the small picture.
 * @param width Of the small picture.
 */
export function searchLimits(profiles: readonly BannerProfile[], unit: number, width: number): SearchLimits {
  let leftFrom = width / 2;
  let leftTo = 0;
  let topTo = 0;
  let heightFrom = unit;
  let heightTo = 0;
  for (const profile of profiles) {
    const { from, to } = leftRange(profile, unit, width);
    leftFrom = Math.min(leftFrom, from);
    leftTo = Math.max(leftTo, to);
    topTo = Math.max(topTo, profile.top.to * unit);
    heightFrom = Math.min(heightFrom, profile.height.from * unit);
    heightTo = Math.max(heightTo, profile.height.to * unit);
  }
  return {
    leftFrom: Math.max(1, Math.floor(leftFrom)),
    leftTo: Math.min(Math.ceil(leftTo), Math.floor(width / 2) - 8),
    topTo: Math.ceil(topTo),
    heightFrom: Math.floor(heightFrom),
    heightTo: Math.ceil(heightTo),
  };
}

/** The profile that a rectangle of the small picture fits best, or the nearest by its left side. */
export function nameOf(
  profiles: readonly BannerProfile[],
  rectangle: { readonly left: number; readonly top: number; readonly bottom: number },
  unit: number,
  width: number,
): string {
  const height = rectangle.bottom - rectangle.top;
  let name = profiles[0]?.name ?? "any";
  let bestMiss = Number.POSITIVE_INFINITY;
  for (const profile of profiles) {
    const missed =
      missOf(leftRange(profile, unit, width), rectangle.left) +
      missOf({ from: profile.top.from * unit, to: profile.top.to * unit }, rectangle.top) +
      missOf({ from: profile.height.from * unit, to: profile.height.to * unit }, height);
    if (missed < bestMiss) {
      bestMiss = missed;
      name = profile.name;
    }
  }
  return name;
}

function missOf({ from, to }: Range, value: number): number {
  return Math.max(0, from - value, value - to);
}

function leftRange(profile: BannerProfile, unit: number, width: number): Range {
  if (profile.sideMargin) return { from: profile.sideMargin.from * unit, to: profile.sideMargin.to * unit };
  const cardWidth = profile.width ?? { from: 1, to: 1 };
  return { from: (width - cardWidth.to * unit) / 2, to: (width - cardWidth.from * unit) / 2 };
}
