// A clip without Chromium, for tests: cards and plates are computed.
import { createFrame, rowSpans, type Sprite } from "./raster.ts";
import type { ClipSpec, EventSpec, SpriteRequest } from "./spec.ts";
import type { SpriteStore } from "./sprites.ts";

const request: SpriteRequest = { html: "", kind: "card", scale: 1, width: 180, height: 320 };

export const SMALL_BANNER: EventSpec = {
  kind: "banner",
  style: "small",
  request,
  edge: "top",
  inset: 10,
  shift: 0,
  startSec: 0.2,
  inSec: 0.4,
  holdSec: 0.5,
  outSec: 0.3,
  enter: "spring",
  leave: "slide",
  leaveEdge: "top",
  damping: 0.8,
  dim: 0,
};

export const SMALL_CLIP: ClipSpec = {
  name: "small",
  set: "train",
  seed: 7,
  width: 180,
  height: 320,
  screen: { x: 0, y: 0, width: 180, height: 320 },
  fps: 30,
  durationSec: 2,
  colour: "bt709-limited",
  brightness: 1,
  repeatRate: 0,
  scenes: [
    {
      name: "stripes",
      startSec: 0,
      plate: { ...request, kind: "plate" },
      camera: { kind: "linear", vx: 40, vy: 0 },
      actors: [],
      fixed: [],
      entry: "cut",
    },
  ],
  events: [SMALL_BANNER],
  coding: { preset: "ultrafast", zeroLatency: true, bFrames: 0, kilobits: 400 },
};

/** Room around the box of {@link smallSprites}' card. */
export const SMALL_MARGIN = 8;

/** A dark card of 160 by 60 with one line of white stripes, over a plate of gray stripes. */
export function smallSprites(): SpriteStore {
  const plate = createFrame(240, 320);
  for (let i = 0; i < plate.y.data.length; i++) plate.y.data[i] = 60 + ((i % 240) >> 3) * 5;
  plate.u.data.fill(120);
  plate.v.data.fill(134);
  return {
    sprite: async () => smallSprite(),
    plate: async () => plate,
    video: async () => [],
  };
}

function smallSprite(): Sprite {
  const box = { x: SMALL_MARGIN, y: SMALL_MARGIN, width: 160, height: 60 };
  const [width, height] = [box.width + 2 * SMALL_MARGIN, box.height + 2 * SMALL_MARGIN];
  const line = { x: 40, y: 24, width: 100, height: 16, fontPx: 14, contrast: 200 };
  const planes = Array.from({ length: 4 }, () => new Uint8Array(width * height));
  const [y, u, v, a] = planes as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const i = row * width + column;
      const isBox = column >= box.x && column < box.x + box.width && row >= box.y && row < box.y + box.height;
      const isLine = column >= line.x && column < line.x + line.width && row >= line.y && row < line.y + line.height;
      a[i] = isBox ? 255 : 30;
      y[i] = isLine && column % 4 < 2 ? 230 : isBox ? 30 : 2;
      u[i] = isBox ? 128 : 15;
      v[i] = isBox ? 128 : 15;
    }
  }
  return { luma: { width, height, y, a, spans: rowSpans(a, width, height) }, u, v, chroma: [], box, lines: [line] };
}
