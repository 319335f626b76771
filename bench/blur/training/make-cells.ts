// node bench/blur/training/make-cells.ts --seed 101 --clips 50
// Makes examples to train the banner network on: clips of the corpus's train set, small, short and full of banners, are
// composed, coded, decoded and measured in cells at once; only the cells and the labels stay.
import { readFileSync } from "node:fs";
import { access, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createWasmKernels, type Region } from "@kagami/kernels";
import { CHROMIUM_LAUNCH } from "@kagami/testkit";
import { chromium } from "playwright-core";
import { CELL_LIMIT, layOutGrid } from "../../../servers/live/src/engine/privacy/grid.ts";
import {
  type ClipSpec,
  encodeClip,
  generateClip,
  openSprites,
  planClips,
  readClip,
  renderSprites,
  requestsOf,
} from "../corpus/index.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "101" },
    clips: { type: "string", default: "50" },
    out: { type: "string", default: ".cache/blur-training/cells" },
    sprites: { type: "string", default: ".cache/blur-training/sprites" },
    /** Ends with the clip during which so many seconds have passed. */
    limit: { type: "string", default: "1000000" },
    without: { type: "boolean", default: false },
  },
});

/** In cells, pictures of all sizes are nearly alike; most are small, so that there can be many. */
const SIZES = [
  [360, 640],
  [360, 640],
  [360, 640],
  [360, 640],
  [304, 640],
  [640, 360],
  [640, 360],
  [640, 304],
  [540, 960],
  [960, 540],
  [432, 936],
  [720, 1280],
  [1280, 720],
] as const;
const CLIP_SEC = 10;

/** Means and textures of each picture, one behind the other. */
const PLANES = 2;

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

const startedMs = performance.now();
await mkdir(values.out, { recursive: true });
const count = Number(values.clips);
const plan = planClips("train", Number(values.seed), (count * CLIP_SEC) / 60, {
  sizes: SIZES,
  clipSec: CLIP_SEC,
  holdScale: 0.4,
  distractionSec: values.without ? 1.2 : 5,
});
const browser = await chromium.launch(CHROMIUM_LAUNCH);
try {
  const sprites = openSprites(values.sprites);
  for (const planned of plan.slice(0, count)) {
    const events = values.without ? planned.events.filter(({ kind }) => kind !== "banner") : planned.events;
    const spec = { ...planned, events };
    const target = join(values.out, `${spec.name}-${values.seed}`);
    const isThere = await access(`${target}.json`).then(
      () => true,
      () => false,
    );
    if (isThere) continue;
    const video = `${target}.mp4`;
    await renderSprites(browser, requestsOf(spec), values.sprites);
    await encodeClip(spec, generateClip(spec, sprites), video);
    await makeExamples(spec, video, target);
    await rm(video);
    await rm(`${video}.json`);
    if (performance.now() - startedMs > Number(values.limit) * 1000) break;
  }
} finally {
  await browser.close();
}
