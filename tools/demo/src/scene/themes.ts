import { Bitmap, Sprite } from "./bitmap.ts";
import { mix, type PackedColor, rgb } from "./color.ts";
import { noise } from "./random.ts";

/** Layers repeat after this many pixels. */
export const LAYER_PERIOD = 768;

/** A world to run through: what stands still, and three layers that move at different speeds. */
export interface Theme {
  readonly title: string;
  readonly sky: Bitmap;
  readonly far: Sprite;
  readonly near: Sprite;
  readonly ground: Sprite;
  readonly cloud: Sprite;
  readonly accent: PackedColor;
}

/** Rows from the top of the far and near layers to the ground. */
export const FAR_HEIGHT = 250;
export const NEAR_HEIGHT = 130;

/** Builds the worlds for a canvas of `width` x `height` whose ground starts at `groundY`. */
export function buildThemes(width: number, height: number, groundY: number): Theme[] {
  const groundHeight = height - groundY;
  return [
    {
      title: "MINT HILLS",
      sky: daySky(width, height, groundY),
      far: mountains(0x9cc3ee, 0xf4fbff, 11),
      near: hills(0x58b777, 0x3f9a62, 12),
      ground: meadow(groundHeight, 0x63d04c, 0x3fa63d, 0xb57a45, 0x8a5530),
      cloud: cloud(rgb(0xffffff), rgb(0xd5ecfb)),
      accent: rgb(0x18a06a),
    },
    {
      title: "SUNSET CITY",
      sky: sunsetSky(width, height, groundY),
      far: towers(0x6a3a86, 0x8d4f9c, 0xffc36b, FAR_HEIGHT, 21),
      near: towers(0x2c1a4d, 0x3b2463, 0xffe08a, NEAR_HEIGHT, 22),
      ground: street(groundHeight),
      cloud: cloud(rgb(0xffb08a), rgb(0xe67f86)),
      accent: rgb(0xd8357c),
    },
    {
      title: "FROST NIGHT",
      sky: nightSky(width, height, groundY),
      far: mountains(0x3a5a9c, 0xe4f1ff, 31),
      near: pines(32),
      ground: meadow(groundHeight, 0xeaf6ff, 0xb7d6f0, 0x5d7fb2, 0x42608f),
      cloud: cloud(rgb(0x5a76ac), rgb(0x425c92)),
      accent: rgb(0x2f6be0),
    },
  ];
}

/** Bands of colour from the top to the ground: flat bands cost fewer bits than a smooth gradient. */
function gradientSky(width: number, height: number, groundY: number, stops: readonly number[]): Bitmap {
  const sky = new Bitmap(width, height, rgb(stops[0] ?? 0));
  const bandHeight = 8;
  for (let y = 0; y < groundY; y += bandHeight) {
    const place = (y / groundY) * (stops.length - 1);
    const index = Math.min(stops.length - 2, Math.floor(place));
    const color = mix(rgb(stops[index] as number), rgb(stops[index + 1] as number), place - index);
    sky.fillRect(0, y, width, bandHeight, color);
  }
  return sky;
}

function daySky(width: number, height: number, groundY: number): Bitmap {
  const sky = gradientSky(width, height, groundY, [0x2fa4f5, 0x66c4fb, 0xb4e6fd, 0xfdf6dc]);
  const x = Math.round(width * 0.76);
  const y = Math.round(groundY * 0.3);
  for (const [radius, color] of [
    [48, 0x8ad3fc],
    [38, 0xc4e8f0],
    [28, 0xfff2a8],
    [23, 0xffe063],
  ] as const) {
    sky.fillDisc(x, y, radius, rgb(color));
  }
  return sky;
}

function sunsetSky(width: number, height: number, groundY: number): Bitmap {
  const sky = gradientSky(width, height, groundY, [0x27155c, 0x6b2a84, 0xd6498a, 0xff8a5c, 0xffd07a]);
  const x = Math.round(width * 0.6);
  const y = Math.round(groundY * 0.56);
  for (let dy = -64; dy <= 64; dy++) {
    // A striped sun, as on record sleeves: the gaps grow towards the horizon.
    if (dy > 0 && dy % 14 < dy / 8) continue;
    const half = Math.floor(Math.sqrt(64 * 64 - dy * dy));
    sky.fillRect(x - half, y + dy, 2 * half, 1, mix(rgb(0xfff0a0), rgb(0xff5f8f), (dy + 64) / 128));
  }
  return sky;
}

function nightSky(width: number, height: number, groundY: number): Bitmap {
  const sky = gradientSky(width, height, groundY, [0x070b26, 0x101c4c, 0x24397a, 0x4a6fae]);
  for (let i = 0; i < 70; i++) {
    const x = Math.floor(noise(5, i, 1) * width);
    const y = Math.floor(noise(5, i, 2) * groundY * 0.8);
    const size = noise(5, i, 3) > 0.75 ? 2 : 1;
    sky.fillRect(x, y, size, size, rgb(noise(5, i, 4) > 0.5 ? 0xffffff : 0x9fc0ff));
  }
  const x = Math.round(width * 0.72);
  const y = Math.round(groundY * 0.3);
  sky.fillDisc(x, y, 34, rgb(0x2a3f80));
  sky.fillDisc(x, y, 26, rgb(0xfdf7d6));
  for (const [dx, dy, radius] of [
    [-8, -6, 6],
    [7, 8, 7],
    [10, -9, 3],
  ] as const) {
    sky.fillDisc(x + dx, y + dy, radius, rgb(0xe6dcae));
  }
  return sky;
}

/** Paints at `x` and again one period further left and right, so that the layer repeats without a seam. */
function repeat(x: number, paint: (x: number) => void): void {
  for (const shift of [-LAYER_PERIOD, 0, LAYER_PERIOD]) paint(x + shift);
}

function mountains(base: number, snow: number, seed: number): Sprite {
  const layer = new Bitmap(LAYER_PERIOD, FAR_HEIGHT);
  for (let i = 0; i < 9; i++) {
    const x = Math.round((i * LAYER_PERIOD) / 9 + noise(seed, i, 1) * 40);
    const peak = Math.round(FAR_HEIGHT * (0.45 + 0.5 * noise(seed, i, 2)));
    const half = Math.round(peak * 0.62);
    const color = mix(rgb(base), rgb(snow), 0.25 * noise(seed, i, 3));
    repeat(x, (at) => {
      layer.fillPeak(at, FAR_HEIGHT - peak, half, peak, color);
      // The side away from the light, then snow with a ragged edge.
      for (let dy = 0; dy < peak; dy++) {
        const width = Math.round((half * dy) / peak);
        layer.fillRect(
          at + Math.round(width * 0.2),
          FAR_HEIGHT - peak + dy,
          Math.round(width * 0.8),
          1,
          mix(color, rgb(0x24407c), 0.18),
        );
      }
      for (let dy = 0; dy < peak * 0.3; dy++) {
        const width = Math.round((half * dy) / peak);
        const ragged = dy > peak * 0.2 ? (dy % 6) * 3 : 0;
        layer.fillRect(at - width + ragged, FAR_HEIGHT - peak + dy, Math.max(0, 2 * width - 2 * ragged), 1, rgb(snow));
      }
    });
  }
  return new Sprite(layer);
}

function hills(light: number, dark: number, seed: number): Sprite {
  const layer = new Bitmap(LAYER_PERIOD, NEAR_HEIGHT);
  for (let i = 0; i < 8; i++) {
    const x = Math.round((i * LAYER_PERIOD) / 8 + noise(seed, i) * 30);
    const radius = 70 + Math.round(noise(seed, i, 1) * 50);
    repeat(x, (at) =>
      layer.fillDisc(at, NEAR_HEIGHT + 40, radius, mix(rgb(light), rgb(dark), noise(seed, i, 2) * 0.6)),
    );
  }
  for (let i = 0; i < 12; i++) {
    const x = Math.round((i * LAYER_PERIOD) / 12 + noise(seed, i, 4) * 40);
    const top = NEAR_HEIGHT - 70 - Math.round(noise(seed, i, 5) * 30);
    repeat(x, (at) => {
      layer.fillRect(at - 3, top + 20, 6, NEAR_HEIGHT, rgb(0x6b4a35));
      layer.fillDisc(at, top + 16, 20, rgb(0x237a4c));
      layer.fillDisc(at - 4, top + 11, 14, rgb(0x36a05e));
      layer.fillDisc(at - 7, top + 7, 6, rgb(0x6cc878));
    });
  }
  return new Sprite(layer);
}

function towers(body: number, side: number, light: number, height: number, seed: number): Sprite {
  const layer = new Bitmap(LAYER_PERIOD, height);
  const count = 16;
  for (let i = 0; i < count; i++) {
    const x = Math.round((i * LAYER_PERIOD) / count);
    const width = 38 + Math.round(noise(seed, i, 1) * 22);
    const tall = Math.round(height * (0.3 + 0.65 * noise(seed, i, 2)));
    repeat(x, (at) => {
      layer.fillRect(at, height - tall, width, tall, rgb(body));
      layer.fillRect(at, height - tall, 5, tall, rgb(side));
      if (noise(seed, i, 3) > 0.6) layer.fillRect(at + (width >> 1), height - tall - 16, 2, 16, rgb(body));
      for (let row = 0; row * 14 < tall - 16; row++) {
        for (let column = 0; column * 11 < width - 18; column++) {
          if (noise(seed + row, i, column + 9) < 0.5) continue;
          layer.fillRect(at + 10 + column * 11, height - tall + 9 + row * 14, 5, 7, rgb(light));
        }
      }
    });
  }
  return new Sprite(layer);
}

function pines(seed: number): Sprite {
  const layer = new Bitmap(LAYER_PERIOD, NEAR_HEIGHT);
  for (let i = 0; i < 22; i++) {
    const x = Math.round((i * LAYER_PERIOD) / 22 + noise(seed, i) * 20);
    const tall = 60 + Math.round(noise(seed, i, 1) * 64);
    repeat(x, (at) => {
      for (let tier = 0; tier < 3; tier++) {
        const top = NEAR_HEIGHT - tall + tier * Math.round(tall / 4);
        const half = 12 + tier * 6;
        layer.fillPeak(at, top, half, Math.round(tall / 2.2), rgb(0x163a5c));
        layer.fillPeak(at - 2, top, half >> 1, Math.round(tall / 5), rgb(0xcfe6fb));
      }
      layer.fillRect(at - 3, NEAR_HEIGHT - 12, 6, 12, rgb(0x2c2436));
    });
  }
  return new Sprite(layer);
}

function meadow(height: number, top: number, edge: number, soil: number, stone: number): Sprite {
  const layer = new Bitmap(LAYER_PERIOD, height, rgb(soil));
  for (let i = 0; i < 60; i++) {
    const x = Math.floor(noise(41, i, 1) * LAYER_PERIOD);
    const y = 34 + Math.floor(noise(41, i, 2) * height);
    const width = 10 + Math.floor(noise(41, i, 3) * 20);
    repeat(x, (at) => layer.fillPanel(at, y, width, width >> 1, 4, mix(rgb(stone), rgb(soil), noise(41, i, 4) * 0.5)));
  }
  layer.fillRect(0, 0, LAYER_PERIOD, 18, rgb(top));
  layer.fillRect(0, 0, LAYER_PERIOD, 4, mix(rgb(top), rgb(0xffffff), 0.4));
  for (let x = 0; x < LAYER_PERIOD; x += 16) {
    layer.fillDisc(x + 8, 18, 7, rgb(top));
    layer.fillRect(x, 16, 2, 10, rgb(edge));
    layer.fillRect(x + 1, 24, 14, 2, mix(rgb(edge), rgb(soil), 0.3));
  }
  return new Sprite(layer);
}

function street(height: number): Sprite {
  const layer = new Bitmap(LAYER_PERIOD, height, rgb(0x2a1c4a));
  layer.fillRect(0, 0, LAYER_PERIOD, 16, rgb(0x8d5fc4));
  layer.fillRect(0, 0, LAYER_PERIOD, 4, rgb(0xd9a6ff));
  for (let x = 0; x < LAYER_PERIOD; x += 32) layer.fillRect(x, 4, 2, 12, rgb(0x6a4399));
  layer.fillRect(0, 16, LAYER_PERIOD, 6, rgb(0x45307a));
  for (let x = 0; x < LAYER_PERIOD; x += 96) layer.fillPanel(x, 62, 52, 8, 3, rgb(0xffd166));
  for (let x = 0; x < LAYER_PERIOD; x += 48) layer.fillRect(x, 110, 30, 3, rgb(0x3c2a66));
  for (let x = 24; x < LAYER_PERIOD; x += 64) layer.fillRect(x, 136, 40, 3, rgb(0x3c2a66));
  return new Sprite(layer);
}

function cloud(light: PackedColor, shade: PackedColor): Sprite {
  const bitmap = new Bitmap(92, 40);
  for (const [x, y, radius] of [
    [24, 26, 12],
    [44, 20, 17],
    [66, 25, 13],
  ] as const)
    bitmap.fillDisc(x, y + 2, radius, shade);
  for (const [x, y, radius] of [
    [24, 23, 12],
    [44, 18, 16],
    [66, 22, 12],
  ] as const)
    bitmap.fillDisc(x, y, radius, light);
  bitmap.fillRect(0, 33, 92, 7, -1);
  return new Sprite(bitmap);
}
