// node bench/blur/training/make-cells.ts --seed 101 --clips 50
// Makes examples to train the banner network on: clips of the corpus's train set, small, short and full of banners, are
// composed, coded, decoded and measured in cells at once; only the cells and the labels stay.
import { access, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Region, YuvFrame } from "@kagami/kernels";
import { CHROMIUM_LAUNCH } from "@kagami/testkit";
import { chromium } from "playwright-core";
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

export interface Grid {
  readonly size: number;
  readonly columns: number;
  readonly rows: number;
}

function gridOf(screen: Region): Grid {
  const unit = Math.min(screen.width, screen.height);
  const size = Math.max(1, Math.round(unit / 60));
  const high = Math.min(screen.height, unit * (screen.height >= screen.width ? 0.9 : 0.75));
  return { size, columns: Math.floor(screen.width / size), rows: Math.floor(high / size) };
}

function measure(frame: YuvFrame, screen: Region, grid: Grid, out: Uint8Array): void {
  const { size, columns, rows } = grid;
  const count = columns * rows;
  const rowCount = Math.min(size, 4);
  const firstRow = (size - rowCount) >> 1;
  const meanScale = Math.round(65536 / (size * rowCount));
  const textureScale = Math.round(65536 / (4 * rowCount));
  const { data, stride } = frame.y;
  const width = columns * size;
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      let sum = 0,
        detail = 0;
      for (let k = firstRow; k < firstRow + rowCount; k++) {
        const at = (screen.y + r * size + k) * stride + screen.x;
        for (let x = c * size; x < c * size + size; x++) {
          const p = data[at + x]!;
          sum += p;
          if (x + 1 < width) detail += Math.abs(data[at + x + 1]! - p);
        }
      }
      out[r * columns + c] = Math.min(255, (sum * meanScale + 32768) >>> 16);
      out[count + r * columns + c] = Math.min(255, (detail * textureScale) >>> 16);
      for (const [i, plane] of [frame.u, frame.v].entries()) {
        const x0 = (screen.x + c * size) >> 1,
          x1 = Math.max(x0 + 1, (screen.x + c * size + size) >> 1);
        const y0 = (screen.y + r * size) >> 1,
          y1 = Math.max(y0 + 1, (screen.y + r * size + size) >> 1);
        let s = 0,
          n = 0;
        for (let y = y0; y < y1; y++)
          for (let x = x0; x < x1; x++) {
            s += plane.data[y * plane.stride + x]!;
            n++;
          }
        out[(2 + i) * count + r * columns + c] = Math.round(s / n);
      }
    }
}

const KINDS = { banner: 1, distractor: 2, other: 3 } as const;

async function makeExamples(spec: ClipSpec, video: string, target: string): Promise<void> {
  const grid = gridOf(spec.screen);
  const planes: Uint8Array[] = [];
  const cards: number[][] = [];
  for await (const { frame, index, labels } of readClip(video)) {
    const cells = new Uint8Array(4 * grid.columns * grid.rows);
    measure(frame, spec.screen, grid, cells);
    planes.push(cells);
    for (const card of labels.cards) {
      const box = (region: Region | undefined) =>
        region
          ? [
              (region.x - spec.screen.x) / grid.size,
              (region.y - spec.screen.y) / grid.size,
              region.width / grid.size,
              region.height / grid.size,
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
  const bytes = new Uint8Array(planes.length * 4 * grid.columns * grid.rows);
  for (const [i, plane] of planes.entries()) bytes.set(plane, i * plane.length);
  await writeFile(`${target}.bin`, bytes);
  const styles = spec.events.map(({ style }) => style);
  await writeFile(
    `${target}.part`,
    JSON.stringify({
      ...grid,
      frames: planes.length,
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
