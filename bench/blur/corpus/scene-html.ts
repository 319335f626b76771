// Backgrounds: pages of apps and worlds of games, as HTML. Sizes are points.
import type { Random } from "@kagami/clock";
import { escapeHtml } from "./banner-html.ts";
import type { Words } from "./texts.ts";

export interface PageContext {
  readonly random: Random;
  readonly width: number;
  readonly height: number;
  readonly words: Words;
  readonly font: string;
  readonly isDark: boolean;
}

const hsl = (hue: number, saturation: number, light: number): string =>
  `hsl(${((Math.round(hue) % 360) + 360) % 360} ${saturation}% ${light}%)`;

function page({ width, height, font, isDark }: PageContext, body: string, background?: string): string {
  const colour = isDark ? "#eee" : "#111";
  const ground = background ?? (isDark ? "#101012" : "#fff");
  return `<div style="position:absolute;left:0;top:0;width:${width}px;height:${height}px;overflow:hidden;background:${ground};
    color:${colour};font:15px/1.3 '${font}','Droid Sans Fallback','DejaVu Sans'">${body}</div>`;
}

const repeat = (count: number, make: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => make(i)).join("");

function blob(random: Random, width: number, height: number, corner: number): string {
  const hue = random.int(0, 359);
  return `<div style="flex:none;width:${width}px;height:${height}px;border-radius:${corner}px;background:
    radial-gradient(circle at ${random.int(10, 90)}% ${random.int(10, 90)}%,${hsl(hue, 75, 72)},transparent 50%),
    radial-gradient(circle at ${random.int(10, 90)}% ${random.int(10, 90)}%,${hsl(hue + 60, 65, 30)},transparent 40%),
    linear-gradient(${random.int(0, 180)}deg,${hsl(hue + 90, 60, 35)},${hsl(hue + 180, 50, 65)})"></div>`;
}

export function chatPage(context: PageContext): string {
  const { random, width, height, words, isDark } = context;
  const own = random.pick(["#0a84ff", "#34c759", "#dcf8c6", "#7b5cff", "#06c755"]);
  const theirs = isDark ? "#2c2c2e" : random.pick(["#e9e9eb", "#fff", "#f1f0f0"]);
  const ground = isDark ? "#0b0b0c" : random.pick(["#fff", "#e5ddd5", "#8cabd8", "#f7f7fa"]);
  const bubbles = repeat(Math.ceil(height / 52), () => {
    const isOwn = random.chance(0.45);
    const text = random.chance(0.08) ? blob(random, 170, 110, 12) : escapeHtml(random.pick(words.bodies));
    const style = `max-width:${Math.round(width * 0.72)}px;padding:8px 13px;border-radius:18px;background:${isOwn ? own : theirs};
      color:${isOwn && own !== "#dcf8c6" ? "#fff" : isOwn ? "#111" : "inherit"}`;
    const avatar = isOwn ? "" : blob(random, 28, 28, 14);
    return `<div style="display:flex;gap:8px;margin:8px 12px;justify-content:${isOwn ? "flex-end" : "flex-start"}">${avatar}<div style="${style}">${text}</div></div>`;
  });
  return page(context, bubbles, ground);
}

export function feedPage(context: PageContext): string {
  const { random, width, height, words } = context;
  const posts = repeat(Math.ceil(height / 260), () => {
    const head = `<div style="display:flex;gap:10px;align-items:center;padding:10px 12px">${blob(random, 36, 36, 18)}<div><b>${escapeHtml(random.pick(words.titles))}</b><br><span style="opacity:.6;font-size:12px">${random.pick(words.times)}</span></div></div>`;
    const text = `<div style="padding:0 12px 8px">${escapeHtml(random.pick(words.bodies))}</div>`;
    return `${head}${text}${blob(random, width, random.int(120, 300), 0)}<div style="padding:10px 12px;opacity:.7">♥ ${random.int(2, 900)} &nbsp; ☰ ${random.int(0, 90)}</div>`;
  });
  return page(context, posts);
}

export function browserPage(context: PageContext): string {
  const { random, width, height, words, isDark } = context;
  const paragraph = (): string =>
    `<p style="margin:8px 16px;font-size:${random.int(13, 17)}px">${repeat(random.int(2, 5), () => `${escapeHtml(random.pick(words.bodies))} `)}</p>`;
  const body = repeat(Math.ceil(height / 110), () => {
    const roll = random.float();
    if (roll < 0.15)
      return `<h2 style="margin:14px 16px;font-size:${random.int(19, 27)}px">${escapeHtml(random.pick(words.bodies))}</h2>`;
    if (roll < 0.3) return `<div style="margin:8px 16px">${blob(random, width - 32, random.int(60, 190), 6)}</div>`;
    if (roll < 0.4) {
      const shade = isDark ? "#1d1d20" : "#f2f3f5";
      return `<div style="margin:8px 12px;padding:12px;border-radius:12px;background:${shade};display:flex;gap:10px">${blob(random, 44, 44, 8)}<div><b>${escapeHtml(random.pick(words.titles))}</b><br>${escapeHtml(random.pick(words.bodies))}</div></div>`;
    }
    return paragraph();
  });
  return page(context, body);
}

export function settingsPage(context: PageContext): string {
  const { random, height, words, isDark } = context;
  const card = isDark ? "#1c1c1e" : "#fff";
  const row = (): string =>
    `<div style="display:flex;gap:12px;align-items:center;padding:9px 14px;border-bottom:.5px solid rgba(128,128,128,.3)">${blob(random, 28, 28, 7)}<div style="flex:1">${escapeHtml(random.pick(words.apps))}</div><span style="opacity:.5">${escapeHtml(random.pick(words.times))} ›</span></div>`;
  const groups = repeat(
    Math.ceil(height / 150),
    () =>
      `<div style="margin:18px 14px;border-radius:${random.pick([10, 14, 26])}px;background:${card};overflow:hidden">${repeat(random.int(1, 5), row)}</div>`,
  );
  return page(
    context,
    `<h1 style="margin:54px 18px 0">${escapeHtml(random.pick(words.apps))}</h1>${groups}`,
    isDark ? "#000" : "#f2f2f7",
  );
}

export function homePage(context: PageContext): string {
  const { random, width, height, words } = context;
  const hue = random.int(0, 359);
  const ground = `radial-gradient(circle at 30% 20%,${hsl(hue, 80, 65)},transparent 60%),linear-gradient(160deg,${hsl(hue + 40, 70, 40)},${hsl(hue + 150, 60, 25)})`;
  const columns = width > height ? 8 : 4;
  const cell = width / columns;
  const icons = repeat(
    columns * Math.floor((height - 150) / 96),
    () =>
      `<div style="width:${cell}px;height:96px;display:flex;flex-direction:column;align-items:center;gap:4px;font-size:11px;color:#fff">${blob(random, 58, 58, 14)}${escapeHtml(random.pick(words.apps))}</div>`,
  );
  const widget = random.chance(0.4)
    ? `<div style="margin:0 18px 18px;padding:14px;border-radius:22px;background:rgba(255,255,255,.8);color:#111;height:140px"><b>${escapeHtml(random.pick(words.titles))}</b><br>${escapeHtml(random.pick(words.bodies))}</div>`
    : "";
  return page(
    context,
    `<div style="padding-top:66px">${widget}<div style="display:flex;flex-wrap:wrap">${icons}</div></div>`,
    ground,
  );
}

export function videoAppPage(context: PageContext): string {
  const { random, width, height, words } = context;
  const top = Math.round((width * 9) / 16) + 44;
  const rows = repeat(
    Math.ceil((height - top) / 90),
    () =>
      `<div style="display:flex;gap:10px;padding:8px 12px">${blob(random, 140, 78, 8)}<div><b>${escapeHtml(random.pick(words.bodies)).slice(0, 40)}</b><br><span style="opacity:.6">${escapeHtml(random.pick(words.titles))}</span></div></div>`,
  );
  return page(
    context,
    `<div style="height:${top}px;background:#000"></div><h3 style="margin:10px 12px">${escapeHtml(random.pick(words.bodies))}</h3>${rows}`,
  );
}

export function mapPage(context: PageContext): string {
  const { random, width, height, words, isDark } = context;
  const ground = isDark ? "#20262e" : "#eef0e6";
  const road = isDark ? "#3c4654" : "#fff";
  const parks = repeat(
    26,
    () =>
      `<rect x=${random.int(-50, width)} y=${random.int(-50, height)} width=${random.int(40, 190)} height=${random.int(40, 190)} rx=12 fill="${random.pick(isDark ? ["#24382c", "#1b2c3c"] : ["#cfe8c5", "#b8dcf0", "#e8e0d2"])}"/>`,
  );
  const roads = repeat(
    40,
    () =>
      `<path d="M${random.int(0, width)} ${random.int(0, height)}L${random.int(0, width)} ${random.int(0, height)}" stroke="${random.chance(0.2) ? "#f7d774" : road}" stroke-width=${random.int(3, 16)} />`,
  );
  const names = repeat(
    30,
    () =>
      `<text x=${random.int(0, width)} y=${random.int(0, height)} font-size=${random.int(9, 15)} fill="${isDark ? "#b8c0cc" : "#555"}">${escapeHtml(random.pick(words.titles))}</text>`,
  );
  return page(context, svg(width, height, parks + roads + names), ground);
}

const svg = (width: number, height: number, body: string): string =>
  `<svg width=${width} height=${height} viewBox="0 0 ${width} ${height}" style="display:block">${body}</svg>`;

/** A side-scrolling world: sky, hills, platforms, trees. */
export function runnerWorld(context: PageContext): string {
  const { random, width, height } = context;
  const hue = random.int(0, 359);
  const dusk = random.chance(0.35);
  const sky = `linear-gradient(${hsl(hue, 70, dusk ? 14 : 60)},${hsl(hue + 30, 70, dusk ? 38 : 86)})`;
  const hills = repeat(
    14,
    (i) =>
      `<ellipse cx=${(i * width) / 13} cy=${height * 0.86} rx=${random.int(60, 260)} ry=${random.int(60, Math.round(height * 0.42))} fill="${hsl(hue + 90 + i * 5, 40, dusk ? 20 : 55)}"/>`,
  );
  const clouds = repeat(
    12,
    () =>
      `<g fill="#fff" opacity="${dusk ? 0.12 : 0.8}" transform="translate(${random.int(0, width)} ${random.int(0, Math.round(height * 0.45))})"><ellipse rx=44 ry=15 /><ellipse cx=18 cy=-10 rx=24 ry=15 /></g>`,
  );
  const tile = 32;
  const blocks = repeat(Math.ceil(width / tile), (i) => {
    const rise = Math.round(3 + 2 * Math.sin(i * 0.35 + hue));
    const column = repeat(
      rise,
      (j) =>
        `<rect x=${i * tile} y=${height - (j + 1) * tile} width=${tile} height=${tile} fill="${j === rise - 1 ? hsl(110, 60, 40) : hsl(28, 45, 32 + ((i * 7 + j * 13) % 9))}" stroke="rgba(0,0,0,.25)"/>`,
    );
    const platform = random.chance(0.22)
      ? `<rect x=${i * tile} y=${height - random.int(7, Math.max(8, Math.floor(height / tile) - 1)) * tile} width=${tile * random.int(2, 5)} height=${tile * 0.7} rx=6 fill="${hsl(hue + 180, 55, 45)}" stroke="rgba(0,0,0,.4)" stroke-width=2 />`
      : "";
    const tree = random.chance(0.16)
      ? `<rect x=${i * tile + 12} y=${height - rise * tile - 54} width=8 height=54 fill="#6b4526"/><circle cx=${i * tile + 16} cy=${height - rise * tile - 64} r=${random.int(18, 34)} fill="${hsl(100 + random.int(-30, 40), 50, 36)}"/>`
      : "";
    return column + platform + tree;
  });
  return page(context, svg(width, height, clouds + hills + blocks), sky);
}

/** A world seen from above: tiles, walls, water. */
export function tileWorld(context: PageContext): string {
  const { random, width, height } = context;
  const tile = random.pick([24, 36, 48]);
  const hue = random.int(0, 359);
  const kinds = [hsl(hue, 40, 40), hsl(hue, 42, 44), hsl(hue + 20, 38, 48), hsl(hue + 180, 50, 45), hsl(hue, 10, 26)];
  const [columns, rows] = [Math.ceil(width / tile), Math.ceil(height / tile)];
  const cells = repeat(columns * rows, (i) => {
    const [x, y] = [i % columns, Math.floor(i / columns)];
    const wave = Math.sin(x * 0.5 + hue) + Math.cos(y * 0.4 + hue * 2) + random.float() * 0.8;
    const kind = wave > 1.6 ? 4 : wave < -1.1 ? 3 : i % 3;
    const detail = random.chance(0.12)
      ? `<circle cx=${(x + 0.5) * tile} cy=${(y + 0.5) * tile} r=${tile * 0.28} fill="${hsl(random.int(0, 359), 60, 55)}"/>`
      : "";
    return `<rect x=${x * tile} y=${y * tile} width=${tile + 0.5} height=${tile + 0.5} fill="${kinds[kind]}"${kind === 4 ? ` stroke="#0007" stroke-width="2"` : ""}/>${detail}`;
  });
  return page(context, svg(width, height, cells), "#222");
}

/** A board of stones or cards; `letters` makes it a board of words. */
export function boardGame(context: PageContext, letters: boolean): string {
  const { random, width, height, words } = context;
  const columns = letters ? 9 : 7;
  const cell = Math.min(width, height) / (columns + 0.6);
  const rows = Math.floor((height * 0.72) / cell);
  const hue = random.int(0, 359);
  const stones = repeat(columns * rows, (i) => {
    const x = (width - cell * columns) / 2 + (i % columns) * cell;
    const y = height * 0.2 + Math.floor(i / columns) * cell;
    const colour = hsl(random.int(0, 5) * 60 + hue, 75, 55);
    if (letters)
      return `<rect x=${x + 2} y=${y + 2} width=${cell - 4} height=${cell - 4} rx=5 fill="#f3e3bd" stroke="#9a7b3f"/><text x=${x + cell / 2} y=${y + cell * 0.68} text-anchor=middle font-size=${cell * 0.55} fill="#333">${String.fromCharCode(65 + random.int(0, 25))}</text>`;
    const shape = random.pick(["circle", "square", "diamond"]);
    const [cx, cy, r] = [x + cell / 2, y + cell / 2, cell * 0.4];
    if (shape === "circle") return `<circle cx=${cx} cy=${cy} r=${r} fill="${colour}" stroke="#fff8" stroke-width=3 />`;
    const turn = shape === "diamond" ? ` transform="rotate(45 ${cx} ${cy})"` : "";
    return `<rect x=${cx - r * 0.85} y=${cy - r * 0.85} width=${r * 1.7} height=${r * 1.7} rx=6 fill="${colour}" stroke="#fff8" stroke-width="3"${turn}/>`;
  });
  const head = `<div style="position:absolute;left:4%;right:4%;top:6%;padding:12px;border-radius:16px;background:#0006;color:#fff;text-align:center;font-weight:700;font-size:20px">${escapeHtml(random.pick(words.titles))} &nbsp; ${random.int(10, 99_999)}</div>`;
  return page(
    context,
    svg(width, height, stones) + head,
    `linear-gradient(${hsl(hue, 60, 30)},${hsl(hue + 60, 60, 55)})`,
  );
}

/** A game's menu: cards, buttons, coins. Looks like many cards with text. */
export function menuPage(context: PageContext): string {
  const { random, width, height, words } = context;
  const hue = random.int(0, 359);
  const cards = repeat(
    Math.ceil(height / 96),
    () => `<div style="margin:10px ${random.int(10, 26)}px;padding:12px;border-radius:${random.int(6, 24)}px;display:flex;gap:12px;align-items:center;
    background:${random.pick(["rgba(0,0,0,.45)", "rgba(255,255,255,.85)", hsl(hue + random.int(0, 90), 60, 40), hsl(hue, 30, 20)])};color:${random.pick(["#fff", "#222", "#ffd54a"])};border:${random.pick(["none", "2px solid #ffd54a", "1px solid #fff6"])}">
    ${blob(random, random.int(34, 64), random.int(34, 64), 10)}<div style="flex:1"><b>${escapeHtml(random.pick(words.titles))}</b><br>${escapeHtml(random.pick(words.bodies)).slice(0, 60)}</div><div style="padding:8px 14px;border-radius:12px;background:${hsl(hue + 150, 80, 45)};color:#fff">${random.int(1, 999)}</div></div>`,
  );
  return page({ ...context, width }, cards, `linear-gradient(${hsl(hue, 60, 28)},${hsl(hue + 50, 60, 50)})`);
}

/** A road into the distance, to be zoomed into. */
export function roadPage(context: PageContext): string {
  const { random, width, height } = context;
  const hue = random.int(0, 359);
  const middle = height * 0.42;
  const stripes = repeat(16, (i) => {
    const near = (i / 16) ** 2;
    const y = middle + near * (height - middle);
    return `<rect x=0 y=${y} width=${width} height=${(height - middle) / 22} fill="${hsl(hue + 90, 45, i % 2 ? 38 : 44)}"/>`;
  });
  const road = `<path d="M${width * 0.47} ${middle}L${width * 0.53} ${middle}L${width * 0.95} ${height}L${width * 0.05} ${height}z" fill="#444"/><path d="M${width * 0.498} ${middle}L${width * 0.502} ${middle}L${width * 0.52} ${height}L${width * 0.48} ${height}z" fill="#fff"/>`;
  const towers = repeat(30, () => {
    const side = random.chance(0.5) ? -1 : 1;
    const near = random.float();
    const x = width / 2 + side * (0.08 + near * 0.5) * width;
    const tall = (0.1 + near * 0.4) * height;
    return `<rect x=${x} y=${middle - tall * 0.7} width=${20 + near * 60} height=${tall} fill="${hsl(hue + random.int(0, 80), 30, random.int(18, 60))}"/>`;
  });
  return page(
    context,
    svg(width, height, stripes + towers + road),
    `linear-gradient(${hsl(hue, 70, 45)},${hsl(hue + 40, 80, 80)})`,
  );
}
