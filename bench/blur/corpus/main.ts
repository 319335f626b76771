// node bench/blur/corpus/main.ts --set train --minutes 5 --seed 1 --out .cache/blur-corpus/train
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CHROMIUM_LAUNCH } from "@kagami/testkit";
import { chromium } from "playwright-core";
import { drawSheet } from "./contact-sheet.ts";
import { type ClipSet, encodeClip, generateClip, openSprites, planClips, renderSprites, requestsOf } from "./index.ts";

const { values } = parseArgs({
  options: {
    set: { type: "string", default: "train" },
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: "1" },
    out: { type: "string" },
    /** Skips so many clips of the plan, to make a set in pieces. */
    from: { type: "string", default: "0" },
    /** Ends after so many clips. */
    clips: { type: "string" },
    /** Ends with the clip during which so many seconds have passed. */
    limit: { type: "string", default: "1000000" },
    cache: { type: "string", default: ".cache/blur-corpus/sprites" },
    /** Draws a contact sheet beside each video. */
    sheet: { type: "boolean", default: false },
  },
});

const SETS: readonly string[] = ["train", "test", "negatives"] satisfies ClipSet[];

if (!SETS.includes(values.set)) throw new Error(`Cannot make the set "${values.set}". Give one of ${SETS.join(", ")}`);
const set = values.set as ClipSet;
const out = values.out ?? `.cache/blur-corpus/${set}`;
const startedMs = performance.now();
const all = planClips(set, Number(values.seed), Number(values.minutes));
const from = Number(values.from);
const clips = all.slice(from, values.clips === undefined ? undefined : from + Number(values.clips));
await mkdir(out, { recursive: true });
const browser = await chromium.launch(CHROMIUM_LAUNCH);
try {
  const sprites = openSprites(values.cache);
  for (const [i, spec] of clips.entries()) {
    const path = join(out, `${spec.name}.mp4`);
    const isThere = await access(`${path}.json`).then(
      () => true,
      () => false,
    );
    if (isThere) continue;
    const beganMs = performance.now();
    await renderSprites(browser, requestsOf(spec), values.cache);
    const drawnMs = performance.now();
    const labels = await encodeClip(spec, generateClip(spec, sprites), path);
    const codedMs = performance.now();
    if (values.sheet) await drawSheet(path);
    const speed = spec.durationSec / ((codedMs - drawnMs) / 1_000);
    const seconds = ((drawnMs - beganMs) / 1_000).toFixed(1);
    console.log(
      `${from + i + 1}/${all.length} ${path} ${spec.width}x${spec.height}@${spec.fps} ${labels.tracks.length} cards, ` +
        `sprites ${seconds} s, frames ${speed.toFixed(1)}x real time`,
    );
    if (codedMs - startedMs > Number(values.limit) * 1_000) break;
  }
} finally {
  await browser.close();
}
