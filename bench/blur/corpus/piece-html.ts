// Small pieces of scenes: bars, scores, figures. Sizes are points; each has an element with the id `b`.
import { escapeHtml } from "./banner-html.ts";
import { type CardContext, card, colour, disc } from "./card-html.ts";

/** A status bar with the time, network and battery. */
export function statusBar(context: CardContext, ink: string): string {
  const { random, width } = context;
  const hour = `${random.int(0, 23)}:${String(random.int(0, 59)).padStart(2, "0")}`;
  const battery = `<svg width=60 height=12><g fill="${ink}"><rect x=0 y=7 width=3 height=5 /><rect x=5 y=4 width=3 height=8 /><rect x=10 y=0 width=3 height=12 /><circle cx=23 cy=8 r=4 /><rect x=34 y=1 width=22 height=10 rx=3 opacity=.4 /><rect x=35 y=2 width=${random.int(5, 20)} height=8 rx=2 /></g></svg>`;
  return card(
    context,
    width,
    `display:flex;justify-content:space-between;padding:${random.int(3, 16)}px 22px 2px;color:${ink};font-weight:600;font-size:14px`,
    `<span>${hour}</span>${battery}`,
  );
}

/** A fixed header of an app, or its bar of tabs. */
export function appBar(context: CardContext, atBottom: boolean): string {
  const { random, width, words, isDark } = context;
  const ground = isDark ? "rgba(22,22,24,.96)" : random.pick(["rgba(250,250,250,.97)", "#fff", "#fff"]);
  const css = `background:${ground};color:${isDark ? "#eee" : "#111"};border-${atBottom ? "top" : "bottom"}:.5px solid #8885;display:flex;gap:12px;align-items:center;`;
  if (!atBottom)
    return card(
      context,
      width,
      `${css}padding:${random.int(28, 54)}px 14px 9px`,
      `${disc(random, 30, 15)}<b style="flex:1">${escapeHtml(random.pick(words.titles))}</b><span>⋮</span>`,
    );
  const tabs = Array.from(
    { length: random.int(3, 5) },
    () =>
      `<div style="flex:1;text-align:center;font-size:10px">${disc(random, 22, 6).replace("flex:none", "margin:0 auto 2px")}${escapeHtml(random.pick(words.apps))}</div>`,
  );
  return card(context, width, `${css}padding:8px 6px ${random.int(6, 28)}px`, tabs.join(""));
}

/** Scores, bars and buttons of a game, along the top. */
export function gameHud(context: CardContext): string {
  const { random, width } = context;
  const pill = (text: string): string =>
    `<div style="padding:5px 12px;border-radius:${random.pick([4, 14])}px;background:rgba(0,0,0,.5);color:#fff;font-weight:700;font-size:14px">${text}</div>`;
  const bar = `<div style="flex:1;height:12px;border-radius:6px;background:#0008"><div style="width:${random.int(10, 95)}%;height:100%;border-radius:6px;background:${colour(random, 50)}"></div></div>`;
  return card(
    context,
    width,
    `display:flex;gap:10px;align-items:center;padding:${random.int(8, 40)}px 12px`,
    `${disc(random, 34, 17)}${bar}${pill(`★ ${random.int(0, 9999)}`)}${pill(`${random.int(1, 9)}:${random.int(10, 59)}`)}`,
  );
}

/** Round buttons over the lower part of a game. */
export function gamePad(context: CardContext): string {
  const { random, width } = context;
  const button = (size: number): string =>
    `<div style="width:${size}px;height:${size}px;border-radius:50%;background:rgba(255,255,255,.25);border:2px solid rgba(255,255,255,.5)"></div>`;
  return card(
    context,
    width,
    "display:flex;justify-content:space-between;align-items:flex-end;padding:0 24px 26px",
    `${button(random.int(90, 120))}<div style="display:flex;gap:14px">${button(54)}${button(66)}</div>`,
  );
}

/** A figure or particle. */
export function actor(context: CardContext): string {
  const { random } = context;
  const size = random.int(8, 74);
  const shape = random.int(0, 3);
  const fill = colour(random, random.int(35, 70));
  const body = [
    `<circle cx=50 cy=50 r=46 fill="${fill}" stroke="#0008" stroke-width=5 /><circle cx=36 cy=40 r=8 fill="#fff"/><circle cx=64 cy=40 r=8 fill="#fff"/>`,
    `<rect x=22 y=30 width=56 height=66 rx=14 fill="${fill}"/><circle cx=50 cy=24 r=22 fill="${colour(random, 70)}"/><rect x=30 y=60 width=40 height=10 fill="#0006"/>`,
    `<path d="M50 3L62 38L98 38L68 59L80 95L50 72L20 95L32 59L2 38L38 38z" fill="${fill}" stroke="#fff" stroke-width=3 />`,
    `<path d="M2 50L60 10L98 50L60 90z" fill="${fill}"/><rect x=40 y=40 width=30 height=20 fill="#fff9"/>`,
  ][shape];
  return card(
    context,
    size,
    "",
    `<svg width=${size} height=${size} viewBox="0 0 100 100" style="display:block">${body}</svg>`,
  );
}
