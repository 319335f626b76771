// Cards that are no banners. Sizes are points; each has an element with the id `b`.
import type { Random } from "@kagami/clock";
import { escapeHtml } from "./banner-html.ts";
import type { EventSpec, Motion } from "./spec.ts";
import type { Words } from "./texts.ts";

export interface CardContext {
  readonly random: Random;
  /** Of the screen. */
  readonly width: number;
  readonly height: number;
  readonly words: Words;
  readonly font: string;
  readonly isDark: boolean;
}

/** A card that comes over a scene; lengths are points. */
export interface Distraction
  extends Pick<EventSpec, "kind" | "style" | "edge" | "enter" | "leave" | "leaveEdge" | "dim"> {
  readonly html: string;
  readonly inset: number;
  readonly shift: number;
  readonly hold: readonly [number, number];
  readonly glass?: { readonly radius: number; readonly corner: number };
}

/** Makes a card that is no banner. */
export type DistractionMaker = (context: CardContext) => Distraction;

export const colour = (random: Random, light: number): string =>
  `hsl(${random.int(0, 359)} ${random.int(30, 85)}% ${light}%)`;

export function card(context: CardContext, width: number, css: string, body: string): string {
  return `<style>#b{position:absolute;left:0;top:0;width:${width.toFixed(1)}px;font-family:"${context.font}","Droid Sans Fallback","DejaVu Sans";
    font-size:15px;line-height:1.3;${css}}</style><div id=b>${body}</div>`;
}

const line = (text: string, css = ""): string => `<div data-t style="${css}">${escapeHtml(text)}</div>`;

export const disc = (random: Random, size: number, corner: number): string =>
  `<div style="flex:none;width:${size}px;height:${size}px;border-radius:${corner}px;background:radial-gradient(circle at 35% 30%,#fff8,transparent 50%),${colour(random, 50)}"></div>`;

const base = { kind: "distractor", dim: 0, shift: 0, hold: [1.5, 4] } as const;

/** A reward or message of a game that drops in from above. */
const gameCard: DistractionMaker = (context) => {
  const { random, words } = context;
  const width = context.width * (0.42 + random.float() * 0.45);
  const ground = random.pick([
    colour(random, 30),
    `linear-gradient(${colour(random, 60)},${colour(random, 35)})`,
    "rgba(0,0,0,.7)",
    "#fff4d6",
  ]);
  const css = `padding:${random.int(8, 16)}px;border-radius:${random.pick([0, 6, 12, 20])}px;background:${ground};color:${ground === "#fff4d6" ? "#5a3a10" : "#fff"};
    border:${random.pick(["3px solid #ffcf40", "2px solid #fff", "none", "4px double #7a4a12"])};text-shadow:0 1px 2px #0006`;
  const body = `<div style="display:flex;gap:12px;align-items:center;justify-content:${random.pick(["center", "flex-start"])}">${disc(random, random.int(30, 52), random.pick([6, 30]))}
    <div>${line(random.pick(["Level 12 cleared!", "New record", "+250 coins", "Quest complete", "x3 combo", "Daily bonus"]), "font-weight:700;font-size:18px")}${random.chance(0.6) ? line(random.pick(words.titles)) : ""}</div></div>`;
  return {
    ...base,
    style: "game-card",
    html: card(context, width, css, body),
    edge: random.pick(["top", "top", "top", "left", "right"]),
    inset: random.int(10, 120),
    enter: random.pick<Motion>(["spring", "slide", "scale-fade", "slide-fade"]),
    leave: random.pick<Motion>(["slide", "fade", "scale-fade"]),
    leaveEdge: "top",
  };
};

const toast: DistractionMaker = (context) => {
  const { random, words } = context;
  const atTop = random.chance(0.3);
  const text = random.pick(words.bodies).slice(0, 34);
  const html = card(
    context,
    Math.min(context.width - 40, 26 + text.length * 11),
    "padding:11px 18px;border-radius:24px;background:rgba(40,40,44,.93);color:#fff;text-align:center",
    line(text),
  );
  return {
    ...base,
    style: "toast",
    html,
    edge: atTop ? "top" : "bottom",
    inset: random.int(60, 160),
    enter: "fade",
    leave: "fade",
    leaveEdge: "bottom",
  };
};

const snackbar: DistractionMaker = (context) => {
  const { random, words } = context;
  const html = card(
    context,
    context.width - 24,
    "padding:14px 16px;border-radius:6px;background:#323232;color:#fff;display:flex;justify-content:space-between",
    `${line(random.pick(words.bodies).slice(0, 30))}${line(random.pick(words.apps), "color:#8ab4f8")}`,
  );
  return {
    ...base,
    style: "snackbar",
    html,
    edge: "bottom",
    inset: random.int(12, 90),
    enter: "slide",
    leave: "slide",
    leaveEdge: "bottom",
  };
};

/** A white or dark header of an app that slides down over the full width. */
const header: DistractionMaker = (context) => {
  const { random, words, isDark } = context;
  const ground = isDark ? "#1c1c1e" : random.pick(["#fff", "#f7f7f7", "#fff", colour(random, 45)]);
  const html = card(
    context,
    context.width,
    `padding:${random.int(24, 54)}px 16px 12px;background:${ground};color:${isDark ? "#fff" : "#111"};display:flex;gap:14px;border-bottom:.5px solid #8886`,
    `${line("‹", "font-size:20px")}${line(random.pick(words.titles), "flex:1;font-weight:700;font-size:17px")}${disc(random, 26, 13)}`,
  );
  return {
    ...base,
    style: "header",
    html,
    edge: "top",
    inset: 0,
    enter: random.pick<Motion>(["slide", "cut", "fade"]),
    leave: random.pick<Motion>(["slide", "cut"]),
    leaveEdge: "top",
    hold: [2, 6],
  };
};

const dialog: DistractionMaker = (context) => {
  const { random, words, isDark } = context;
  const css = `padding:20px;border-radius:${random.pick([4, 14, 28])}px;background:${isDark ? "#2c2c2e" : "#fff"};color:${isDark ? "#fff" : "#111"};text-align:center;box-shadow:0 8px 30px #0005`;
  const html = card(
    context,
    Math.min(context.width * 0.78, 340),
    css,
    `${line(random.pick(words.titles), "font-weight:700;font-size:17px")}${line(random.pick(words.bodies), "margin:8px 0 16px")}<div style="display:flex;justify-content:space-around;color:#0a84ff">${line(random.pick(words.apps))}${line(random.pick(words.apps), "font-weight:700")}</div>`,
  );
  return {
    ...base,
    style: "dialog",
    html,
    edge: "centre",
    inset: random.int(-60, 40),
    enter: random.pick<Motion>(["scale-fade", "fade"]),
    leave: "fade",
    leaveEdge: "top",
    dim: 0.45,
  };
};

const keyboard: DistractionMaker = (context) => {
  const { random, width, isDark } = context;
  const key = isDark ? "#6b6b6e" : "#fff";
  const rows = ["qwertyuiop", "asdfghjkl", "zxcvbnm", " "].map(
    (keys) =>
      `<div style="display:flex;justify-content:center;gap:5px;margin:5px 3px">${[...keys].map((letter) => `<div style="width:${letter === " " ? width * 0.5 : width / 10 - 6}px;height:40px;border-radius:5px;background:${key};text-align:center;font-size:20px;padding-top:6px">${letter}</div>`).join("")}</div>`,
  );
  const html = card(
    context,
    width,
    `background:${isDark ? "#2b2b2d" : "#d1d4da"};color:${isDark ? "#fff" : "#111"};padding:6px 0 ${random.int(10, 50)}px`,
    rows.join(""),
  );
  return {
    ...base,
    style: "keyboard",
    html,
    edge: "bottom",
    inset: 0,
    enter: "slide",
    leave: "slide",
    leaveEdge: "bottom",
    hold: [2, 7],
  };
};

/** The pull-down menu of switches, over everything. */
const controlCentre: DistractionMaker = (context) => {
  const { random, width, height } = context;
  const tile = Math.min(width, height) / 5;
  const tiles = Array.from(
    { length: 16 },
    () =>
      `<div style="width:${tile}px;height:${tile * random.pick([1, 0.6])}px;border-radius:${tile * 0.3}px;background:${random.pick(["rgba(255,255,255,.2)", "rgba(255,255,255,.85)", "rgba(10,132,255,.9)", "rgba(0,0,0,.4)"])}"></div>`,
  );
  const html = card(
    context,
    width,
    `height:${height}px;background:rgba(20,20,24,.55);display:flex;flex-wrap:wrap;gap:14px;align-content:flex-start;justify-content:center;padding:60px 12px`,
    tiles.join(""),
  );
  return {
    ...base,
    style: "control-centre",
    html,
    edge: "top",
    inset: 0,
    enter: "slide",
    leave: "slide",
    leaveEdge: "top",
    glass: { radius: 30, corner: 0 },
  };
};

/** An advertisement within an app, at the top or bottom. */
const advert: DistractionMaker = (context) => {
  const { random, words } = context;
  const html = card(
    context,
    Math.min(context.width, 360),
    `height:${random.int(50, 64)}px;display:flex;gap:10px;align-items:center;padding:6px 10px;background:${random.pick(["#fff", "#eef", colour(random, 40)])};color:#222`,
    `${disc(random, 40, 6)}<div style="flex:1">${line(random.pick(words.apps), "font-weight:700")}${line(random.pick(words.bodies).slice(0, 28), "font-size:12px")}</div><div style="background:#1a73e8;color:#fff;padding:7px 12px;border-radius:4px">${random.pick(["GET", "OPEN", "PLAY"])}</div>`,
  );
  return {
    ...base,
    style: "advert",
    html,
    edge: random.pick(["top", "bottom"]),
    inset: random.pick([0, 0, 30]),
    enter: random.pick<Motion>(["cut", "slide"]),
    leave: "cut",
    leaveEdge: "top",
    hold: [3, 8],
  };
};

/** Large words over the middle. */
const levelUp: DistractionMaker = (context) => {
  const { random } = context;
  const html = card(
    context,
    context.width * 0.9,
    `text-align:center;font-size:${random.int(30, 54)}px;font-weight:800;color:${colour(random, 65)};text-shadow:0 3px 0 #000,0 0 14px #000;padding:14px;background:${random.pick(["transparent", "linear-gradient(90deg,transparent,#000a,transparent)"])}`,
    line(random.pick(["LEVEL UP!", "VICTORY", "ROUND 3", "FIGHT", "PERFECT"])),
  );
  return {
    ...base,
    style: "level-up",
    html,
    edge: random.pick(["centre", "top"]),
    inset: random.int(20, 120),
    enter: random.pick<Motion>(["scale-fade", "spring"]),
    leave: "fade",
    leaveEdge: "top",
    hold: [0.8, 2],
  };
};

/** A menu of an app, from below. */
const sheet: DistractionMaker = (context) => {
  const { random, words, isDark } = context;
  const rows = Array.from({ length: random.int(3, 7) }, () =>
    line(random.pick(words.bodies).slice(0, 30), "padding:13px 18px;border-bottom:.5px solid #8884"),
  );
  const html = card(
    context,
    context.width,
    `border-radius:20px 20px 0 0;background:${isDark ? "#1f1f22" : "#fff"};color:${isDark ? "#fff" : "#111"};padding:14px 0 30px`,
    rows.join(""),
  );
  return {
    ...base,
    style: "sheet",
    html,
    edge: "bottom",
    inset: 0,
    enter: "slide",
    leave: "slide",
    leaveEdge: "bottom",
    dim: 0.35,
  };
};

/** The game service's greeting: a narrow pill at the top that even a person may take for a notification. */
const greeting: DistractionMaker = (context) => {
  const { random, isDark } = context;
  const ground = isDark ? "rgba(40,40,42,.85)" : "rgba(245,245,247,.85)";
  const html = card(
    context,
    230,
    `display:flex;gap:10px;align-items:center;padding:8px 14px;border-radius:30px;background:${ground};color:${isDark ? "#fff" : "#111"};box-shadow:0 4px 14px #0004`,
    `${disc(random, 32, 16)}<div>${line("Welcome back", "font-weight:600;font-size:14px")}${line("Player One", "font-size:12px;opacity:.7")}</div>`,
  );
  return {
    ...base,
    kind: "other",
    style: "game-service",
    html,
    edge: "top",
    inset: random.int(8, 56),
    enter: "spring",
    leave: "slide",
    leaveEdge: "top",
    glass: { radius: 18, corner: 26 },
  };
};

/** A coloured bar with an error or "no connection", over the full width. */
const noticeBar: DistractionMaker = (context) => {
  const { random, words } = context;
  const html = card(
    context,
    context.width,
    `padding:${random.pick([8, 30])}px 14px 8px;background:${random.pick(["#d93025", "#188038", "#f29900", "#222"])};color:#fff;text-align:center;font-size:13px`,
    line(random.pick(words.bodies).slice(0, 40)),
  );
  return {
    ...base,
    style: "notice-bar",
    html,
    edge: "top",
    inset: random.pick([0, 24, 50]),
    enter: "slide",
    leave: "slide",
    leaveEdge: "top",
  };
};

/** Another app's video in a corner. */
const pictureInPicture: DistractionMaker = (context) => {
  const { random } = context;
  const width = context.width * (0.4 + random.float() * 0.2);
  const ground = `linear-gradient(${random.int(0, 180)}deg,${colour(random, 30)},${colour(random, 60)})`;
  const css = `height:${(width * 0.56).toFixed(1)}px;border-radius:12px;background:${ground};box-shadow:0 4px 16px #0006`;
  const side = (context.width - width) / 2 - 12;
  return {
    ...base,
    style: "picture-in-picture",
    html: card(context, width, css, ""),
    edge: "top",
    inset: random.int(20, 110),
    shift: random.pick([side, -side]),
    enter: random.pick<Motion>(["scale-fade", "fade", "slide"]),
    leave: "fade",
    leaveEdge: "top",
    hold: [2, 6],
  };
};

/** The system's own bar for the volume or a mode, without words of anybody. */
const systemPill: DistractionMaker = (context) => {
  const { random } = context;
  const css = `display:flex;gap:10px;align-items:center;padding:10px 16px;border-radius:30px;background:${random.pick(["rgba(30,30,32,.9)", "rgba(245,245,247,.92)", "#fff"])}`;
  const level = `<div style="flex:1;height:5px;border-radius:3px;background:#8888"><div style="width:${random.int(5, 95)}%;height:5px;border-radius:3px;background:#0a84ff"></div></div>`;
  return {
    ...base,
    style: "system-pill",
    html: card(context, random.int(130, 210), css, `${disc(random, 20, 10)}${level}`),
    edge: "top",
    inset: random.int(6, 60),
    enter: random.pick<Motion>(["slide", "spring", "fade"]),
    leave: "slide",
    leaveEdge: "top",
  };
};

/** By how likely they are; what looks most like banners comes most. */
export const DISTRACTIONS: readonly DistractionMaker[] = [
  gameCard,
  gameCard,
  gameCard,
  gameCard,
  toast,
  toast,
  snackbar,
  header,
  header,
  header,
  dialog,
  dialog,
  keyboard,
  controlCentre,
  advert,
  advert,
  levelUp,
  levelUp,
  sheet,
  greeting,
  noticeBar,
  noticeBar,
  pictureInPicture,
  systemPill,
  systemPill,
];
