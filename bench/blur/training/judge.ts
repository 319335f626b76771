// node bench/blur/training/judge.ts --verbose
// Runs the detector's network and tracking over cells that make-cells.ts has measured and that train.py does not learn
// from, and says what would have leaked. Thresholds are chosen by this, never by the test set.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createWasmKernels, type ImageSlot, type Region } from "@kagami/kernels";
import { BannerWatch } from "../../../servers/live/src/engine/privacy/banner-watch.ts";
import { CellHistory } from "../../../servers/live/src/engine/privacy/cell-history.ts";
import { layOutGrid, toPicture } from "../../../servers/live/src/engine/privacy/grid.ts";
import { coverOf } from "../../../servers/live/src/engine/privacy/track.ts";
import type { CardLabel, FrameLabels } from "../corpus/index.ts";
import { type ClipQuality, qualityOf, ViewedPictures } from "../quality-measure.ts";

const { values } = parseArgs({
  options: {
    cells: { type: "string", default: ".cache/blur-training/develop" },
    verbose: { type: "boolean", default: false },
  },
});

interface CellClip {
  readonly size: number;
  readonly columns: number;
  readonly rows: number;
  readonly frames: number;
  readonly fps: number;
  readonly cards: readonly (readonly number[])[];
  readonly styles: readonly string[];
}

const KINDS = ["banner", "distractor", "other"] as const;
const wasm = readFileSync(new URL(import.meta.resolve("@kagami/kernels/kernels.wasm")));

function labelsOf({ cards, size, frames, styles }: CellClip): FrameLabels[] {
  const labels: { cards: CardLabel[] }[] = Array.from({ length: frames }, () => ({ cards: [] }));
  for (const card of cards) {
    const region = (at: number): Region => {
      const [x, y, width, height] = card.slice(at, at + 4).map((cells) => Math.round(cells * size)) as [
        number,
        number,
        number,
        number,
      ];
      return { x, y, width, height };
    };
    const [frame, kind, track] = card as [number, number, number];
    const readable = (card[10] as number) > 0 ? region(8) : undefined;
    labels[frame]?.cards.push({
      kind: KINDS[kind - 1] as CardLabel["kind"],
      style: styles[track] as string,
      track,
      full: region(3),
      visible: region(3),
      visibleFraction: card[12] as number,
      opacity: card[7] as number,
      isTextReadable: readable !== undefined,
      ...(readable && { readable }),
    });
  }
  return labels;
}

function judgeClip(path: string): ClipQuality & { readonly labels: FrameLabels[] } {
  const clip = JSON.parse(readFileSync(`${path}.json`, "utf8")) as CellClip;
  const bytes = readFileSync(`${path}.bin`);
  const { size, columns, rows, fps } = clip;
  const kernels = createWasmKernels(wasm);
  const history = new CellHistory(kernels);
  const watch = new BannerWatch(kernels);
  const isPortrait = columns < rows * 2;
  const grid = layOutGrid({
    x: 0,
    y: 0,
    width: columns * size,
    height: isPortrait ? 4 * columns * size : Math.ceil(rows / 0.75) * size,
  });
  if (!grid) throw new Error(`Cannot lay out ${path}`);
  const laid = { ...grid, columns, rows, cellSize: size, unit: Math.min(columns, Math.round(rows / 0.75)) };
  const whole = { x: 0, y: 0, width: columns, height: rows };
  const viewed = new ViewedPictures();
  for (let i = 0; i < clip.frames; i++) {
    const plane = (k: number) => ({
      data: bytes.subarray((2 * i + k) * columns * rows, (2 * i + k + 1) * columns * rows),
      stride: columns,
      width: columns,
      height: rows,
    });
    const measure = (means: ImageSlot, textures: ImageSlot) => ({
      means: kernels.subsample(plane(0), whole, 1, 1, means),
      textures: kernels.subsample(plane(1), whole, 1, 1, textures),
    });
    const timeUs = Math.round((i / fps) * 1e6);
    const input = history.take(measure, timeUs, watch.isHolding(timeUs));
    const following = input ? watch.follow(input, laid, timeUs, history.isSettled, () => true) : watch.stay(timeUs);
    const regions = watch.tracks.map((track) => toPicture(laid, coverOf(track, laid)));
    viewed.show(regions, following.hasStarted, following.isUnsure);
  }
  const labels = labelsOf(clip);
  return { ...qualityOf(labels, viewed.hidden, fps), labels };
}

const names = readdirSync(values.cells)
  .filter((name) => name.endsWith(".json") && !name.endsWith(".mp4.json"))
  .map((name) => name.slice(0, -".json".length));
const styles = new Map<string, { readable: number; leaked: number; banners: number }>();
let [readable, leaked, area, visible, seconds, alarms, banners, leaking] = [0, 0, 0, 0, 0, 0, 0, 0];
for (const name of names) {
  const result = judgeClip(join(values.cells, name));
  seconds += result.seconds;
  alarms += result.falseAlarms.length;
  if (values.verbose)
    for (const alarm of result.falseAlarms) {
      const near = result.labels[alarm.firstFrame]?.cards.map(
        ({ style, visible: box, opacity }) => `${style}@${box.x},${box.y},${box.width}x${box.height} ${opacity}`,
      );
      console.log(`${name} frame ${alarm.firstFrame} for ${alarm.frameCount}: false alarm near ${near}`);
    }
  for (const banner of result.banners) {
    readable += banner.readableCount;
    leaked += banner.leakedFrames.length;
    area += banner.hiddenArea;
    visible += banner.visibleArea;
    banners++;
    if (banner.leakedFrames.length > 0) leaking++;
    const entry = styles.get(banner.style) ?? { readable: 0, leaked: 0, banners: 0 };
    styles.set(banner.style, {
      readable: entry.readable + banner.readableCount,
      leaked: entry.leaked + banner.leakedFrames.length,
      banners: entry.banners + 1,
    });
    if (values.verbose && banner.leakedFrames.length > 0)
      console.log(
        `${name} ${banner.style} from ${banner.firstFrame}: leaked ${banner.leakedFrames.length} of ${banner.readableCount}: ${banner.leakedFrames.slice(0, 12)}`,
      );
  }
}
console.log(
  `${names.length} clips, ${banners} banners (${leaking} leak), ${readable} readable frames, leaked ${((100 * leaked) / readable).toFixed(2)} %; ${alarms} false alarms in ${(seconds / 60).toFixed(1)} min = ${(alarms / (seconds / 3600)).toFixed(1)} an hour; area ${(area / visible).toFixed(2)}`,
);
const worst = [...styles].sort(([, a], [, b]) => b.leaked - a.leaked).slice(0, 12);
console.log(
  worst.map(([style, { readable: all, leaked: some, banners: n }]) => `${style} ${some}/${all} (${n})`).join(", "),
);
