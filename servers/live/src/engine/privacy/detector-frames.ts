import type { Plane, YuvFrame } from "@kagami/kernels";

/** A made-up card, in samples of the picture. */
export interface DrawnCard {
  readonly x: number;
  /** May be above the picture while it slides in. */
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Luma of its ground and of its text. */
  readonly ground: number;
  readonly ink: number;
}

/** Pictures for tests: moving noise like a game's, and cards with an icon and lines like a banner's. */
export class FrameArtist {
  readonly frame: YuvFrame;
  readonly #noise: Uint8Array;

  constructor(width: number, height: number, seed = 1) {
    const half = [Math.ceil(width / 2), Math.ceil(height / 2)] as const;
    this.frame = { y: plane(width, height), u: plane(...half), v: plane(...half) };
    this.#noise = smoothNoise(seed);
  }

  /** Fills the picture with large soft spots and fine detail that travel. */
  drawGame(step: number, speed = 7): void {
    const { y, u, v } = this.frame;
    const unit = Math.min(y.width, y.height) / 360;
    for (let row = 0; row < y.height; row++) {
      for (let column = 0; column < y.width; column++) {
        const at =
          (Math.floor((row + step * speed) / unit) & 255) * 256 + (Math.floor((column + step * 3) / unit) & 255);
        y.data[row * y.stride + column] = this.#noise[at] as number;
      }
    }
    for (const [index, chroma] of [u, v].entries()) {
      for (let i = 0; i < chroma.data.length; i++) {
        chroma.data[i] = 100 + ((this.#noise[(i * (3 + index) + step * 91) & 65535] as number) >> 2);
      }
    }
  }

  /** Fills the picture with one gray. */
  drawFlat(luma: number): void {
    this.frame.y.data.fill(luma);
    this.frame.u.data.fill(128);
    this.frame.v.data.fill(128);
  }

  drawCard(card: DrawnCard): void {
    const unit = Math.min(this.frame.y.width, this.frame.y.height);
    this.#fillRounded(card.x, card.y, card.width, card.height, card.height * 0.22, card.ground);
    const icon = unit * 0.09;
    this.#fillRounded(card.x + unit * 0.035, card.y + (card.height - icon) / 2, icon, icon, icon * 0.22, 110);
    this.#fillRounded(
      card.x + unit * 0.055,
      card.y + (card.height - icon / 2) / 2,
      icon / 2,
      icon / 2,
      icon * 0.1,
      220,
    );
    const textX = card.x + unit * 0.17;
    for (let line = 0; line < 2; line++) {
      this.#writeLine(
        textX,
        card.y + card.height * (0.2 + 0.35 * line),
        unit * (0.35 + 0.2 * line),
        unit * 0.03,
        card.ink,
      );
    }
  }

  #writeLine(x: number, y: number, width: number, height: number, ink: number): void {
    const stroke = Math.max(1, height * 0.16);
    for (let at = 0, i = 0; at < width; at += stroke * 5, i++) {
      if (i % 6 === 5) continue;
      this.#fillRounded(x + at, y, stroke, height, 0, ink);
      if (i % 2 === 0) this.#fillRounded(x + at, y + (i % 3) * height * 0.4, stroke * 2, stroke, 0, ink);
    }
  }

  #fillRounded(x: number, y: number, width: number, height: number, radius: number, luma: number): void {
    const { y: lumaPlane, u, v } = this.frame;
    for (let row = Math.max(0, Math.floor(y)); row < Math.min(lumaPlane.height, y + height); row++) {
      for (let column = Math.max(0, Math.floor(x)); column < Math.min(lumaPlane.width, x + width); column++) {
        const dx = Math.max(x + radius - column, column - (x + width - radius), 0);
        const dy = Math.max(y + radius - row, row - (y + height - radius), 0);
        if (dx * dx + dy * dy > radius * radius && radius > 0) continue;
        lumaPlane.data[row * lumaPlane.stride + column] = luma;
        u.data[(row >> 1) * u.stride + (column >> 1)] = 128;
        v.data[(row >> 1) * v.stride + (column >> 1)] = 128;
      }
    }
  }
}

function plane(width: number, height: number): Plane {
  return { data: new Uint8Array(width * height), stride: width, width, height };
}

/** 256 by 256 levels, which repeat in both directions. */
function smoothNoise(seed: number): Uint8Array {
  let state = seed * 2654435761;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 0x1000000;
  };
  const noise = new Float32Array(65536).fill(110);
  for (const [cells, weight] of [
    [4, 60],
    [16, 45],
    [64, 35],
  ] as const) {
    const grid = Float32Array.from({ length: cells * cells }, () => random() - 0.5);
    const side = 256 / cells;
    for (let i = 0; i < noise.length; i++) {
      const [x, y] = [(i & 255) / side, (i >> 8) / side];
      const [x0, y0] = [Math.floor(x), Math.floor(y)];
      const at = (dx: number, dy: number): number => grid[((y0 + dy) % cells) * cells + ((x0 + dx) % cells)] as number;
      const [fx, fy] = [x - x0, y - y0];
      const top = at(0, 0) * (1 - fx) + at(1, 0) * fx;
      const bottom = at(0, 1) * (1 - fx) + at(1, 1) * fx;
      noise[i] = (noise[i] as number) + weight * 2 * (top * (1 - fy) + bottom * fy);
    }
  }
  return Uint8Array.from(noise, (level) => Math.max(16, Math.min(235, level)));
}
