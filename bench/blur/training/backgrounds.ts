// Backgrounds that the corpus does not have, drawn by rules: patterns, textures, heaps of shapes and texts.
import type { Random } from "@kagami/clock";
import { gameScene, type PageContext, pans, roams, type SceneKind, still, videoScene, zooms } from "../corpus/index.ts";

const hue = (random: Random): number => random.int(0, 359);
const colour = (random: Random): string => {
  const light = random.pick([random.int(0, 22), random.int(22, 78), random.int(78, 100)]);
  return `hsl(${hue(random)} ${random.pick([0, 12, 40, 80])}% ${light}%)`;
};

function page({ width, height, font }: PageContext, ground: string, body: string): string {
  return `<div style="position:absolute;left:0;top:0;width:${width}px;height:${height}px;overflow:hidden;background:${ground};
    font:15px/1.3 '${font}','Droid Sans Fallback','DejaVu Sans'">${body}</div>`;
}

const svg = ({ width, height }: PageContext, body: string): string =>
  `<svg width=${width} height=${height} viewBox="0 0 ${width} ${height}" style="display:block;position:absolute;left:0;top:0">${body}</svg>`;

const repeat = (count: number, make: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => make(i)).join("");

/** Clouds, grain, stone or water: noise at one of many scales and contrasts. */
function texturePage(context: PageContext): string {
  const { random } = context;
  const kind = random.pick(["turbulence", "fractalNoise"]);
  const scale = 0.002 * 200 ** random.float();
  const stretch = random.pick([1, 1, 0.2, 5]);
  const gain = (1 + random.float() * 4).toFixed(2);
  const lift = (-0.5 * Number(gain) + random.float()).toFixed(2);
  const row = (i: number): string => `${[0, 1, 2, 3].map((j) => (i === j ? gain : "0")).join(" ")} ${lift}`;
  const matrix = `${row(0)} ${random.chance(0.5) ? row(0) : row(1)} ${random.chance(0.5) ? row(0) : row(2)} 0 0 0 0 1`;
  const noise = `<filter id=n x=0 y=0 width="100%" height="100%"><feTurbulence type="${kind}" baseFrequency="${scale.toFixed(4)} ${(scale * stretch).toFixed(4)}" numOctaves="${random.int(1, 5)}" seed="${random.int(1, 9999)}"/><feColorMatrix values="${matrix}"/></filter><rect width="100%" height="100%" filter="url(#n)"/>`;
  return page(context, colour(random), svg(context, noise));
}

/** Stripes, checks, rays and dots. */
function patternPage(context: PageContext): string {
  const { random } = context;
  const [a, b] = [colour(random), colour(random)];
  const size = random.int(4, 90);
  const ground = random.pick([
    `repeating-linear-gradient(${random.int(0, 179)}deg,${a} 0 ${size}px,${b} ${size}px ${size * 2}px)`,
    `repeating-conic-gradient(${a} 0 25%,${b} 0 50%) 0 0/${size * 2}px ${size * 2}px`,
    `radial-gradient(circle,${a} 0 ${size * 0.6}px,${b} ${size * 0.7}px) 0 0/${size * 2}px ${size * 2}px`,
    `repeating-conic-gradient(from 0deg at 50% ${random.int(0, 80)}%,${a} 0 ${random.int(3, 20)}deg,${b} 0 ${random.int(22, 40)}deg)`,
    `repeating-radial-gradient(circle at 50% 30%,${a} 0 ${size}px,${b} ${size}px ${size * 2}px)`,
    `linear-gradient(${random.int(0, 359)}deg,${a},${b},${colour(random)})`,
    a,
  ]);
  return page(context, ground, "");
}

/** Boxes, discs and words of all sizes over each other: what apps and games are made of, without their sense. */
function heapPage(context: PageContext): string {
  const { random, width, height, words } = context;
  const count = random.int(6, 90);
  const largest = random.pick([0.15, 0.4, 1]);
  const body = repeat(count, () => {
    const wide = (0.02 + random.float() * largest) * width;
    const tall = random.pick([0.1, 0.3, 1]) * wide * (0.4 + random.float());
    const place = `position:absolute;left:${random.int(-40, width)}px;top:${random.int(-40, height)}px`;
    if (random.chance(0.3)) {
      return `<div style="${place};color:${colour(random)};font-size:${random.int(9, 40)}px;font-weight:${random.pick([400, 700])};max-width:${random.int(80, 400)}px">${random.pick(words.bodies)}</div>`;
    }
    const border = random.chance(0.3) ? `border:${random.int(1, 5)}px solid ${colour(random)};` : "";
    const shadow = random.chance(0.3) ? "box-shadow:0 4px 14px #0006;" : "";
    return `<div style="${place};width:${wide.toFixed(0)}px;height:${tall.toFixed(0)}px;border-radius:${random.pick([0, 6, 20, 200])}px;${border}${shadow}background:${colour(random)};opacity:${random.pick([1, 1, 0.6])}"></div>`;
  });
  return page(context, colour(random), body);
}

/** Lines of text to the edges, in one size and ink, as of code, articles or tables. */
function textPage(context: PageContext): string {
  const { random, width, height, words } = context;
  const size = random.int(8, 30);
  const count = Math.min(400, Math.ceil((height / size / 1.3) * (width / size / 14)));
  const css = `color:${colour(random)};font-size:${size}px;font-weight:${random.pick([300, 400, 700])};text-align:${random.pick(["left", "center", "justify"])};padding:${random.int(0, 40)}px`;
  const text = repeat(count, () => `${random.pick(words.bodies)}${random.chance(0.2) ? "<br>" : " "}`);
  return page(context, colour(random), `<div style="${css}">${text}</div>`);
}

/** Tiles in rows and columns with a word or picture each: boards, shelves, keyboards. */
function tilesPage(context: PageContext): string {
  const { random, width, height, words } = context;
  const columns = random.int(1, 12);
  const wide = width / columns;
  const tall = random.chance(0.6) ? wide * (0.6 + random.float() * 0.8) : 30 + random.float() * 90;
  const count = Math.min(500, columns * Math.ceil(height / tall));
  const inks = [colour(random), colour(random), colour(random)];
  const gap = random.int(0, 10);
  const corner = random.pick([0, 4, 12, 30]);
  const size = Math.max(8, Math.min(wide, tall) * (0.2 + random.float() * 0.4));
  const hasWords = random.chance(0.6);
  const tiles = repeat(count, (i) => {
    const word = hasWords ? random.pick(words.titles).slice(0, columns > 3 ? 2 : 12) : "";
    const place = `left:${((i % columns) * wide + gap / 2).toFixed(1)}px;top:${(Math.floor(i / columns) * tall + gap / 2).toFixed(1)}px`;
    return `<div style="position:absolute;${place};width:${(wide - gap).toFixed(1)}px;height:${(tall - gap).toFixed(1)}px;border-radius:${corner}px;overflow:hidden;background:${random.pick(inks)};color:${inks[2]};text-align:center;font-size:${size.toFixed(0)}px">${word}</div>`;
  });
  return page(context, colour(random), tiles);
}

const moving = (context: Parameters<typeof pans>[0]) => [
  ...pans(context),
  ...roams(context),
  ...zooms(context),
  ...still(),
];

const LEARNING_SOURCES: readonly string[] = [
  "testsrc=s=SIZE:r=30,rotate=a=t*0.4,hue=H=2*t",
  "cellauto=s=SIZE:r=30:rule=30:seed=4,gblur=sigma=2",
  "life=s=SIZE:r=30:mold=4:ratio=0.4:seed=21:death_color=#304050:life_color=#e0d0a0",
  "color=c=#808080:s=SIZE:r=30,noise=alls=100:allf=t:all_seed=31",
  "color=c=#505050:s=SIZE:r=30,noise=alls=100:allf=t:all_seed=32,gblur=sigma=2,eq=contrast=2",
  "color=c=#a08060:s=SIZE:r=30,noise=alls=100:allf=t:all_seed=33,gblur=sigma=14,eq=contrast=6",
  "gradients=s=SIZE:r=30:speed=0.4:nb_colors=2:seed=41,hue=H=3*t",
  "mandelbrot=s=SIZE:r=30:start_x=-1.4:start_y=0:start_scale=0.3:end_scale=0.005:end_pts=50,hue=h=120",
];

const DEVELOPMENT_SOURCES: readonly string[] = [
  "pal75bars=s=SIZE:r=30,rotate=a=-t*0.5,hue=H=1.4*t",
  "life=s=SIZE:r=30:rule=B3678/S34678:mold=16:ratio=0.45:seed=18:death_color=#501030:life_color=#f0e8c0",
  "sierpinski=s=SIZE:r=30:seed=14:jump=40:type=triangle",
  "color=c=#6a4a70:s=SIZE:r=30,noise=alls=80:allf=t:all_seed=54,gblur=sigma=4,eq=contrast=4",
];

/** A wall of cards, each with a picture, a title and a line, as shops and libraries have them. */
function shelfPage(context: PageContext): string {
  const { random, width, height, words, isDark } = context;
  const rows = repeat(Math.ceil(height / 84), () => {
    const ground = isDark ? "#24262c" : "#fdfdfd";
    return `<div style="margin:8px 10px;height:68px;border-radius:14px;background:${ground};display:flex;gap:10px;align-items:center;padding:0 12px;color:${isDark ? "#eee" : "#222"};box-shadow:0 1px 4px #0003"><div style="flex:none;width:44px;height:44px;border-radius:10px;background:linear-gradient(${colour(random)},${colour(random)})"></div><div style="overflow:hidden;white-space:nowrap"><b>${random.pick(words.titles)}</b><br>${random.pick(words.bodies)}</div></div>`;
  });
  return page({ ...context, width }, isDark ? "#0c0d10" : "#eceef2", rows);
}

/** A chessboard with pieces, seen from above. */
function chessPage(context: PageContext): string {
  const { random, width, height } = context;
  const side = Math.min(width, height) / 8;
  const top = Math.max(0, (height - 8 * side) * random.float());
  const [light, dark] = random.pick([
    ["#eeeed2", "#769656"],
    ["#f0d9b5", "#b58863"],
    ["#dee3e6", "#8ca2ad"],
  ]);
  const squares = repeat(64, (i) => {
    const [x, y] = [(i % 8) * side, top + Math.floor(i / 8) * side];
    const piece = random.chance(0.4)
      ? `<text x=${x + side / 2} y=${y + side * 0.78} text-anchor=middle font-size=${side * 0.78} fill="${random.pick(["#111", "#fff"])}" stroke="#0008">${random.pick(["♚", "♛", "♜", "♝", "♞", "♟"])}</text>`
      : "";
    return `<rect x=${x} y=${y} width=${side} height=${side} fill="${(i + Math.floor(i / 8)) % 2 ? dark : light}"/>${piece}`;
  });
  return page(context, random.pick(["#302e2b", "#f4f4f4", "#4b3a2a"]), svg(context, squares));
}

/** Moves a page of its own kind; figures and scores come with it. */
const world = (name: string, make: (context: PageContext) => string, weight: number): SceneKind =>
  gameScene(name, make, { wide: 1.4, tall: 1.4, cameras: moving, actors: [0, 12], weight });

/** Backgrounds that only learning sees. */
export const LEARNING_SCENES: readonly SceneKind[] = [
  world("texture", texturePage, 4),
  world("pattern", patternPage, 4),
  world("heap", heapPage, 7),
  world("text", textPage, 3),
  world("tiles", tilesPage, 5),
  videoScene("video-learning", LEARNING_SOURCES, true, "both"),
];

/** Backgrounds that learning never sees. */
export const DEVELOPMENT_SCENES: readonly SceneKind[] = [
  gameScene("chess", chessPage, { cameras: still, actors: [0, 4] }),
  gameScene("shelf", shelfPage, { tall: 1.4, cameras: zooms, actors: [0, 3] }),
  videoScene("video-development", DEVELOPMENT_SOURCES, true, "both"),
];
