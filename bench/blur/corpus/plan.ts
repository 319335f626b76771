import { createRandom, type Random } from "@kagami/clock";
import type { Region } from "@kagami/kernels";
import { bannerCard, within } from "./banner-html.ts";
import type { BannerStyle } from "./banner-styles.ts";
import { type Pieces, piecesOf } from "./pieces.ts";
import type { SceneContext } from "./scenes.ts";
import type { ClipSet, ClipSpec, CodingSpec, Edge, EventSpec, SceneSpec } from "./spec.ts";

/** Sizes of the picture by how often they come; most streams are 720p. */
const SIZES: readonly (readonly [width: number, height: number])[] = [
  [720, 1280],
  [720, 1280],
  [720, 1280],
  [720, 1280],
  [1280, 720],
  [1280, 720],
  [1280, 720],
  [592, 1280],
  [1280, 592],
  [720, 1560],
  [360, 640],
  [640, 360],
  [540, 960],
  [1080, 1920],
  [1920, 1080],
  [1440, 2560],
];

const CLIP_SEC = 20;
/** Large pictures take most of the time to make; their clips are shorter. */
const LARGE_CLIP_SEC = 10;
const LARGE_PIXELS = 1_200_000;

/** How clips to train on differ from those to judge by: smaller, shorter and with more banners in a second. */
export interface PlanOptions {
  readonly sizes?: readonly (readonly [width: number, height: number])[];
  readonly clipSec?: number;
  /** Of the time a banner rests, and of the time between banners. */
  readonly holdScale?: number;
  /** Seconds between cards that are no banners, half of the most. */
  readonly distractionSec?: number;
  /** Backgrounds of each kind; there are 24 to judge by. */
  readonly variantCount?: number;
  /** What clips are made of, instead of what the set has. */
  readonly pieces?: Pieces;
  /** Changes a look, so that there are more of them than makers had. */
  readonly varyStyle?: (random: Random, style: BannerStyle) => BannerStyle;
}

/**
 * Plans clips of 20 s, those of large pictures of 10 s: what is shown, when, and how it is coded. Draws nothing.
 *
 * @param minutes Of video altogether, rounded up to whole clips.
 * @returns The same for the same set and seed; of more minutes the first are the same.
 */
export function planClips(set: ClipSet, seed: number, minutes: number, options: PlanOptions = {}): ClipSpec[] {
  const random = createRandom(seed).fork(set);
  const clips: ClipSpec[] = [];
  for (let sec = 0, i = 0; sec < minutes * 60; i++) {
    const clip = planClip(set, random.fork(`clip ${i}`), i, options);
    clips.push(clip);
    sec += clip.durationSec;
  }
  return clips;
}

interface Device {
  readonly family: "ios" | "android";
  readonly screen: Region;
  readonly isLandscape: boolean;
  /** Pixels of a point. */
  readonly scale: number;
  readonly isDark: boolean;
}

function planClip(set: ClipSet, random: Random, index: number, options: PlanOptions): ClipSpec {
  const [width, height] = random.pick(options.sizes ?? SIZES);
  const device = planDevice(random, width, height);
  const durationSec = options.clipSec ?? (width * height > LARGE_PIXELS ? LARGE_CLIP_SEC : CLIP_SEC);
  const pieces = options.pieces ?? piecesOf(set);
  const scenes = planScenes(pieces, random, device, durationSec, options.variantCount);
  const banners = set === "negatives" ? [] : planBanners(pieces, random.fork("banners"), device, durationSec, options);
  const everySec = options.distractionSec ?? (set === "negatives" ? 3 : 7);
  const distractions = planDistractions(pieces, random.fork("distractions"), device, durationSec, everySec);
  const isBusy = random.chance(0.2);
  return {
    name: `${set}-${String(index).padStart(4, "0")}`,
    set,
    seed: random.seed,
    width,
    height,
    screen: device.screen,
    fps: random.chance(0.12) && width * height <= 921_600 ? 60 : 30,
    durationSec,
    colour: random.pick(["bt709-limited", "bt709-limited", "bt709-limited", "bt601-limited", "bt601-full"]),
    brightness: random.chance(0.2) ? 0.5 + random.float() * 0.4 : 1,
    repeatRate: isBusy ? 0.04 + random.float() * 0.2 : 0,
    scenes,
    events: [...distractions, ...banners],
    coding: planCoding(random, width * height),
  };
}

function planDevice(random: Random, width: number, height: number): Device {
  const family = random.chance(0.52) ? "ios" : "android";
  const isLandscape = width > height;
  // A long phone's screen within a 16:9 picture has black bars.
  const isFramed = random.chance(0.12) && width * 16 >= height * 9 - 16 && width * 9 <= height * 16;
  const long = Math.max(width, height);
  const short = isFramed ? Math.round((long * 9) / 19.5 / 4) * 4 : Math.min(width, height);
  const inset = (Math.min(width, height) - short) / 2;
  const even = inset - (inset % 2);
  const screen = isLandscape
    ? { x: 0, y: even, width: long, height: short }
    : { x: even, y: 0, width: short, height: long };
  const points =
    family === "ios" ? random.pick([375, 390, 393, 402, 428, 430, 440]) : random.pick([360, 360, 384, 393, 411, 412]);
  return { family, screen, isLandscape, scale: short / points, isDark: random.chance(0.45) };
}

const planCoding = (random: Random, pixels: number): CodingSpec => ({
  preset: random.pick(["ultrafast", "ultrafast", "superfast", "superfast", "veryfast"]),
  zeroLatency: random.chance(0.6),
  bFrames: random.chance(0.15) ? 2 : 0,
  kilobits: Math.round(Math.min(12_000, Math.max(300, (500 * 12 ** random.float() * pixels) / 921_600))),
});

function planScenes(
  pieces: Pieces,
  random: Random,
  device: Device,
  durationSec: number,
  variantCount = 24,
): SceneSpec[] {
  const weighted = pieces.scenes.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
  const scenes: SceneSpec[] = [];
  for (let startSec = 0; startSec < durationSec - 1; ) {
    const kind = random.pick(weighted);
    // Backgrounds come from a fixed number of variants, so that the cache can keep them.
    const variant = createRandom(random.int(1, variantCount) + pieces.variantFrom);
    const inner = variant.fork(kind.name);
    const context: SceneContext = {
      ...device,
      random: inner,
      words: inner.pick(pieces.words),
      font: inner.pick(pieces.fonts),
      isDark: inner.chance(0.4),
    };
    const entry =
      startSec === 0 ? "cut" : random.pick(["cut", "cut", "cut", "fade-black", "fade-white", "shake"] as const);
    scenes.push({ ...kind.make(context), startSec, entry });
    // Some are cut short, as in films.
    startSec += random.chance(0.18) ? 0.7 + random.float() : 4 + random.float() * 9;
  }
  return scenes;
}

function planBanners(
  pieces: Pieces,
  random: Random,
  device: Device,
  durationSec: number,
  { holdScale = 1, varyStyle }: PlanOptions,
): EventSpec[] {
  const styles = pieces.styles.filter(({ family }) => family === device.family);
  const events: EventSpec[] = [];
  for (let startSec = (0.5 + random.float() * 4) * holdScale; startSec < durationSec - 2; ) {
    // A phone keeps its look for a while; the next one is often of the same style.
    const before = events.at(-1);
    const same = before && random.chance(0.35) ? styles.find(({ id }) => id === before.style) : undefined;
    const known = same ?? random.pick(styles);
    const style = varyStyle ? varyStyle(random, known) : known;
    const planned = planBanner(pieces, random, device, style, startSec);
    const event = { ...planned, holdSec: planned.holdSec * holdScale };
    const end = event.inSec + event.holdSec;
    if (random.chance(0.07)) {
      // It is pulled, and opens where it is.
      const opened = planBanner(pieces, random, device, style, startSec + end - 0.1, true);
      events.push({ ...event, leave: "fade", outSec: 0.2 }, { ...opened, inset: event.inset, enter: "scale-fade" });
      startSec += end + opened.inSec + opened.holdSec + 1 + random.float() * 3;
      continue;
    }
    events.push(event);
    // Now and then the next comes while this one is still there, or right behind it.
    const next = random.chance(0.18)
      ? end * (0.4 + random.float() * 0.6)
      : end + event.outSec + random.float() * 5 * holdScale;
    startSec += next;
  }
  return events;
}

function planBanner(
  pieces: Pieces,
  random: Random,
  device: Device,
  style: BannerStyle,
  startSec: number,
  isOpened = false,
): EventSpec {
  const { screen, scale, isLandscape } = device;
  const points = screen.width / scale;
  const width = isLandscape
    ? Math.min(points - 20, within(random, style.landscapeWidth))
    : points - 2 * within(random, style.margin);
  const content = {
    words: random.pick(pieces.words),
    font: random.pick(pieces.fonts),
    width,
    isExpanded: isOpened || random.chance(0.04),
  };
  const { html, corner } = bannerCard(style, content, random);
  const leave = random.pick(style.leave);
  const isSwiped = random.chance(0.15) && style.layout !== "island";
  const leaveEdge: Edge = isSwiped ? random.pick(["left", "right"] as const) : "top";
  return {
    kind: "banner",
    style: style.id,
    request: { html, kind: "card", scale, width: screen.width, height: screen.height },
    edge: "top",
    inset: within(random, isLandscape ? style.landscapeInset : style.inset) * scale,
    shift: 0,
    startSec,
    inSec: within(random, style.inSec),
    holdSec: random.chance(0.15) ? 0.5 + random.float() * 1.5 : 2.5 + random.float() * 3.5,
    outSec: within(random, style.outSec),
    enter: random.pick(style.enter),
    leave: isSwiped ? "slide" : leave,
    leaveEdge,
    damping: 0.74 + random.float() * 0.3,
    ...(style.glass && { glass: { radius: within(random, style.glass) * scale, corner: corner * scale } }),
    dim: 0,
    ...(style.layout === "island" && { pill: { width: 126 / width, height: 0.44 } }),
  };
}

function planDistractions(
  pieces: Pieces,
  random: Random,
  device: Device,
  durationSec: number,
  everySec: number,
): EventSpec[] {
  const { screen, scale } = device;
  const events: EventSpec[] = [];
  for (let startSec = random.float() * everySec * 2; startSec < durationSec - 1; ) {
    const context = {
      ...device,
      random,
      words: random.pick(pieces.words),
      font: random.pick(pieces.fonts),
      width: screen.width / scale,
      height: screen.height / scale,
      isDark: random.chance(0.4),
    };
    const { html, hold, glass, inset, shift, ...rest } = random.pick(pieces.distractions)(context);
    const event: EventSpec = {
      ...rest,
      request: { html, kind: "card", scale, width: screen.width, height: screen.height },
      inset: inset * scale,
      shift: shift * scale,
      startSec,
      inSec: 0.15 + random.float() * 0.45,
      holdSec: within(random, hold),
      outSec: 0.15 + random.float() * 0.35,
      damping: 0.7 + random.float() * 0.35,
      ...(glass && { glass: { radius: glass.radius * scale, corner: glass.corner * scale } }),
    };
    events.push(event);
    startSec += event.inSec + event.holdSec + event.outSec + random.float() * everySec * 2;
  }
  return events;
}
