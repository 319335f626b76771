import { createRandom } from "@kagami/clock";
import type { Region, YuvFrame } from "@kagami/kernels";
import { drawGlass, drawPlate, drawScaled, drawSprite, drawTint, scaleSprite } from "./compose.ts";
import { enclose, intersect, outward, readablePart } from "./labels.ts";
import { cameraAt, type Pose, poseAt } from "./motion.ts";
import { createFrame, type PackedFrame, type Sprite } from "./raster.ts";
import type { Actor, CardLabel, ClipSpec, EventSpec, FrameLabels, SceneSpec } from "./spec.ts";
import type { SpriteStore } from "./sprites.ts";

export interface GeneratedFrame {
  /** Overwritten when the next one is asked for. */
  readonly frame: PackedFrame;
  readonly index: number;
  readonly timeUs: number;
  readonly labels: FrameLabels;
}

export interface GenerateOptions {
  /** Leaves the cards out, to compare with; labels stay. */
  readonly withoutCards?: boolean;
}

/** Composes a clip, frame by frame, before coding. The same spec gives the same bytes. */
export async function* generateClip(
  spec: ClipSpec,
  sprites: SpriteStore,
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedFrame> {
  const frame = createFrame(spec.width, spec.height);
  drawTint(frame, { x: 0, y: 0, width: spec.width, height: spec.height }, spec.colour === "bt601-full" ? 0 : 16, 256);
  const cards = await Promise.all(spec.events.map(async (event, track) => await loadCard(spec, event, track, sprites)));
  const random = createRandom(spec.seed).fork("repeats");
  const count = Math.round(spec.durationSec * spec.fps);
  let scene: LoadedScene | undefined;
  let labels: FrameLabels = { cards: [] };
  for (let index = 0; index < count; index++) {
    const sec = index / spec.fps;
    const isRepeated = index > 0 && random.chance(spec.repeatRate);
    if (!isRepeated) {
      const sceneSpec = spec.scenes.findLast((entry) => entry.startSec <= sec) ?? (spec.scenes[0] as SceneSpec);
      if (scene?.spec !== sceneSpec) scene = await loadScene(spec, sceneSpec, sprites);
      drawScene(frame, spec, scene, sec);
      const shown = cards.flatMap((card) => placeCard(card, spec, sec));
      if (options.withoutCards !== true) for (const card of shown) drawCard(frame, spec, card);
      labels = labelCards(spec, shown);
    }
    yield { frame, index, timeUs: Math.round(sec * 1e6), labels };
  }
}

interface LoadedScene {
  readonly spec: SceneSpec;
  readonly plate: YuvFrame;
  readonly video: readonly YuvFrame[];
  /** The same at the size they are drawn at, as far as they have been. */
  readonly scaledVideo: (PackedFrame | undefined)[];
  readonly actors: readonly Sprite[];
  readonly fixed: readonly Sprite[];
}

async function loadScene(spec: ClipSpec, scene: SceneSpec, sprites: SpriteStore): Promise<LoadedScene> {
  return {
    spec: scene,
    plate: await sprites.plate(scene.plate, spec),
    video: scene.video ? await sprites.video(scene.video.request) : [],
    scaledVideo: [],
    actors: await Promise.all(scene.actors.map((actor) => sprites.sprite(actor.request, spec))),
    fixed: await Promise.all(scene.fixed.map((entry) => sprites.sprite(entry.request, spec))),
  };
}

function drawScene(frame: YuvFrame, spec: ClipSpec, loaded: LoadedScene, clipSec: number): void {
  const { scene, plate } = { scene: loaded.spec, plate: loaded.plate };
  const sec = clipSec - scene.startSec;
  const { screen } = spec;
  const shake = scene.entry === "shake" && sec < 0.6 ? Math.round(Math.sin(sec * 70) * screen.width * 0.012) : 0;
  const [x, y] = cameraAt(scene.camera, sec);
  if (scene.camera.kind === "zoom") {
    const { from, to, periodSec } = scene.camera;
    const zoom = from + ((to - from) * (1 - Math.cos((sec / periodSec) * 2 * Math.PI))) / 2;
    const width = plate.y.width / zoom;
    const height = plate.y.height / zoom;
    const window = { x: (plate.y.width - width) / 2, y: (plate.y.height - height) / 2, width, height };
    drawScaled(frame, screen, plate, window);
  } else drawPlate(frame, screen, plate, x + shake, y + shake);
  if (scene.video) {
    const into = { ...scene.video.into, x: scene.video.into.x + screen.x, y: scene.video.into.y + screen.y };
    const turn = Math.floor(sec * 30 * scene.video.speed) % (2 * loaded.video.length - 2);
    drawPlate(
      frame,
      into,
      videoFrame(loaded, turn < loaded.video.length ? turn : 2 * loaded.video.length - 2 - turn, into),
      0,
      0,
    );
  }
  for (const [i, actor] of scene.actors.entries()) drawActor(frame, screen, actor, loaded.actors[i] as Sprite, sec);
  for (const [i, { x: left, y: top }] of scene.fixed.entries()) {
    const sprite = loaded.fixed[i] as Sprite;
    const [atX, atY] = [Math.round(screen.x + left - sprite.box.x), Math.round(screen.y + top - sprite.box.y)];
    drawSprite(frame, screen, sprite, atX, atY, 256);
  }
  if (sec < 0.5 && scene.entry.startsWith("fade")) {
    drawTint(frame, screen, scene.entry === "fade-black" ? 16 : 235, Math.round((1 - sec / 0.5) * 256));
  }
}

function videoFrame(loaded: LoadedScene, index: number, { width, height }: Region): YuvFrame {
  const known = loaded.scaledVideo[index];
  if (known) return known;
  const picture = loaded.video[index] as YuvFrame;
  const scaled = createFrame(width, height);
  const whole = { x: 0, y: 0, width: picture.y.width, height: picture.y.height };
  drawScaled(scaled, { x: 0, y: 0, width, height }, picture, whole);
  loaded.scaledVideo[index] = scaled;
  return scaled;
}

/** Actors that leave on one side come back on the other. */
function drawActor(frame: YuvFrame, screen: Region, actor: Actor, sprite: Sprite, sec: number): void {
  const turn = (sec / actor.periodSec) * 2 * Math.PI;
  const spanX = screen.width + sprite.luma.width;
  const spanY = screen.height + sprite.luma.height;
  const x = actor.x + actor.vx * sec + actor.ampX * Math.sin(turn);
  const y = actor.y + actor.vy * sec + actor.ampY * Math.cos(turn * 1.3);
  const wrap = (value: number, span: number): number => Math.round(((value % span) + span) % span);
  const left = screen.x + wrap(x, spanX) - sprite.luma.width;
  const top = screen.y + wrap(y, spanY) - sprite.luma.height;
  drawSprite(frame, screen, sprite, left, top, 256);
}

interface LoadedCard {
  readonly event: EventSpec;
  readonly track: number;
  readonly sprite: Sprite;
  /** The box at rest, relative to the screen. */
  readonly rest: Region;
}

async function loadCard(spec: ClipSpec, event: EventSpec, track: number, sprites: SpriteStore): Promise<LoadedCard> {
  const sprite = await sprites.sprite(event.request, spec);
  const { width, height } = sprite.box;
  const { screen } = spec;
  const middleX = (screen.width - width) / 2 + event.shift;
  const middleY = (screen.height - height) / 2;
  const place = {
    top: [middleX, event.inset],
    bottom: [middleX, screen.height - event.inset - height],
    left: [event.inset, middleY + event.shift],
    right: [screen.width - event.inset - width, middleY + event.shift],
    centre: [middleX, middleY + event.inset],
  } as const;
  const [x, y] = place[event.edge];
  return { event, track, sprite, rest: { x, y, width, height } };
}

interface PlacedCard extends LoadedCard {
  readonly pose: Pose;
  /** Of the sprite as scaled, in pixels of the picture. */
  readonly left: number;
  readonly top: number;
  readonly shown: Sprite;
  readonly box: Region;
}

function placeCard(card: LoadedCard, spec: ClipSpec, sec: number): PlacedCard[] {
  const { event, rest, sprite } = card;
  const pose = poseAt(event, sec - event.startSec, rest, spec.screen, sprite.box.y);
  if (pose === undefined) return [];
  const isScaled = Math.abs(pose.scaleX - 1) > 0.002 || Math.abs(pose.scaleY - 1) > 0.002;
  const shown = isScaled ? scaleSprite(sprite, pose.scaleX, pose.scaleY) : sprite;
  const boxX = spec.screen.x + rest.x + pose.dx + (rest.width - shown.box.width) / 2;
  const boxY = spec.screen.y + rest.y + pose.dy;
  const left = Math.round(boxX - shown.box.x);
  const top = Math.round(boxY - shown.box.y);
  const box = { ...shown.box, x: left + shown.box.x, y: top + shown.box.y };
  return [{ ...card, pose, left, top, shown, box }];
}

function drawCard(frame: YuvFrame, spec: ClipSpec, card: PlacedCard): void {
  const { event, pose, box } = card;
  const opacity = Math.round(pose.opacity * 256);
  if (event.dim > 0) drawTint(frame, spec.screen, 16, Math.round(event.dim * opacity * dimShare(card)));
  if (event.glass) drawGlass(frame, spec.screen, box, event.glass.corner, event.glass.radius, opacity);
  drawSprite(frame, spec.screen, card.shown, card.left, card.top, opacity);
}

/** What is behind a card darkens as the card comes. */
function dimShare({ pose, rest }: PlacedCard): number {
  return Math.max(0, 1 - Math.abs(pose.dy) / (rest.height + 1));
}

function labelCards(spec: ClipSpec, shown: readonly PlacedCard[]): FrameLabels {
  const cards = shown.flatMap((card, i): CardLabel[] => {
    const visible = intersect(card.box, spec.screen);
    if (visible === undefined || card.pose.opacity < 0.01) return [];
    const covers = shown.slice(i + 1).filter((other) => other.pose.opacity > 0.6 && other.event.kind === "banner");
    const parts = card.shown.lines.flatMap((line) => {
      const placed = { ...line, x: line.x + card.left, y: line.y + card.top };
      const part = readablePart(
        placed,
        spec.screen,
        card.pose.opacity,
        covers.map(({ box }) => box),
      );
      return part ? [part] : [];
    });
    const [first, ...rest] = parts;
    const readable = first && { readable: outward(rest.reduce(enclose, first)) };
    return [
      {
        kind: card.event.kind,
        style: card.event.style,
        track: card.track,
        full: outward(card.box),
        visible: intersect(outward(visible), spec.screen) ?? visible,
        visibleFraction: (visible.width * visible.height) / (card.box.width * card.box.height),
        opacity: card.pose.opacity,
        isTextReadable: first !== undefined,
        ...readable,
      },
    ];
  });
  return { cards };
}
