import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toI420 } from "../h264/picture.ts";
import { Bitmap, Sprite } from "./bitmap.ts";
import { rgb } from "./color.ts";
import { COUNTER_LIMIT, counterCellLeft, counterCells, counterTop, readFrameCounter } from "./frame-counter.ts";
import { Game, itemsAt, playerHeight } from "./game.ts";
import { GameScene } from "./scene.ts";

/** A luma plane with nothing but the counter of `index`. */
function stripOf(index: number, width: number, height: number): Uint8Array {
  const plane = new Uint8Array(width * height).fill(120);
  for (const [cell, isWhite] of counterCells(index).entries()) {
    for (let y = counterTop(height); y < height; y++) {
      plane.fill(
        isWhite ? 235 : 16,
        y * width + counterCellLeft(cell, width),
        y * width + counterCellLeft(cell + 1, width),
      );
    }
  }
  return plane;
}

describe("the frame counter", () => {
  test("every number can be read from any size of picture", () => {
    const sides = { width: fc.integer({ min: 88, max: 540 }), height: fc.integer({ min: 128, max: 960 }) };
    fc.assert(
      fc.property(fc.integer({ min: 0, max: COUNTER_LIMIT - 1 }), fc.record(sides), (index, { width, height }) => {
        const [w, h] = [width * 2, height * 2];
        expect(readFrameCounter({ data: stripOf(index, w, h), width: w, height: h, format: "luma" })).toBe(index);
      }),
      { numRuns: 30 },
    );
  });

  test("one flipped cell is noticed", () => {
    const [width, height] = [360, 640];
    for (let cell = 2; cell < 26; cell++) {
      const plane = stripOf(123_456, width, height);
      for (let y = counterTop(height); y < height; y++) {
        for (let x = counterCellLeft(cell, width); x < counterCellLeft(cell + 1, width); x++) {
          plane[y * width + x] = 251 - (plane[y * width + x] ?? 0);
        }
      }
      expect(readFrameCounter({ data: plane, width, height, format: "luma" })).not.toBe(123_456);
    }
  });

  test("any pixels at all are read or refused", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        (data, width, height) => {
          const counter = readFrameCounter({ data, width, height, format: "rgba" });
          expect(counter === undefined || (counter >= 0 && counter < COUNTER_LIMIT)).toBe(true);
        },
      ),
    );
  });
});

describe("the game", () => {
  test("two games from one seed agree, picture by picture", () => {
    const [a, b] = [new Game(3, 30), new Game(3, 30)];
    for (let i = 0; i < 900; i++) expect(a.step()).toEqual(b.step());
    expect(a.score).toBeGreaterThan(1000);
  });

  test.each([1, 2, 3, 99])("the player clears every crate, seed %i", (seed) => {
    for (let beat = 0; beat < 200; beat++) {
      for (const item of itemsAt(seed, beat)) {
        if (item.kind === "crate") expect(playerHeight(seed, item.beat)).toBeGreaterThan(40);
      }
    }
  });

  test.each([1, 2, 3, 99])("the player's height never jumps, seed %i", (seed) => {
    for (let i = 1; i < 6000; i++) {
      const change = playerHeight(seed, i / 30) - playerHeight(seed, (i - 1) / 30);
      expect(Math.abs(change), `at beat ${i / 30}`).toBeLessThan(20);
    }
  });

  test("a combo is every twentieth coin", () => {
    const game = new Game(1, 30);
    let comboCount = 0;
    for (let i = 0; i < 1800; i++) comboCount += game.step().filter(({ kind }) => kind === "combo").length;
    expect(comboCount).toBe(Math.floor(game.coinCount / 20));
  });
});

describe("the picture", () => {
  test("a seed draws the same picture again", () => {
    const draw = () => {
      const scene = new GameScene({ seed: 5, width: 192, height: 320, fps: 30 });
      for (let i = 0; i < 40; i++) scene.next();
      return toI420(scene.picture);
    };
    expect(Buffer.from(draw()).equals(Buffer.from(draw()))).toBe(true);
  });

  test.each([
    { width: 720, height: 1280 },
    { width: 360, height: 640 },
    { width: 1080, height: 1920 },
  ])("the layers' vectors are even at $width x $height, so that chroma moves by whole samples", ({ width, height }) => {
    const scene = new GameScene({ seed: 5, width, height, fps: 30 });
    for (let i = 0; i < 80; i++) {
      const vectors = scene.next();
      for (let k = 0; k < vectors.length; k += 2) expect((vectors[k] ?? 1) % 2).toBe(0);
    }
  });

  test("a sprite that hangs over every edge is clipped", () => {
    const sprite = new Sprite(new Bitmap(30, 30, rgb(0xffffff)));
    for (const [x, y] of [
      [-20, -20],
      [20, 20],
      [-40, 0],
      [0, 40],
      [-5, 10],
    ] as const) {
      const canvas = new Bitmap(25, 25, 0);
      canvas.drawSprite(sprite, x, y);
      const inside = (p: number, at: number) => p >= at && p < at + 30;
      for (let i = 0; i < 625; i++) {
        const isCovered = inside(i % 25, x) && inside(Math.floor(i / 25), y);
        expect(canvas.pixels[i]).toBe(isCovered ? rgb(0xffffff) : 0);
      }
    }
  });
});
