import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Region, YuvFrame } from "@kagami/kernels";
import { findCommand, runTool } from "@kagami/testkit";
import type { Browser, Page } from "playwright-core";
import { assertFonts } from "./fonts.ts";
import { decodePng } from "./png.ts";
import { createFrame, type Sprite, type SpriteLayout, toPlate, toSprite } from "./raster.ts";
import type { ClipSpec, SpriteRequest, VideoRequest } from "./spec.ts";

/** Raise it when the way of drawing changes, so that old files are not taken. */
const CACHE_VERSION = 1;
/** Room around a card for its shadow, in points. */
const SHADOW_POINTS = 36;
const VIDEO_FRAMES = 48;

/** Pictures of a clip by their request; conversion happens when they are asked for. */
export interface SpriteStore {
  sprite(request: SpriteRequest, colour: Pick<ClipSpec, "colour" | "brightness">): Promise<Sprite>;
  plate(request: SpriteRequest, colour: Pick<ClipSpec, "colour" | "brightness">): Promise<YuvFrame>;
  video(request: VideoRequest): Promise<readonly YuvFrame[]>;
}

/** Everything that must be drawn for a clip, each once. */
export function requestsOf(spec: ClipSpec): SpriteRequest[] {
  const all = [
    ...spec.scenes.flatMap((scene) => [
      scene.plate,
      ...scene.actors.map((actor) => actor.request),
      ...scene.fixed.map((entry) => entry.request),
    ]),
    ...spec.events.map((event) => event.request),
  ];
  return [...new Map(all.map((request) => [digestOf(request), request])).values()];
}

/**
 * Draws what is not in the cache yet.
 *
 * @param cacheDir Holds one PNG and one JSON file a picture, named by the digest of its HTML and parameters, and the
 *   moving contents.
 * @throws Error if a font is missing
 */
export async function renderSprites(
  browser: Browser,
  requests: readonly SpriteRequest[],
  cacheDir: string,
): Promise<void> {
  await mkdir(cacheDir, { recursive: true });
  const missing: SpriteRequest[] = [];
  for (const request of requests) if (!(await isCached(request, cacheDir))) missing.push(request);
  if (missing.length === 0) return;
  await assertFonts();
  const page = await browser.newPage();
  try {
    for (const request of missing) await renderSprite(page, request, cacheDir);
  } finally {
    await page.close();
  }
}

/** Reads pictures that {@link renderSprites} has put into the cache; makes moving contents on demand. */
export function openSprites(cacheDir: string): SpriteStore {
  const files = async (request: SpriteRequest) => {
    const path = join(cacheDir, digestOf(request));
    const layout: SpriteLayout = JSON.parse(await readFile(`${path}.json`, "utf8"));
    return { image: decodePng(await readFile(`${path}.png`)), layout };
  };
  return {
    sprite: async (request, colour) => {
      const { image, layout } = await files(request);
      return toSprite(image, layout, colour);
    },
    plate: async (request, colour) => toPlate((await files(request)).image, colour),
    video: (request) => readVideo(request, cacheDir),
  };
}

function digestOf(request: SpriteRequest): string {
  const { html, kind, scale, width, height } = request;
  const text = JSON.stringify([CACHE_VERSION, kind, scale, width, height, html]);
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}

async function isCached(request: SpriteRequest, cacheDir: string): Promise<boolean> {
  try {
    await readFile(join(cacheDir, `${digestOf(request)}.json`));
    return true;
  } catch {
    return false; // What cannot be read is drawn again.
  }
}

async function renderSprite(page: Page, request: SpriteRequest, cacheDir: string): Promise<void> {
  const { width, height, scale, kind } = request;
  const margin = kind === "card" ? Math.ceil(SHADOW_POINTS * scale) : 0;
  await page.setViewportSize({ width: width + 2 * margin, height: height + 2 * margin });
  const style = `<style>*{box-sizing:border-box}html,body{margin:0;padding:0;overflow:hidden;background:transparent}
    #frame{position:absolute;left:${margin}px;top:${margin}px;width:${width}px;height:${height}px}
    #zoom{zoom:${scale};width:${width / scale}px;height:${height / scale}px;position:relative}</style>`;
  await page.setContent(`<!doctype html>${style}<div id=frame><div id=zoom>${request.html}</div></div>`);
  const layout: SpriteLayout =
    kind === "card" ? await page.evaluate(measureCard, scale) : { box: { x: 0, y: 0, width, height }, lines: [] };
  const clip = cut(layout.box, margin);
  const png = await page.screenshot({ omitBackground: kind === "card", clip });
  const moved = <T extends Region>(area: T): T => ({ ...area, x: area.x - clip.x, y: area.y - clip.y });
  const path = join(cacheDir, digestOf(request));
  await writeFile(`${path}.png`, png);
  const text = JSON.stringify({ box: moved(layout.box), lines: layout.lines.map(moved) });
  await writeFile(`${path}.part`, text);
  await rename(`${path}.part`, `${path}.json`);
}

function cut(box: Region, margin: number): Region {
  const x = Math.max(0, Math.floor(box.x - margin));
  const y = Math.max(0, Math.floor(box.y - margin));
  return { x, y, width: Math.ceil(box.x + box.width + margin) - x, height: Math.ceil(box.y + box.height + margin) - y };
}

/** Runs in the page: the card's box and the lines of its texts, in pixels of the page. */
function measureCard(scale: number): SpriteLayout {
  const plain = ({ left, top, width, height }: DOMRect): Region => ({ x: left, y: top, width, height });
  const card = document.getElementById("b");
  if (card === null) throw new Error("The card's document has no element with the id b");
  const lines: { x: number; y: number; width: number; height: number; fontPx: number }[] = [];
  for (const element of document.querySelectorAll("[data-t]")) {
    const within = element.getBoundingClientRect();
    const fontPx = Number.parseFloat(getComputedStyle(element).fontSize) * scale;
    const range = document.createRange();
    range.selectNodeContents(element);
    for (const rect of range.getClientRects()) {
      // What a clamp cuts off has boxes as well.
      if (rect.bottom > within.bottom + fontPx * 0.5 || rect.width < 1) continue;
      const before = lines.at(-1);
      const line = { ...plain(rect), width: Math.min(rect.width, within.right - rect.x), fontPx };
      // Fonts may change within a line; that gives several boxes.
      if (before && Math.abs(before.y + before.height / 2 - line.y - line.height / 2) < fontPx * 0.4) {
        if (before.fontPx === fontPx && Math.abs(before.x + before.width - line.x) < 2) {
          before.width = Math.max(before.width, line.x + line.width - before.x);
          continue;
        }
      }
      lines.push(line);
    }
  }
  return { box: plain(card.getBoundingClientRect()), lines };
}

async function readVideo(request: VideoRequest, cacheDir: string): Promise<YuvFrame[]> {
  const [width, height] = request.isPortrait ? [320, 568] : [568, 320];
  const text = JSON.stringify([CACHE_VERSION, request.source, width, height, VIDEO_FRAMES]);
  const path = join(cacheDir, `${createHash("sha256").update(text).digest("hex").slice(0, 24)}.yuv`);
  const sizeBytes = createFrame(width, height).bytes.length;
  const cached = await readFile(path).catch(() => undefined);
  const bytes = cached ?? (await makeVideo(request.source.replace("SIZE", `${width}x${height}`), path));
  if (bytes.length !== sizeBytes * VIDEO_FRAMES) throw new Error(`Cannot use ${path}: it is cut off. Remove it`);
  return Array.from({ length: VIDEO_FRAMES }, (_, i) => {
    const frame = createFrame(width, height);
    frame.bytes.set(bytes.subarray(i * sizeBytes, (i + 1) * sizeBytes));
    return frame;
  });
}

async function makeVideo(source: string, path: string): Promise<Uint8Array> {
  findCommand("ffmpeg");
  await mkdir(join(path, ".."), { recursive: true });
  const input = ["-f", "lavfi", "-i", source, "-frames:v", `${VIDEO_FRAMES}`, "-pix_fmt", "yuv420p", "-threads", "1"];
  const output = ["-f", "rawvideo", "-y", `${path}.part`];
  const { exitCode, stderr } = await runTool("ffmpeg", ["-v", "error", ...input, ...output], { timeoutMs: 120_000 });
  if (exitCode !== 0) throw new Error(`Cannot make moving content from "${source}": ${stderr}`);
  await rename(`${path}.part`, path);
  return await readFile(path);
}
