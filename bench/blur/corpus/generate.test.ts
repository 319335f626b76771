import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Region } from "@kagami/kernels";
import { withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { encodeClip, readClip, unpackLabels } from "./encode.ts";
import { generateClip } from "./generate.ts";
import { SMALL_BANNER, SMALL_CLIP, SMALL_MARGIN, smallSprites } from "./small-clip.ts";
import type { ClipSpec, FrameLabels } from "./spec.ts";

async function digestOf(spec: ClipSpec): Promise<string> {
  const hash = createHash("sha256");
  for await (const { frame, labels } of generateClip(spec, smallSprites())) {
    hash.update(frame.bytes).update(JSON.stringify(labels));
  }
  return hash.digest("hex");
}

test("the same spec gives the same frames and labels, another seed others", async () => {
  const repeating = { ...SMALL_CLIP, repeatRate: 0.3 };
  expect(await digestOf(repeating)).toBe(await digestOf(repeating));
  expect(await digestOf(repeating)).not.toBe(await digestOf({ ...repeating, seed: 8 }));
});

const contains = ({ x, y, width, height }: Region, atX: number, atY: number, margin: number): boolean =>
  atX >= x - margin && atX < x + width + margin && atY >= y - margin && atY < y + height + margin;

test.each(["spring", "slide-fade", "scale-fade", "island", "fade", "cut"] as const)(
  "what %s changes lies within the labelled box and its shadow, and changes wherever a label is",
  async (enter) => {
    const spec = {
      ...SMALL_CLIP,
      events: [{ ...SMALL_BANNER, enter, leave: enter, glass: { radius: 6, corner: 20 } }],
    };
    const plain = generateClip(spec, smallSprites(), { withoutCards: true });
    for await (const { frame, labels } of generateClip(spec, smallSprites())) {
      const without = (await plain.next()).value;
      let changed = 0;
      const outside: number[] = [];
      for (let i = 0; i < frame.y.data.length; i++) {
        if (frame.y.data[i] === without.frame.y.data[i]) continue;
        changed++;
        const [x, y] = [i % spec.width, Math.floor(i / spec.width)];
        // One more than the shadow: scaled cards stand on whole pixels.
        if (!labels.cards.some(({ full }) => contains(full, x, y, SMALL_MARGIN + 1))) outside.push(i);
      }
      expect(outside).toEqual([]);
      const solid = labels.cards.filter(({ opacity }) => opacity > 0.2);
      for (const { visible } of solid) expect(changed).toBeGreaterThan(visible.width * visible.height * 0.5);
    }
  },
);

test("a line that is called readable has its contrast in the frame", async () => {
  const kinds = new Set<boolean>();
  for await (const { frame, labels } of generateClip(SMALL_CLIP, smallSprites())) {
    for (const { readable, isTextReadable } of labels.cards) {
      kinds.add(isTextReadable);
      if (!readable) continue;
      const row = frame.y.data.subarray((readable.y + 4) * SMALL_CLIP.width + readable.x).subarray(0, readable.width);
      expect(Math.max(...row) - Math.min(...row)).toBeGreaterThan(100);
    }
  }
  expect(kinds).toEqual(new Set([true, false]));
});

test("a banner under a newer one cannot be read where that covers it", async () => {
  const newer = { ...SMALL_BANNER, startSec: 0.7, enter: "cut" as const };
  const spec = { ...SMALL_CLIP, events: [SMALL_BANNER, newer] };
  for await (const { index, labels } of generateClip(spec, smallSprites())) {
    if (index === 24) expect(labels.cards.map(({ isTextReadable }) => isTextReadable)).toEqual([false, true]);
  }
});

test("outside of the phone's screen the picture stays black", async () => {
  const spec = { ...SMALL_CLIP, width: 240, screen: { x: 30, y: 0, width: 180, height: 320 } };
  for await (const { frame } of generateClip(spec, smallSprites())) {
    for (let y = 0; y < 320; y += 7) {
      for (const x of [0, 29, 210, 239]) expect(frame.y.data[y * 240 + x]).toBe(16);
    }
  }
});

test.each([0, 2])("a coded clip has its frames in order with their labels, with %i B-frames", async (bFrames) => {
  await withTempDir(async (dir) => {
    const spec = { ...SMALL_CLIP, coding: { ...SMALL_CLIP.coding, bFrames, zeroLatency: bFrames === 0 } };
    const path = join(dir, "clip.mp4");
    const expected: { labels: FrameLabels; luma: number }[] = [];
    const watched = async function* () {
      for await (const entry of generateClip(spec, smallSprites())) {
        expected.push({ labels: entry.labels, luma: entry.frame.y.data[40 * spec.width + 20]! });
        yield entry;
      }
    };
    const clip = await encodeClip(spec, watched(), path);
    expect(clip.frameCount).toBe(60);
    expect(unpackLabels(clip).map(({ cards }) => cards.length)).toEqual(
      expected.map(({ labels }) => labels.cards.length),
    );
    for await (const { frame, index, labels } of readClip(path)) {
      const { luma, labels: composed } = expected[index]!;
      expect(Math.abs(frame.y.data[40 * spec.width + 20]! - luma)).toBeLessThan(40);
      expect(labels.cards.map(({ full, readable }) => [full, readable])).toEqual(
        composed.cards.map(({ full, readable }) => [full, readable]),
      );
    }
  });
});
