// Looks of banners that no maker has yet: what the networks must not be surprised by.
import type { Random } from "@kagami/clock";
import { BANNER_STYLES, type BannerStyle, type Motion } from "../corpus/index.ts";

/** Of four looks one is a maker's own, one differs from it a little, and two a lot. */
export function varyStyle(random: Random, style: BannerStyle): BannerStyle {
  if (random.chance(0.25)) return style;
  if (style.layout === "island") return random.chance(0.5) ? style : varyGround(random, style);
  return random.chance(0.33) ? varyGround(random, style) : varyAll(random, style);
}

/** Another ground, corner or shadow, such as the maker might choose next. */
function varyGround(random: Random, style: BannerStyle): BannerStyle {
  const isDark = style.ink.startsWith("#fff") || style.ink.startsWith("#e6");
  const [from, to] = isDark ? [0, 80] : [205, 255];
  return { ...style, ...groundOf(random, random.int(from, to), 22), shadow: shadowOf(random, style.shadow) };
}

/** Any ground with an ink that can be read on it, sizes beyond those of today, and another arrangement. */
function varyAll(random: Random, style: BannerStyle): BannerStyle {
  const light = random.pick([random.int(0, 70), random.int(60, 150), random.int(150, 215), random.int(215, 255)]);
  const isDark = light < 128;
  const ink = isDark
    ? random.pick(["#fff", "#fff", "#e8e4f0", "#ffe9b0"])
    : random.pick(["#000", "#000", "#1d1b20", "#20304a"]);
  const corner = random.pick([0, 4, 10, 16, 22, 28, 36]) + random.float() * 4;
  const margin = random.pick([3, 6, 9, 12]);
  const size = 12 + random.float() * 7;
  const { layout } = style;
  return {
    ...style,
    ...groundOf(random, light, random.pick([0, 10, 30, 60])),
    layout: layout.endsWith("call") ? layout : random.pick(["ios", "android", "one-ui", "side-icon"]),
    ink,
    faint: isDark ? "rgba(235,235,245,.66)" : "rgba(40,40,50,.7)",
    shadow: shadowOf(random, style.shadow),
    border: random.pick([
      "none",
      "none",
      "0.5px solid rgba(128,128,128,.45)",
      "1px solid rgba(255,255,255,.5)",
      "1px solid #0003",
    ]),
    corner: [corner, corner + 2],
    margin: [margin, margin + 4],
    inset: random.pick([
      [0, 8],
      [6, 30],
      [28, 62],
    ] as const),
    padding: random.pick([
      [7, 10],
      [10, 14],
      [14, 22],
    ] as const),
    icon: random.pick([
      [14, 22],
      [24, 34],
      [34, 44],
      [44, 58],
    ] as const),
    iconCorner: random.pick([0, 0.12, 0.23, 0.32, 0.5]),
    titleSize: [size, size + 1],
    bodySize: [size - 1, size + 1],
    css: arrangement(random),
    enter: [...style.enter, random.pick<Motion>(["spring", "slide", "slide-fade", "scale-fade", "fade"])],
  };
}

function groundOf(random: Random, light: number, tint: number): Pick<BannerStyle, "background" | "glass"> {
  const shade = (around: number): number => Math.max(0, Math.min(255, around + random.int(-tint, tint)));
  const alpha = random.pick([
    1,
    1,
    0.9 + random.float() * 0.1,
    0.7 + random.float() * 0.2,
    0.42 + random.float() * 0.3,
  ]);
  const rgba = (around: number): string =>
    `rgba(${shade(around)},${shade(around)},${shade(around)},${alpha.toFixed(2)})`;
  const isGraded = random.chance(0.2);
  return {
    background: isGraded
      ? `linear-gradient(${random.int(0, 359)}deg,${rgba(light)},${rgba(light + random.int(-30, 30))})`
      : rgba(light),
    ...(alpha < 0.97 && {
      glass: random.pick([
        [4, 9],
        [8, 16],
        [16, 28],
      ] as const),
    }),
  };
}

const shadowOf = (random: Random, own: string): string =>
  random.pick([
    own,
    "none",
    "none",
    "0 2px 6px rgba(0,0,0,.2)",
    "0 6px 24px rgba(0,0,0,.3)",
    "0 1px 2px rgba(0,0,0,.5)",
  ]);

/** Icon on either side, high or in the middle, or none; letters wide, thin or in capitals. */
const arrangement = (random: Random): string =>
  [
    random.pick(["", "", "", "#b>.row{flex-direction:row-reverse}", "#b>.row>div:first-child{display:none}"]),
    random.pick(["", "", ".row{align-items:flex-start}", `.row{gap:${random.int(4, 18)}px}`]),
    random.pick([
      "",
      "",
      "",
      "#b{letter-spacing:.6px}",
      "#b{text-transform:uppercase}",
      "#b *{font-weight:300}",
      "#b *{font-weight:700}",
    ]),
    random.pick([
      "",
      "",
      `#b{line-height:${(1.1 + random.float() * 0.5).toFixed(2)}}`,
      `#b{padding-bottom:${random.int(16, 40)}px}`,
    ]),
  ].join("");

const styleOf = (id: string): BannerStyle => BANNER_STYLES.find((style) => style.id === id) as BannerStyle;

/** Styles of the development set that learning never sees as they are. */
export const DEVELOPMENT_STYLES: readonly BannerStyle[] = [
  {
    ...styleOf("ios-18-light"),
    id: "development-clear",
    background: "rgba(230,240,255,.5)",
    ink: "#0a1a30",
    corner: [27, 31],
    glass: [5, 12],
    shadow: "0 4px 18px rgba(0,0,0,.18),inset 0 0 0 1px rgba(255,255,255,.4)",
  },
  {
    ...styleOf("samsung-dark"),
    id: "development-slate",
    background: "rgba(52,60,72,.94)",
    icon: [26, 30],
    iconCorner: 0.18,
    corner: [12, 16],
    margin: [4, 7],
    glass: [10, 18],
    enter: ["slide", "fade"],
  },
  {
    ...styleOf("oppo-light"),
    id: "development-paper",
    background: "#f2efe6",
    icon: [28, 32],
    corner: [20, 26],
    border: "1px solid #d8d2c2",
    shadow: "none",
  },
];
