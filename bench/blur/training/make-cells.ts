// node bench/blur/training/make-cells.ts --seed 101 --donors 100 --clips 400
// Makes examples to train the banner network on: short clips, full of cards, are composed, coded, decoded and measured
// in cells at once; only the cells and the labels stay. The pieces are drawn once and put together many times.
import { readFileSync } from "node:fs";
import { access, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRandom } from "@kagami/clock";
import { createWasmKernels, type Region } from "@kagami/kernels";
import { CHROMIUM_LAUNCH } from "@kagami/testkit";
import { chromium } from "playwright-core";
import { CELL_LIMIT, layOutGrid } from "../../../servers/live/src/engine/privacy/grid.ts";
import {
  type ClipSpec,
  encodeClip,
  generateClip,
  openSprites,
  readClip,
  renderSprites,
  requestsOf,
  type SpriteStore,
} from "../corpus/index.ts";
import { planDonors, planEpisode, planWhole } from "./episodes.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "101" },
    /** Clips that pieces are taken from, and clips that are made of them. */
    donors: { type: "string", default: "100" },
    clips: { type: "string", default: "400" },
    out: { type: "string", default: ".cache/blur-training/cells" },
    sprites: { type: "string", default: ".cache/blur-training/sprites" },
    /** Share of clips without banners. */
    without: { type: "string", default: "0.25" },
    /** Plans clips as the corpus does instead, small and short, to validate by. */
    whole: { type: "boolean", default: false },
  },
});

/** Means and textures of each picture, one behind the other. */
const PLANES = 2;
/** A browser that has drawn for long becomes slow. */
const CLIPS_A_BROWSER = 10;

const wasm = readFileSync(new URL(import.meta.resolve("@kagami/kernels/kernels.wasm")));

const KINDS = { banner: 1, distractor: 2, other: 3 } as const;

async function makeExamples(spec: ClipSpec, video: string, target: string): Promise<void> {
  const grid = layOutGrid(spec.screen);
  if (!grid) throw new Error(`The screen of ${spec.name} is too small for a banner`);
  const kernels = createWasmKernels(wasm);
  const [means, textures] = [kernels.image(CELL_LIMIT), kernels.image(CELL_LIMIT)];
  const size = grid.cellSize;
  const planes: Uint8Array[] = [];
  const cards: number[][] = [];
  for await (const { frame, index, labels } of readClip(video)) {
    const cells = kernels.measureCells(frame.y, grid.region, size, means, textures);
    planes.push(cells.means.pixels.slice(), cells.textures.pixels.slice());
    for (const card of labels.cards) {
      const box = (region: Region | undefined) =>
        region
          ? [
              (region.x - spec.screen.x) / size,
              (region.y - spec.screen.y) / size,
              region.width / size,
              region.height / size,
            ]
          : [0, 0, 0, 0];
      cards.push([
        index,
        KINDS[card.kind],
        card.track,
        ...box(card.visible),
        card.opacity,
        ...box(card.readable),
        card.visibleFraction,
      ]);
    }
  }
  const bytes = new Uint8Array(planes.length * grid.columns * grid.rows);
  for (const [i, plane] of planes.entries()) bytes.set(plane, i * plane.length);
  await writeFile(`${target}.bin`, bytes);
  const styles = spec.events.map(({ style }) => style);
  await writeFile(
    `${target}.part`,
    JSON.stringify({
      size,
      columns: grid.columns,
      rows: grid.rows,
      frames: planes.length / PLANES,
      fps: spec.fps,
      cards: cards.map((card) => card.map((n) => Math.round(n * 1000) / 1000)),
      styles,
    }),
  );
  await rename(`${target}.part`, `${target}.json`);
}

async function make(spec: ClipSpec, sprites: SpriteStore): Promise<void> {
  const target = join(values.out, spec.name);
  const isThere = await access(`${target}.json`).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  const video = `${target}.mp4`;
  await encodeClip(spec, generateClip(spec, sprites), video);
  await makeExamples(spec, video, target);
  await rm(video);
  await rm(`${video}.json`);
}

/** Draws the pieces of each, and says which could be drawn: Chromium fails at a picture in some thousands. */
async function* drawn(specs: readonly ClipSpec[]): AsyncGenerator<ClipSpec> {
  for (let from = 0; from < specs.length; from += CLIPS_A_BROWSER) {
    const browser = await chromium.launch(CHROMIUM_LAUNCH);
    try {
      for (const spec of specs.slice(from, from + CLIPS_A_BROWSER)) {
        const failure = await renderSprites(browser, requestsOf(spec), values.sprites).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure) console.error(`Leaving out ${spec.name}: ${failure}`);
        else yield spec;
      }
    } finally {
      await browser.close();
    }
  }
}

await mkdir(values.out, { recursive: true });
const seed = Number(values.seed);
const count = Number(values.clips);
const without = Number(values.without);
const sprites = openSprites(values.sprites);
if (values.whole) {
  const planned = planWhole(seed, count, without).map((spec, i) => ({ ...spec, name: `whole-${seed}-${i}` }));
  for await (const spec of drawn(planned)) await make(spec, sprites);
} else {
  const donors: ClipSpec[] = [];
  for await (const donor of drawn(planDonors(seed, Number(values.donors)))) donors.push(donor);
  const random = createRandom(seed).fork("episodes");
  for (let i = 0; i < count; i++) {
    const options = { name: `episode-${seed}-${i}`, isWithoutBanners: random.chance(without) };
    await make(planEpisode(donors, random.fork(`episode ${i}`), options), sprites);
  }
}
