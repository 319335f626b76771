import type { Random } from "@kagami/clock";
import type { BannerStyle, Range } from "./banner-styles.ts";
import type { Words } from "./texts.ts";

/** What a banner says and in which form. */
export interface BannerContent {
  readonly words: Words;
  readonly font: string;
  /** Of the banner, in points. */
  readonly width: number;
  readonly isExpanded: boolean;
}

export interface BannerCard {
  readonly html: string;
  /** In points. */
  readonly corner: number;
}

export const within = (random: Random, [min, max]: Range): number => min + random.float() * (max - min);

/** A banner's document; random chooses text, icon, picture, buttons and sizes within the style's limits. */
export function bannerCard(style: BannerStyle, content: BannerContent, random: Random): BannerCard {
  const corner = within(random, style.corner);
  const body = LAYOUTS[style.layout](style, content, random);
  const { words, font, width } = content;
  const direction = words.isRightToLeft ? "rtl" : "ltr";
  const stack = style.layout === "ios" && random.chance(0.15) ? stackBehind(style) : "";
  const html = `<style>#b{position:absolute;left:0;top:0;width:${width}px;border-radius:${corner.toFixed(1)}px;
    background:${style.background};color:${style.ink};box-shadow:${stack}${style.shadow};border:${style.border ?? "none"};
    padding:${within(random, style.padding).toFixed(1)}px;font-family:"${font}","Droid Sans Fallback","DejaVu Sans";
    direction:${direction};line-height:1.28}
    .row{display:flex;align-items:center;gap:10px}.grow{flex:1;min-width:0}
    .one{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
    .pill{border-radius:30px;text-align:center;padding:9px 0;flex:1}${style.css ?? ""}</style><div id=b>${body}</div>`;
  return { html, corner };
}

type Layout = (style: BannerStyle, content: BannerContent, random: Random) => string;

const LAYOUTS: Record<BannerStyle["layout"], Layout> = {
  ios: iosLayout,
  "ios-call": callLayout,
  island: islandLayout,
  android: androidLayout,
  "one-ui": oneUiLayout,
  "side-icon": sideIconLayout,
  "android-call": androidCallLayout,
};

function iosLayout(style: BannerStyle, content: BannerContent, random: Random): string {
  const { words } = content;
  const title = text(random.pick(words.titles), within(random, style.titleSize), 600);
  const time = text(random.pick(words.times), 13, 400, style.faint, "flex:none");
  const subtitle = random.chance(0.2) ? text(random.pick(words.apps), within(random, style.bodySize), 600) : "";
  const lines = content.isExpanded ? 8 : random.int(1, 4);
  const body = bodyText(style, content, random, lines);
  const thumb = random.chance(0.2) ? picture(random, 38, 6) : "";
  const large = content.isExpanded
    ? `<div style="margin-top:10px">${picture(random, content.width - 30, 10, 0.5)}</div>`
    : "";
  return `<div class=row>${icon(style, random)}<div class=grow><div class=row><div class=grow>${title}</div>${time}</div>
    ${subtitle}${body}</div>${thumb}</div>${large}`;
}

function callLayout(style: BannerStyle, { words }: BannerContent, random: Random): string {
  const sub = text(random.pick(words.apps), within(random, style.bodySize), 400, style.faint);
  const name = text(random.pick(words.titles), within(random, style.titleSize), 600);
  const lines = random.chance(0.5) ? sub + name : name + sub;
  return `<div class=row>${icon(style, random)}<div class=grow>${lines}</div>${round("#ff3b30", 135)}${round("#34c759", 0)}</div>`;
}

function islandLayout(style: BannerStyle, content: BannerContent, random: Random): string {
  return callLayout(style, content, random);
}

function androidLayout(style: BannerStyle, content: BannerContent, random: Random): string {
  const { words } = content;
  const separator = random.pick([" • ", " · ", "  "]);
  const header = text(random.pick(words.apps) + separator + random.pick(words.times), 12, 400, style.faint);
  const title = text(random.pick(words.titles), within(random, style.titleSize), random.pick([500, 700]));
  const body = bodyText(style, content, random, content.isExpanded ? 6 : random.int(1, 2));
  const large = random.chance(0.35) ? picture(random, 40, random.pick([20, 8])) : "";
  const chevron = `<svg width=14 height=14 viewBox="0 0 14 14"><path d="M2 5l5 5 5-5" fill=none stroke="${style.faint}" stroke-width=1.6 /></svg>`;
  return `<div class=row>${icon(style, random)}<div class=grow>${header}</div>${chevron}</div>
    <div class=row style="margin-top:6px"><div class=grow>${title}${body}</div>${large}</div>${actions(style, content, random)}`;
}

function oneUiLayout(style: BannerStyle, content: BannerContent, random: Random): string {
  const { words } = content;
  const title = text(random.pick(words.titles), within(random, style.titleSize), 700);
  const time = text(random.pick(words.times), 11.5, 400, style.faint, "flex:none");
  const body = bodyText(style, content, random, content.isExpanded ? 6 : random.int(1, 2));
  const top = random.chance(0.4) ? text(random.pick(words.apps), 11.5, 400, style.faint) : "";
  return `<div class=row style="align-items:flex-start">${icon(style, random)}<div class=grow>${top}
    <div class=row><div class=grow>${title}</div>${time}</div>${body}</div></div>${actions(style, content, random)}`;
}

function sideIconLayout(style: BannerStyle, content: BannerContent, random: Random): string {
  const { words } = content;
  const title = text(random.pick(words.titles), within(random, style.titleSize), 700);
  const body = bodyText(style, content, random, content.isExpanded ? 5 : random.int(1, 2));
  const right = random.chance(0.5)
    ? text(random.pick(words.times), 12, 400, style.faint, "flex:none")
    : random.chance(0.5)
      ? picture(random, 40, 8)
      : `<div style="width:24px;height:4px;border-radius:2px;background:${style.faint};flex:none"></div>`;
  return `<div class=row>${icon(style, random)}<div class=grow>${title}${body}</div>${right}</div>${actions(style, content, random, 0.2)}`;
}

function androidCallLayout(style: BannerStyle, { words }: BannerContent, random: Random): string {
  const name = text(random.pick(words.titles), within(random, style.titleSize), 600);
  const sub = text(
    `${random.pick(words.apps)} · ${random.pick(words.times)}`,
    within(random, style.bodySize),
    400,
    style.faint,
  );
  const pill = (colour: string, word: string): string =>
    `<div class=pill style="background:${colour};color:#fff">${text(word, 14, 600)}</div>`;
  return `<div class=row>${icon(style, random)}<div class=grow>${name}${sub}</div></div>
    <div class=row style="margin-top:12px">${pill("#c5221f", random.pick(words.times))}${pill("#188038", random.pick(words.apps))}</div>`;
}

function actions(style: BannerStyle, { words }: BannerContent, random: Random, probability = 0.4): string {
  if (!random.chance(probability)) return "";
  const labels = random.shuffle(words.apps).slice(0, random.int(1, 3));
  if (random.chance(0.3)) {
    const field = text(random.pick(words.bodies), 13, 400, style.faint);
    return `<div class=row style="margin-top:10px;border:1px solid ${style.faint};border-radius:20px;padding:7px 14px"><div class=grow>${field}</div></div>`;
  }
  const cells = labels.map((label) => `<div>${text(label, 13.5, 600, style.accent)}</div>`);
  return `<div class=row style="margin-top:12px;gap:28px">${cells.join("")}</div>`;
}

function bodyText(style: BannerStyle, { words }: BannerContent, random: Random, lines: number): string {
  const size = within(random, style.bodySize);
  const words1 = random.pick(words.bodies);
  const long = lines > 2 ? `${words1} ${random.pick(words.bodies)} ${random.pick(words.bodies)}` : words1;
  const clamp = `display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:${lines};overflow:hidden`;
  const colour = style.family === "android" ? style.faint : style.ink;
  return `<div data-t style="font-size:${size.toFixed(2)}px;color:${colour};${clamp}">${escapeHtml(long)}</div>`;
}

function text(content: string, size: number, weight: number, colour = "inherit", more = ""): string {
  return `<div data-t class=one style="font-size:${size.toFixed(2)}px;font-weight:${weight};color:${colour};${more}">${escapeHtml(content)}</div>`;
}

export function escapeHtml(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function icon(style: BannerStyle, random: Random): string {
  const size = within(random, style.icon);
  const hue = random.int(0, 359);
  const shapes = [
    `<path d="M6 8h12a3 3 0 0 1 3 3v5a3 3 0 0 1-3 3h-6l-5 4v-4H6a3 3 0 0 1-3-3v-5a3 3 0 0 1 3-3z" fill="#fff"/>`,
    `<rect x=4 y=7 width=16 height=11 rx=2 fill="#fff"/><path d="M4 8l8 6 8-6" stroke="hsl(${hue} 70% 50%)" fill=none stroke-width=1.6 />`,
    `<circle cx=12 cy=9 r=4.2 fill="#fff"/><path d="M4 21a8 7 0 0 1 16 0z" fill="#fff"/>`,
    `<path d="M12 3l2.6 6 6.4.6-4.800 4.300 1.400 6.300L12 17l-5.600 3.200 1.400-6.300L3 9.600 9.400 9z" fill="#fff"/>`,
    `<rect x=5 y=5 width=14 height=14 rx=2 fill="#fff"/><rect x=5 y=5 width=14 height=4 fill="#e33"/>`,
  ];
  const gradient = random.chance(0.15)
    ? "#fff"
    : `linear-gradient(${random.int(90, 200)}deg,hsl(${hue} 80% 62%),hsl(${(hue + 40) % 360} 80% 42%))`;
  return `<div style="width:${size.toFixed(1)}px;height:${size.toFixed(1)}px;flex:none;border-radius:${(size * style.iconCorner).toFixed(1)}px;background:${gradient}">
    <svg width="100%" height="100%" viewBox="0 0 24 24">${random.pick(shapes)}</svg></div>`;
}

function picture(random: Random, size: number, corner: number, aspect = 1): string {
  const hue = random.int(0, 359);
  return `<div style="flex:none;width:${size}px;height:${Math.round(size * aspect)}px;border-radius:${corner}px;background:
    radial-gradient(circle at ${random.int(20, 80)}% ${random.int(20, 80)}%,hsl(${hue} 70% 70%),transparent 45%),
    linear-gradient(${random.int(0, 180)}deg,hsl(${(hue + 120) % 360} 60% 40%),hsl(${(hue + 200) % 360} 50% 70%))"></div>`;
}

function round(colour: string, turn: number): string {
  return `<div style="flex:none;width:44px;height:44px;border-radius:22px;background:${colour}"><svg width=44 height=44 viewBox="0 0 44 44">
    <path transform="rotate(${turn} 22 22)" d="M14 15c0 8 7 15 15 15l2-4-5-3-2 2c-3-1-5-3-6-6l2-2-3-5z" fill="#fff"/></svg></div>`;
}

/** Two edges of older notifications below the newest, as shadows of a smaller box. */
function stackBehind(style: BannerStyle): string {
  return `0 15px 0 -8px ${style.background},0 27px 0 -18px ${style.background},`;
}
