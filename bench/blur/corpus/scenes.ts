import type { Random } from "@kagami/clock";
import type { Region } from "@kagami/kernels";
import type { CardContext } from "./card-html.ts";
import { actor, appBar, gameHud, gamePad, statusBar } from "./piece-html.ts";
import * as pages from "./scene-html.ts";
import type { Actor, Camera, SceneSpec, SpriteRequest, VideoRequest } from "./spec.ts";
import type { Words } from "./texts.ts";

export interface SceneContext {
  readonly random: Random;
  readonly screen: Region;
  /** Pixels of a point. */
  readonly scale: number;
  readonly words: Words;
  readonly font: string;
  readonly isDark: boolean;
}

type Scene = Omit<SceneSpec, "startSec" | "entry">;

/** `test` scenes appear in the test set only. */
export interface SceneKind {
  readonly name: string;
  readonly sets: "both" | "test";
  readonly weight: number;
  readonly make: (context: SceneContext) => Scene;
}

export type Page = (context: pages.PageContext) => string;

/** An opaque plate so many screens wide and tall. */
function plate(context: SceneContext, make: Page, wide = 1, tall = 1, factor = 1): SpriteRequest {
  const { screen } = context;
  const scale = context.scale * factor;
  const width = Math.round((screen.width * wide) / 2) * 2;
  const height = Math.round((screen.height * tall) / 2) * 2;
  const html = make({ ...context, width: Math.ceil(width / scale), height: Math.ceil(height / scale) });
  return { html, kind: "plate", scale, width, height };
}

function cardContext(context: SceneContext): CardContext {
  const { screen, scale } = context;
  return { ...context, width: screen.width / scale, height: screen.height / scale };
}

function fixed(context: SceneContext, html: string, x = 0, y = 0): { request: SpriteRequest; x: number; y: number } {
  const { screen, scale } = context;
  return { request: { html, kind: "card", scale, width: screen.width, height: screen.height }, x, y };
}

/** An app: pages that are scrolled by flings below a header. */
function appScene(name: string, make: Page, weight: number, tall = 2): SceneKind {
  return {
    name,
    sets: "both",
    weight,
    make: (context) => {
      const { random, screen } = context;
      const camera: Camera = random.pick<Camera>([
        {
          kind: "fling",
          everySec: 0.8 + random.float() * 2,
          distance: Math.round(screen.height * (0.2 + random.float() * 0.6)),
          axis: "y",
        },
        { kind: "linear", vx: 0, vy: screen.height * (0.05 + random.float() * 0.4) },
        { kind: "still" },
      ]);
      const ink = context.isDark ? "#fff" : "#000";
      const bars = random.chance(0.7) ? [fixed(context, appBar(cardContext(context), false))] : [];
      const tabs = random.chance(0.5)
        ? [fixed(context, appBar(cardContext(context), true), 0, screen.height - 64 * context.scale)]
        : [];
      return {
        name,
        plate: plate(context, make, 1, tall),
        camera,
        actors: [],
        fixed: [...bars, ...tabs, fixed(context, statusBar(cardContext(context), ink))],
      };
    },
  };
}

export interface GameOptions {
  readonly wide?: number;
  readonly tall?: number;
  readonly cameras: (context: SceneContext) => readonly Camera[];
  readonly actors: readonly [number, number];
  readonly sets?: "test";
  readonly weight?: number;
}

/** A game: a world that a camera travels over, with figures and scores. */
export function gameScene(name: string, make: Page, options: GameOptions): SceneKind {
  return {
    name,
    sets: options.sets ?? "both",
    weight: options.weight ?? 3,
    make: (context) => {
      const { random } = context;
      const count = random.int(...options.actors);
      const requests = Array.from({ length: 5 }, () => fixed(context, actor(cardContext(context))).request);
      const hud = random.chance(0.75) ? [fixed(context, gameHud(cardContext(context)))] : [];
      const pad = random.chance(0.4)
        ? [fixed(context, gamePad(cardContext(context)), 0, context.screen.height - 150 * context.scale)]
        : [];
      return {
        name,
        plate: plate(context, make, options.wide, options.tall),
        camera: random.pick(options.cameras(context)),
        actors: Array.from({ length: count }, () => moving(context, random.pick(requests))),
        fixed: [...hud, ...pad],
      };
    },
  };
}

function moving({ random, screen }: SceneContext, request: SpriteRequest): Actor {
  const speed = (): number => (random.float() - 0.5) * screen.width * 0.8;
  return {
    request,
    x: random.int(0, screen.width),
    y: random.int(0, screen.height),
    vx: speed(),
    vy: random.chance(0.5) ? speed() : 0,
    ampX: random.float() * screen.width * 0.1,
    ampY: random.float() * screen.height * 0.12,
    periodSec: 0.6 + random.float() * 3,
  };
}

const VIDEO_SOURCES: readonly string[] = [
  "mandelbrot=s=SIZE:r=30:start_scale=1.2:end_scale=0.02:end_pts=48",
  "life=s=SIZE:r=30:mold=12:ratio=0.12:seed=5:death_color=#a03020:life_color=#ffe080",
  "cellauto=s=SIZE:r=30:rule=110:seed=9",
  "gradients=s=SIZE:r=30:speed=0.06:nb_colors=6:seed=3",
  "gradients=s=SIZE:r=30:speed=0.2:nb_colors=3:seed=11,noise=alls=24:allf=t:all_seed=2",
  "testsrc2=s=SIZE:r=30",
  "color=c=#35506a:s=SIZE:r=30,noise=alls=70:allf=t:all_seed=4,gblur=sigma=6,eq=contrast=3:saturation=3",
  "mandelbrot=s=SIZE:r=30:start_x=-0.16:start_y=1.04:start_scale=0.6:end_scale=0.001:end_pts=60,noise=alls=12:allf=t:all_seed=1",
];

const TEST_VIDEO_SOURCES: readonly string[] = [
  "sierpinski=s=SIZE:r=30:seed=4:jump=20",
  "life=s=SIZE:r=30:rule=B36/S23:mold=30:ratio=0.2:seed=8:death_color=#102060:life_color=#f0f0ff",
  "smptehdbars=s=SIZE:r=30,rotate=a=t*0.6,hue=H=t",
  "gradients=s=SIZE:r=30:speed=0.1:nb_colors=8:seed=77,hue=H=2*t:s=1.6",
];

/** Moving content, below a status bar or on the whole screen. */
export function videoScene(
  name: string,
  sources: readonly string[],
  isFull: boolean,
  sets: "both" | "test",
): SceneKind {
  return {
    name,
    sets,
    weight: 3,
    make: (context) => {
      const { random, screen, scale } = context;
      const isPortrait = isFull && screen.height > screen.width;
      const even = (value: number): number => Math.floor(value / 2) * 2;
      const isLow = isFull || screen.width > screen.height;
      const into = isLow
        ? { x: 0, y: 0, width: screen.width, height: screen.height }
        : { x: 0, y: even(44 * scale), width: screen.width, height: even((screen.width * 9) / 16) };
      const request: VideoRequest = { source: random.pick(sources), isPortrait };
      const ink = random.chance(0.7) ? "#fff" : "#000";
      const bars = random.chance(0.5) ? [fixed(context, statusBar(cardContext(context), ink))] : [];
      return {
        name,
        plate: plate(context, pages.videoAppPage),
        camera: { kind: "still" },
        video: { request, into, speed: 0.4 + random.float() },
        actors: [],
        fixed: bars,
      };
    },
  };
}

export const pans = ({ screen, random }: SceneContext): Camera[] => [
  { kind: "linear", vx: screen.width * (0.15 + random.float() * 0.7), vy: 0 },
  { kind: "wander", ampX: screen.width * 0.5, ampY: 0, periodSec: 4 + random.float() * 6 },
];
export const roams = ({ screen, random }: SceneContext): Camera[] => [
  { kind: "wander", ampX: screen.width * 0.4, ampY: screen.height * 0.4, periodSec: 5 + random.float() * 8 },
  { kind: "linear", vx: screen.width * (random.float() - 0.5), vy: screen.height * (random.float() - 0.5) * 0.6 },
];
export const zooms = ({ random }: SceneContext): Camera[] => [
  { kind: "zoom", from: 1, to: 1.3 + random.float() * 1.2, periodSec: 2 + random.float() * 6 },
];
export const still = (): Camera[] => [{ kind: "still" }];

/** Everything that can be behind a banner. */
export const SCENES: readonly SceneKind[] = [
  appScene("chat", pages.chatPage, 3),
  appScene("feed", pages.feedPage, 2),
  appScene("browser", pages.browserPage, 3),
  appScene("settings", pages.settingsPage, 2),
  {
    name: "home",
    sets: "both",
    weight: 2,
    make: (context) => {
      const { random, screen } = context;
      const camera = random.pick<Camera>([
        { kind: "still" },
        { kind: "fling", everySec: 1 + random.float() * 2, distance: screen.width, axis: "x" },
      ]);
      return {
        name: "home",
        plate: plate(context, pages.homePage, 2),
        camera,
        actors: [],
        fixed: [fixed(context, statusBar(cardContext(context), "#fff"))],
      };
    },
  },
  gameScene("runner", pages.runnerWorld, { wide: 2, cameras: pans, actors: [3, 12], weight: 4 }),
  gameScene("shooter", pages.tileWorld, { wide: 1.5, tall: 1.5, cameras: roams, actors: [6, 20], weight: 4 }),
  gameScene("puzzle", (context) => pages.boardGame(context, false), { cameras: still, actors: [2, 10] }),
  gameScene("race", pages.roadPage, { cameras: zooms, actors: [1, 6] }),
  gameScene("menu", pages.menuPage, {
    tall: 1.4,
    cameras: (context) => [
      ...still(),
      { kind: "fling", everySec: 1.5, distance: Math.round(context.screen.height * 0.3), axis: "y" },
    ],
    actors: [0, 3],
  }),
  gameScene("map", pages.mapPage, { wide: 1.6, tall: 1.4, cameras: roams, actors: [0, 2], weight: 2 }),
  videoScene("video", VIDEO_SOURCES, false, "both"),
  videoScene("video-full", VIDEO_SOURCES, true, "both"),
  gameScene("words", (context) => pages.boardGame(context, true), { cameras: still, actors: [0, 4], sets: "test" }),
  gameScene("map-zoom", pages.mapPage, { cameras: zooms, actors: [0, 3], sets: "test" }),
  videoScene("video-unseen", TEST_VIDEO_SOURCES, true, "test"),
];
