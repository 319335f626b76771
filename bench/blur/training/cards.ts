// Cards that are no banners and that the corpus does not have, for learning: of games and apps, at the top and in the
// middle, many of them nearly banners.
import type { Random } from "@kagami/clock";
import { type CardContext, card, type DistractionMaker, disc, type Motion } from "../corpus/index.ts";

const base = { kind: "distractor", dim: 0, shift: 0, hold: [1, 4] } as const;
const colour = (random: Random): string =>
  `hsl(${random.int(0, 359)} ${random.pick([0, 25, 70])}% ${random.pick([random.int(4, 25), random.int(25, 75), random.int(75, 98)])}%)`;
const line = (text: string, css = ""): string => `<div data-t style="${css}">${text.replaceAll("<", "&lt;")}</div>`;
const entering = (random: Random): Motion =>
  random.pick<Motion>(["spring", "slide", "scale-fade", "slide-fade", "fade", "cut"]);
const leaving = (random: Random): Motion => random.pick<Motion>(["slide", "fade", "scale-fade", "cut"]);

/** A panel of a game: short words, a number, a bar or a button, framed, at the top or wherever. */
const panel: DistractionMaker = (context) => {
  const { random, words } = context;
  const ground = random.pick([
    colour(random),
    `linear-gradient(${colour(random)},${colour(random)})`,
    "rgba(0,0,0,.6)",
    "rgba(255,255,255,.85)",
  ]);
  const isLight = ground.startsWith("rgba(255");
  const frame = random.pick(["none", `${random.int(1, 4)}px solid ${colour(random)}`, "2px dashed #fff8"]);
  const css = `padding:${random.int(5, 18)}px;border-radius:${random.pick([0, 5, 10, 16, 24, 40])}px;background:${ground};color:${isLight ? "#222" : "#fff"};border:${frame};text-align:${random.pick(["center", "left"])}`;
  const bar = `<div style="height:${random.int(5, 14)}px;border-radius:8px;background:#0006;margin-top:5px"><div style="width:${random.int(10, 95)}%;height:100%;border-radius:8px;background:${colour(random)}"></div></div>`;
  const button = `<div style="background:${colour(random)};padding:7px 12px;border-radius:8px;flex:none">${random.pick(["OK", "▶", "CLAIM", "x2"])}</div>`;
  const words1 = line(
    random.pick([
      random.pick(words.titles),
      `${random.int(1, 99_999)}`,
      "Round 2",
      "Combo!",
      "Boss incoming",
      "Checkpoint",
      random.pick(words.apps),
    ]),
    `font-weight:${random.pick([500, 800])};font-size:${random.int(12, 28)}px`,
  );
  const body = `<div style="display:flex;gap:10px;align-items:center;justify-content:${random.pick(["center", "flex-start", "space-between"])}">${random.chance(0.6) ? disc(random, random.int(18, 56), random.pick([4, 12, 30])) : ""}<div style="flex:${random.pick([0, 1])} 1 auto">${words1}${random.chance(0.4) ? line(random.pick(words.bodies).slice(0, random.int(8, 40)), "font-size:12px") : ""}${random.chance(0.3) ? bar : ""}</div>${random.chance(0.3) ? button : ""}</div>`;
  return {
    ...base,
    style: "learning-panel",
    html: card(context, context.width * (0.25 + random.float() * 0.68), css, body),
    edge: random.pick(["top", "top", "top", "top", "left", "right", "centre"]),
    inset: random.int(0, 150),
    shift: random.chance(0.25) ? random.int(-60, 60) : 0,
    enter: entering(random),
    leave: leaving(random),
    leaveEdge: random.pick(["top", "left", "right"]),
  };
};

/** A band over the full width: scores, news, a title, a hint; without or with pictures. */
const band: DistractionMaker = (context) => {
  const { random, words } = context;
  const css = `padding:${random.int(4, 40)}px ${random.int(6, 30)}px ${random.int(4, 18)}px;background:${random.pick([colour(random), "rgba(0,0,0,.5)", `linear-gradient(90deg,transparent,${colour(random)},transparent)`, `linear-gradient(#000c,transparent)`])};color:${random.pick(["#fff", "#ffe070", "#fff"])};display:flex;gap:12px;align-items:center;justify-content:${random.pick(["center", "space-between", "flex-start"])}`;
  const body = Array.from(
    { length: random.int(1, 4) },
    () =>
      `${random.chance(0.4) ? disc(random, random.int(16, 40), 20) : ""}${line(random.pick([random.pick(words.titles), `${random.int(0, 9999)}`, random.pick(words.bodies).slice(0, 24)]), `font-size:${random.int(11, 26)}px;font-weight:${random.pick([400, 700])}`)}`,
  );
  return {
    ...base,
    style: "learning-band",
    html: card(context, context.width, css, body.join("")),
    edge: "top",
    inset: random.pick([0, 0, random.int(0, 120)]),
    enter: entering(random),
    leave: leaving(random),
    leaveEdge: "top",
    hold: [1, 6],
  };
};

/** Something like an advertisement or a player's controls, that stands there at once. */
const strip: DistractionMaker = (context: CardContext) => {
  const { random, words } = context;
  const css = `height:${random.int(36, 110)}px;display:flex;gap:10px;align-items:center;padding:4px 10px;overflow:hidden;background:${random.pick(["#fff", colour(random), "linear-gradient(90deg,#222,#555)"])};color:${random.pick(["#222", "#fff", "#e33"])};border-radius:${random.pick([0, 0, 6])}px`;
  const body = `${disc(random, random.int(24, 60), random.pick([0, 6, 14]))}<div style="flex:1">${line(random.pick(words.apps), "font-weight:700")}${line(random.pick(words.bodies).slice(0, random.int(10, 50)), `font-size:${random.int(9, 14)}px`)}</div><div style="background:${colour(random)};color:#fff;padding:7px 12px;border-radius:${random.pick([2, 6, 20])}px">${random.pick(["GET", "Install", "Play", "i"])}</div>`;
  return {
    ...base,
    style: "learning-strip",
    html: card(context, Math.min(context.width, random.pick([300, 320, 360, 468])), css, body),
    edge: "top",
    inset: random.pick([0, 0, 20, 40, random.int(0, 100)]),
    enter: random.pick<Motion>(["cut", "cut", "slide", "fade"]),
    leave: "cut",
    leaveEdge: "top",
    hold: [2, 6],
  };
};

/** Large words without a ground. */
const shout: DistractionMaker = (context) => {
  const { random, words } = context;
  const size = random.int(18, 60);
  const css = `text-align:center;font-size:${size}px;font-weight:${random.pick([400, 800])};color:${colour(random)};text-shadow:${random.pick(["none", "0 3px 0 #000", "0 0 10px #000"])};white-space:nowrap;overflow:hidden`;
  return {
    ...base,
    style: "learning-shout",
    html: card(
      context,
      context.width * (0.5 + random.float() * 0.45),
      css,
      line(
        random.pick([
          "GO!",
          "3",
          "WINNER",
          "Game over",
          random.pick(words.titles),
          random.pick(words.bodies).slice(0, 18),
        ]),
      ),
    ),
    edge: random.pick(["top", "centre"]),
    inset: random.int(0, 130),
    enter: entering(random),
    leave: leaving(random),
    leaveEdge: "top",
    hold: [0.6, 2],
  };
};

/** As often as each shall come beside the corpus's own. */
export function learningCards(): DistractionMaker[] {
  return [panel, panel, panel, panel, panel, band, band, band, strip, strip, shout, shout];
}
