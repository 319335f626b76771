// node bench/blur/training/train.ts --examples .cache/blur-training/examples
// Fits the classifier to what collect.ts has written and puts it into the detector's banner-model.ts. Every fifth clip is
// kept back to see how it does on clips it was not fitted to; the model that is written is fitted to all.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Classifier, type ClassifierModel } from "../../../servers/live/src/engine/privacy/classifier.ts";
import { FEATURE_COUNT, FEATURE_NAMES, INSIDE_FEATURES } from "../../../servers/live/src/engine/privacy/features.ts";
import { type BoostedModel, type BoostSettings, boost, type Examples } from "./boost.ts";
import { EXAMPLE_HEAD } from "./judge.ts";

const { values } = parseArgs({
  options: {
    examples: { type: "string", default: ".cache/blur-training/examples" },
    out: { type: "string", default: "servers/live/src/engine/privacy/banner-model.ts" },
    trees: { type: "string", default: "160" },
    skipTest: { type: "boolean", default: false },
  },
});

const SETTINGS: BoostSettings = {
  treeCount: Number(values.trees),
  depth: 4,
  rate: 0.15,
  ridge: 2,
  leastCurvature: 1,
  binCount: 48,
  mayUse: () => true,
};
/** The quick classifier, which only keeps off what is clearly nothing. */
const OUTLINE_SETTINGS: BoostSettings = {
  ...SETTINGS,
  treeCount: 30,
  rate: 0.25,
  mayUse: (feature) => feature < INSIDE_FEATURES.from || feature >= INSIDE_FEATURES.to,
};
/** A candidate that is on a banner but not at its outline is no such mistake as one that is elsewhere. */
const PART_WEIGHT = 0.25;
/** A banner that is missed is worse than a false alarm, and there are fewer of them. */
const BANNER_WEIGHT = 2.5;
const KEPT_BACK_EVERY = 5;

const names = (await readdir(values.examples)).filter((name) => name.endsWith(".bin")).sort();
const rows = await Promise.all(names.map((name) => readRows(join(values.examples, name))));
if (!values.skipTest) {
  const fitted = fitModel(
    SETTINGS,
    rows.filter((_, i) => i % KEPT_BACK_EVERY !== KEPT_BACK_EVERY - 1),
  );
  report(
    fitted,
    rows.filter((_, i) => i % KEPT_BACK_EVERY === KEPT_BACK_EVERY - 1),
  );
}
const model = fitModel(SETTINGS, rows);
const outline = fitModel(OUTLINE_SETTINGS, rows);
report(outline, rows);
await writeFile(values.out, render(model, outline, names.length));

async function readRows(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

function fitModel(settings: BoostSettings, clips: readonly Float32Array[]): ClassifierModel {
  const width = EXAMPLE_HEAD + FEATURE_COUNT;
  const count = clips.reduce((sum, clip) => sum + clip.length / width, 0);
  const examples: Examples = {
    count,
    featureCount: FEATURE_COUNT,
    values: new Float32Array(count * FEATURE_COUNT),
    labels: new Uint8Array(count),
    weights: new Float32Array(count),
  };
  let i = 0;
  for (const clip of clips) {
    for (let at = 0; at < clip.length; at += width, i++) {
      const kind = clip[at + 1];
      examples.labels[i] = kind === 1 ? 1 : 0;
      examples.weights[i] = kind === 2 ? PART_WEIGHT : kind === 1 ? BANNER_WEIGHT : 1;
      for (let f = 0; f < FEATURE_COUNT; f++) examples.values[f * count + i] = clip[at + EXAMPLE_HEAD + f]!;
    }
  }
  console.log(`${count} examples, ${examples.labels.reduce((sum, label) => sum + label, 0)} of banners`);
  return toModel(boost(examples, settings, (text) => console.log(text)));
}

function toModel({ bias, depth, trees }: BoostedModel): ClassifierModel {
  const precise = (value: number): number => Number(value.toPrecision(5));
  const lines = trees.map(({ features, thresholds, answers }) =>
    [features, thresholds.map(precise), answers.map(precise)].map((part) => part.join(" ")).join(" | "),
  );
  return { depth, bias: precise(bias), features: FEATURE_NAMES, trees: lines };
}

/** For some thresholds: frames in which a banner's best candidate is over it, and frames without where some is. */
function report(model: ClassifierModel, clips: readonly Float32Array[]): void {
  const classifier = new Classifier(model);
  const width = EXAMPLE_HEAD + FEATURE_COUNT;
  const withBanner: number[] = [];
  const without: number[] = [];
  for (const clip of clips) {
    const best = new Map<number, { score: number; isBanner: boolean; noneScore: number }>();
    for (let at = 0; at < clip.length; at += width) {
      const score = classifier.score(clip.subarray(at + EXAMPLE_HEAD, at + width));
      const frame = clip[at]!;
      const entry = best.get(frame) ?? { score: -99, isBanner: false, noneScore: -99 };
      if (clip[at + 1] === 1 && clip[at + 2] === 1) {
        entry.isBanner = true;
        entry.score = Math.max(entry.score, score);
      } else if (clip[at + 1] === 0) entry.noneScore = Math.max(entry.noneScore, score);
      best.set(frame, entry);
    }
    for (const entry of best.values()) {
      if (entry.isBanner) withBanner.push(entry.score);
      else without.push(entry.noneScore);
    }
  }
  for (const threshold of [-3, -2, -1, 0, 1, 2, 3, 4]) {
    const share = (scores: number[]): string =>
      ((100 * scores.filter((score) => score >= threshold).length) / Math.max(1, scores.length)).toFixed(2);
    console.log(
      `over ${threshold}: ${share(withBanner)} % of frames with a good candidate, ${share(without)} % of others`,
    );
  }
}

function render(model: ClassifierModel, outline: ClassifierModel, clipCount: number): string {
  return `import type { ClassifierModel } from "./classifier.ts";
import { FEATURE_NAMES } from "./features.ts";

// Written by bench/blur/training/train.ts from ${clipCount} clips of the corpus's train set. Do not edit.

/** How much a rectangle looks like a banner, by all of its features. */
export const BANNER_MODEL: ClassifierModel = ${renderModel(model)};

/** The same by the quick features only. */
export const OUTLINE_MODEL: ClassifierModel = ${renderModel(outline)};
`;
}

function renderModel({ depth, bias, trees }: ClassifierModel): string {
  return `{
  depth: ${depth},
  bias: ${bias},
  features: FEATURE_NAMES,
  trees: [
${trees.map((line) => `    "${line}",`).join("\n")}
  ],
}`;
}
