// node bench/blur/training/collect.ts --clips .cache/blur-training/clips --out .cache/blur-training/examples
// Runs the detector's search over clips and writes each candidate's features with what it was, for train.ts.
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createPlainKernels, type Region } from "@kagami/kernels";
import { layOutBand, toPicture } from "../../../servers/live/src/engine/privacy/band.ts";
import { BANNER_MODEL, OUTLINE_MODEL } from "../../../servers/live/src/engine/privacy/banner-model.ts";
import { Classifier } from "../../../servers/live/src/engine/privacy/classifier.ts";
import { FEATURE_COUNT } from "../../../servers/live/src/engine/privacy/features.ts";
import { Looker } from "../../../servers/live/src/engine/privacy/looker.ts";
import { profilesFor } from "../../../servers/live/src/engine/privacy/profiles.ts";
import { SceneMemory } from "../../../servers/live/src/engine/privacy/scenes.ts";
import { ScreenFinder } from "../../../servers/live/src/engine/privacy/screen.ts";
import { type CardLabel, readClip } from "../corpus/index.ts";
import { EXAMPLE_HEAD, judge } from "./judge.ts";

const { values } = parseArgs({
  options: {
    clips: { type: "string", default: ".cache/blur-training/clips" },
    out: { type: "string", default: ".cache/blur-training/examples" },
  },
});

await mkdir(values.out, { recursive: true });
const names = (await readdir(values.clips)).filter((name) => name.endsWith(".mp4.json")).sort();
const totals = { readable: 0, found: 0 };
for (const name of names) {
  const clip = name.slice(0, -".json".length);
  const target = join(values.out, `${clip}.bin`);
  if (await stat(target).catch(() => undefined)) continue;
  const found = await collect(join(values.clips, clip), target);
  totals.readable += found.readable;
  totals.found += found.found;
  const missed = found.missed.map(([style, count]) => `${style} ${count}`).join(", ");
  console.log(
    `${clip}: ${found.examples} examples, ${found.found} of ${found.readable} readable frames; missed ${missed}`,
  );
}
console.log(`in all ${totals.found} of ${totals.readable}`);

/** What the detector would have found and follow, and for which it keeps what was there before. */
function isShown({ kind, visibleFraction, opacity }: CardLabel): boolean {
  return kind !== "distractor" && visibleFraction > 0.4 && opacity > 0.6;
}

async function collect(path: string, target: string) {
  const memory = new SceneMemory(createPlainKernels());
  const finder = new ScreenFinder();
  const outlines = new Classifier(OUTLINE_MODEL);
  const banners = new Classifier(BANNER_MODEL);
  const rows: Float32Array[] = [];
  const missed = new Map<string, number>();
  let screen: Region | undefined;
  let looker: Looker | undefined;
  let readable = 0;
  let found = 0;
  for await (const { frame, index, timeUs, labels } of readClip(path)) {
    const nowScreen = finder.find(frame.y, timeUs);
    if (nowScreen !== screen) {
      screen = nowScreen;
      const band = layOutBand(screen);
      looker = band && new Looker(memory, band, profilesFor("any", band.isPortrait));
    }
    const scene = looker?.look(frame, timeUs, labels.cards.some(isShown));
    if (!looker || !scene) continue;
    looker.sight(scene, outlines, banners);
    const good = new Set<CardLabel>();
    for (let i = 0; i < looker.count; i++) {
      const sighting = looker.at(i);
      const region = toPicture(
        looker.band,
        sighting.left,
        sighting.top,
        looker.band.width - sighting.left,
        sighting.bottom,
      );
      const { verdict, card, share } = judge(region, labels.cards, looker.band);
      if (verdict === "good" && card) good.add(card);
      if (verdict === "other") continue;
      const row = new Float32Array(EXAMPLE_HEAD + FEATURE_COUNT);
      row[0] = index;
      row[1] = verdict === "good" ? 1 : verdict === "part" ? 2 : 0;
      row[2] = card?.isTextReadable ? 1 : 0;
      row[3] = share;
      row.set(looker.featuresOf(scene, sighting), EXAMPLE_HEAD);
      rows.push(row);
    }
    for (const card of labels.cards) {
      if (card.kind !== "banner" || !card.isTextReadable) continue;
      readable++;
      if (good.has(card)) found++;
      else missed.set(card.style, (missed.get(card.style) ?? 0) + 1);
    }
  }
  const all = new Float32Array(rows.length * (EXAMPLE_HEAD + FEATURE_COUNT));
  for (const [i, row] of rows.entries()) all.set(row, i * row.length);
  await writeFile(target, new Uint8Array(all.buffer));
  return { examples: rows.length, readable, found, missed: [...missed] };
}
