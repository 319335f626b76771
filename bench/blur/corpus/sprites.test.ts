import { createRandom } from "@kagami/clock";
import { CHROMIUM_LAUNCH, withTempDir } from "@kagami/testkit";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bannerCard } from "./banner-html.ts";
import { BANNER_STYLES } from "./banner-styles.ts";
import { DISTRACTIONS } from "./card-html.ts";
import { MIN_CONTRAST } from "./labels.ts";
import type { SpriteRequest } from "./spec.ts";
import { openSprites, renderSprites } from "./sprites.ts";
import { FONTS, WORDS } from "./texts.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch(CHROMIUM_LAUNCH);
});
afterAll(async () => await browser.close());

const colour = { colour: "bt709-limited", brightness: 1 } as const;

test("a banner of every style is drawn, its lines within its box and with contrast", async () => {
  await withTempDir(async (dir) => {
    const content = { words: WORDS.train[0]!, font: FONTS.train[0]!, width: 374, isExpanded: false };
    const requests = BANNER_STYLES.map((style, i): SpriteRequest => {
      const { html } = bannerCard(style, content, createRandom(i));
      return { html, kind: "card", scale: 1.2, width: 468, height: 700 };
    });
    await renderSprites(browser, requests, dir);
    const sprites = openSprites(dir);
    for (const [i, request] of requests.entries()) {
      const { id } = BANNER_STYLES[i]!;
      const { box, lines, luma } = await sprites.sprite(request, colour);
      expect(box.width, id).toBeCloseTo(374 * 1.2, 0);
      expect(box.height, id).toBeGreaterThan(50);
      expect(luma.width, id).toBeGreaterThan(box.width);
      expect(luma.a.filter((alpha) => alpha > 90).length, id).toBeGreaterThan(box.width * box.height * 0.9);
      expect(lines.filter(({ contrast }) => contrast >= MIN_CONTRAST).length, id).toBeGreaterThan(1);
      for (const line of lines) {
        expect(line.x, id).toBeGreaterThanOrEqual(box.x);
        expect(line.x + line.width, id).toBeLessThanOrEqual(box.x + box.width + 1);
        expect(line.y + line.height, id).toBeLessThanOrEqual(box.y + box.height);
      }
    }
  });
});

test("every other card is drawn, and what is in the cache is not drawn again", async () => {
  await withTempDir(async (dir) => {
    const requests = [...new Set(DISTRACTIONS)].map((make, i): SpriteRequest => {
      const random = createRandom(i);
      const { html } = make({
        random,
        width: 390,
        height: 700,
        words: WORDS.test[0]!,
        font: FONTS.test[0]!,
        isDark: true,
      });
      return { html, kind: "card", scale: 1, width: 390, height: 700 };
    });
    await renderSprites(browser, requests, dir);
    const sprites = openSprites(dir);
    for (const request of requests) {
      const { box, luma } = await sprites.sprite(request, colour);
      expect(box.height * box.width).toBeGreaterThan(1_000);
      expect(luma.a.some((alpha) => alpha > 0)).toBe(true);
    }
    const closed = { newPage: () => Promise.reject(new Error("No page is needed")) } as unknown as Browser;
    await renderSprites(closed, requests, dir);
  });
});
