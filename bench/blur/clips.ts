import { access, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { CHROMIUM_LAUNCH } from "@kagami/testkit";
import { chromium } from "playwright-core";
import {
  type ClipSet,
  encodeClip,
  generateClip,
  openSprites,
  planClips,
  renderSprites,
  requestsOf,
} from "./corpus/index.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const CORPUS = join(ROOT, ".cache", "blur-corpus");
/** Of the short form: two clips, cut short. */
const SMOKE = { seed: 3, minutes: 8, seconds: 5, mostPixels: 360 * 640, count: 1 } as const;

/**
 * Paths of a set's videos, in order.
 *
 * @throws Error if there are none; they are made by `bench/blur/corpus/main.ts`.
 */
export async function clipsOf(set: ClipSet): Promise<string[]> {
  const directory = join(CORPUS, set);
  const names = await readdir(directory).catch((): string[] => []);
  const clips = names.filter((name) => name.endsWith(".mp4.json")).sort();
  if (clips.length === 0) {
    throw new Error(
      `There are no videos in ${directory}. Run: node bench/blur/corpus/main.ts --set ${set} --minutes 20`,
    );
  }
  return clips.map((name) => join(directory, name.slice(0, -".json".length)));
}

/** Small clips of a set, cut short and made on first use, to see that everything works. */
export async function smokeClips(set: ClipSet): Promise<string[]> {
  const directory = join(CORPUS, "smoke");
  await mkdir(directory, { recursive: true });
  const specs = planClips(set, SMOKE.seed, SMOKE.minutes)
    .filter(({ width, height }) => width * height <= SMOKE.mostPixels)
    .slice(0, SMOKE.count)
    .map((spec) => ({ ...spec, durationSec: SMOKE.seconds }));
  const paths = specs.map(({ name }) => join(directory, `${name}.mp4`));
  const missing = await Promise.all(
    paths.map((path) =>
      access(`${path}.json`).then(
        () => false,
        () => true,
      ),
    ),
  );
  if (!missing.includes(true)) return paths;
  const browser = await chromium.launch(CHROMIUM_LAUNCH);
  try {
    const cache = join(CORPUS, "sprites");
    const sprites = openSprites(cache);
    for (const [i, spec] of specs.entries()) {
      await renderSprites(browser, requestsOf(spec), cache);
      await encodeClip(spec, generateClip(spec, sprites), paths[i] as string);
    }
  } finally {
    await browser.close();
  }
  return paths;
}
