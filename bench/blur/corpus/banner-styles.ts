import type { Motion } from "./spec.ts";

export type Range = readonly [min: number, max: number];

/** How the banners of one maker and version look and move. Lengths are points (iOS) or dp (Android). */
export interface BannerStyle {
  readonly id: string;
  readonly family: "ios" | "android";
  readonly layout: "ios" | "ios-call" | "island" | "android" | "one-ui" | "side-icon" | "android-call";
  /** `test` styles appear in the test set only. */
  readonly sets: "both" | "test";
  readonly margin: Range;
  /** From the top of the screen, upright and on its side. */
  readonly inset: Range;
  readonly landscapeInset: Range;
  readonly landscapeWidth: Range;
  readonly corner: Range;
  readonly padding: Range;
  readonly background: string;
  readonly ink: string;
  readonly faint: string;
  readonly accent: string;
  readonly shadow: string;
  readonly border?: string;
  /** More rules for its document. */
  readonly css?: string;
  /** Radius of the blur behind it. */
  readonly glass?: Range;
  readonly icon: Range;
  readonly iconCorner: number;
  readonly titleSize: Range;
  readonly bodySize: Range;
  readonly enter: readonly Motion[];
  readonly leave: readonly Motion[];
  readonly inSec: Range;
  readonly outSec: Range;
}

const IOS: Omit<BannerStyle, "id" | "background"> = {
  family: "ios",
  layout: "ios",
  sets: "both",
  margin: [7, 10],
  inset: [6, 59],
  landscapeInset: [5, 16],
  landscapeWidth: [360, 420],
  corner: [20, 24],
  padding: [11, 14],
  ink: "#000",
  faint: "rgba(60,60,67,.62)",
  accent: "#0a84ff",
  shadow: "0 8px 26px rgba(0,0,0,.16)",
  glass: [18, 26],
  icon: [36, 40],
  iconCorner: 0.23,
  titleSize: [14.5, 15.5],
  bodySize: [14.5, 15.5],
  enter: ["spring"],
  leave: ["spring", "slide"],
  inSec: [0.4, 0.65],
  outSec: [0.25, 0.45],
};

const DARK = { ink: "#fff", faint: "rgba(235,235,245,.6)" } as const;

const ANDROID: Omit<BannerStyle, "id" | "background"> = {
  family: "android",
  layout: "android",
  sets: "both",
  margin: [8, 16],
  inset: [6, 34],
  landscapeInset: [4, 26],
  landscapeWidth: [380, 520],
  corner: [24, 28],
  padding: [14, 18],
  ink: "#1d1b20",
  faint: "#5c5963",
  accent: "#0b57d0",
  shadow: "0 3px 8px rgba(0,0,0,.26)",
  icon: [18, 24],
  iconCorner: 0.5,
  titleSize: [14, 14.5],
  bodySize: [13.5, 14.5],
  enter: ["slide-fade", "slide"],
  leave: ["slide-fade", "fade", "slide"],
  inSec: [0.22, 0.42],
  outSec: [0.18, 0.35],
};

const ANDROID_DARK = { ink: "#e6e1e5", faint: "#b5b0ba", accent: "#a8c7fa" } as const;

const CALL = { titleSize: [16, 18], bodySize: [13, 15], icon: [44, 52], iconCorner: 0.5 } as const;

const ISLAND: Omit<BannerStyle, "id"> = {
  ...IOS,
  ...DARK,
  ...CALL,
  layout: "island",
  background: "#000",
  inset: [10, 13],
  margin: [9, 12],
  corner: [38, 44],
  padding: [16, 20],
  shadow: "0 4px 16px rgba(0,0,0,.3)",
  enter: ["island"],
  leave: ["island"],
  inSec: [0.45, 0.7],
  outSec: [0.3, 0.45],
};

const GLASS_RIM =
  "inset 0 1px 1px rgba(255,255,255,.65),inset 0 -1px 1px rgba(255,255,255,.3),inset 0 0 14px rgba(255,255,255,.22)";

/** All that is known of banners, as data. */
export const BANNER_STYLES: readonly BannerStyle[] = [
  { ...IOS, id: "ios-15-light", background: "rgba(244,244,246,.84)", corner: [18, 22], inset: [6, 50] },
  { ...IOS, ...DARK, id: "ios-15-dark", background: "rgba(36,36,38,.82)", corner: [18, 22], inset: [6, 50] },
  { ...IOS, id: "ios-16-light", background: "rgba(247,247,248,.78)" },
  { ...IOS, ...DARK, id: "ios-16-dark", background: "rgba(38,38,40,.78)" },
  { ...IOS, id: "ios-17-light", background: "rgba(245,245,247,.74)", corner: [22, 25] },
  { ...IOS, ...DARK, id: "ios-17-dark", background: "rgba(28,28,30,.74)", corner: [22, 25] },
  { ...IOS, id: "ios-18-light", background: "rgba(242,242,245,.7)", corner: [23, 26] },
  { ...IOS, ...DARK, id: "ios-18-dark", background: "rgba(24,24,26,.68)", corner: [23, 26] },
  {
    ...IOS,
    id: "ios-26-light",
    background: "rgba(255,255,255,.46)",
    corner: [25, 30],
    padding: [13, 16],
    shadow: `0 6px 24px rgba(0,0,0,.14),${GLASS_RIM}`,
    glass: [8, 16],
  },
  {
    ...IOS,
    ...DARK,
    id: "ios-26-dark",
    background: "rgba(22,22,26,.48)",
    corner: [25, 30],
    padding: [13, 16],
    shadow: `0 6px 24px rgba(0,0,0,.22),inset 0 1px 1px rgba(255,255,255,.3),inset 0 0 12px rgba(255,255,255,.1)`,
    glass: [8, 16],
  },
  {
    ...IOS,
    ...CALL,
    ...DARK,
    id: "ios-call-dark",
    layout: "ios-call",
    background: "rgba(26,26,28,.88)",
    corner: [22, 42],
  },
  { ...IOS, ...CALL, id: "ios-call-light", layout: "ios-call", background: "rgba(246,246,248,.86)", corner: [22, 40] },
  { ...ISLAND, id: "ios-island" },
  { ...ANDROID, id: "android-11-light", background: "#fff", corner: [8, 14], margin: [4, 10] },
  { ...ANDROID, ...ANDROID_DARK, id: "android-11-dark", background: "#202124", corner: [8, 14], margin: [4, 10] },
  { ...ANDROID, id: "pixel-light", background: "#f3eef8" },
  { ...ANDROID, ...ANDROID_DARK, id: "pixel-dark", background: "#2b2930" },
  {
    ...ANDROID,
    id: "pixel-16-light",
    background: "rgba(240,240,250,.93)",
    corner: [26, 30],
    glass: [10, 20],
    enter: ["spring", "slide-fade"],
  },
  {
    ...ANDROID,
    ...ANDROID_DARK,
    id: "pixel-16-dark",
    background: "rgba(34,33,40,.93)",
    corner: [26, 30],
    glass: [10, 20],
    enter: ["spring", "slide-fade"],
  },
  {
    ...ANDROID,
    id: "samsung-light",
    layout: "one-ui",
    background: "#fcfcff",
    icon: [30, 36],
    margin: [8, 12],
    enter: ["scale-fade", "slide-fade"],
  },
  {
    ...ANDROID,
    ...ANDROID_DARK,
    id: "samsung-dark",
    layout: "one-ui",
    background: "#29292c",
    icon: [30, 36],
    margin: [8, 12],
    enter: ["scale-fade", "slide-fade"],
  },
  {
    ...ANDROID,
    id: "xiaomi-light",
    layout: "side-icon",
    background: "rgba(252,252,252,.95)",
    icon: [38, 44],
    iconCorner: 0.26,
    corner: [18, 24],
    glass: [14, 22],
    enter: ["spring", "slide"],
  },
  {
    ...ANDROID,
    ...ANDROID_DARK,
    id: "xiaomi-dark",
    layout: "side-icon",
    background: "rgba(36,36,36,.94)",
    icon: [38, 44],
    iconCorner: 0.26,
    corner: [18, 24],
    glass: [14, 22],
    enter: ["spring", "slide"],
  },
  {
    ...ANDROID,
    id: "oppo-light",
    layout: "side-icon",
    background: "#fafafa",
    icon: [34, 40],
    iconCorner: 0.3,
    corner: [16, 20],
    enter: ["slide", "scale-fade"],
  },
  {
    ...ANDROID,
    ...ANDROID_DARK,
    id: "oppo-dark",
    layout: "side-icon",
    background: "#262628",
    icon: [34, 40],
    iconCorner: 0.3,
    corner: [16, 20],
    enter: ["slide", "scale-fade"],
  },
  { ...ANDROID, ...CALL, id: "android-call-light", layout: "android-call", background: "#eef2fb" },
  { ...ANDROID, ...CALL, ...ANDROID_DARK, id: "android-call-dark", layout: "android-call", background: "#25272d" },
  {
    ...IOS,
    ...DARK,
    id: "ios-26-tinted",
    sets: "test",
    background: "rgba(40,70,120,.5)",
    corner: [24, 32],
    shadow: `0 5px 20px rgba(0,0,0,.2),${GLASS_RIM}`,
    glass: [6, 14],
  },
  {
    ...ANDROID,
    id: "vivo-light",
    sets: "test",
    layout: "side-icon",
    background: "rgba(250,251,255,.97)",
    icon: [32, 38],
    iconCorner: 0.28,
    corner: [22, 26],
    border: "0.5px solid #ddd",
  },
  {
    ...ANDROID,
    ...ANDROID_DARK,
    id: "huawei-dark",
    sets: "test",
    layout: "one-ui",
    background: "rgba(30,32,36,.92)",
    icon: [24, 28],
    corner: [16, 22],
    glass: [12, 20],
  },
];
