/** Examples as columns: value of feature f of example i is at `f * count + i`. */
export interface Examples {
  readonly count: number;
  readonly featureCount: number;
  readonly values: Float32Array;
  /** 1 is a banner, 0 is none. */
  readonly labels: Uint8Array;
  readonly weights: Float32Array;
}

export interface BoostSettings {
  readonly treeCount: number;
  readonly depth: number;
  /** Share of each tree's answer that is kept. */
  readonly rate: number;
  /** Added to the sum of curvatures: holds back answers from few examples. */
  readonly ridge: number;
  /** Least sum of curvatures on each side of a question. */
  readonly leastCurvature: number;
  /** Thresholds tried for each feature. */
  readonly binCount: number;
  /** Whether a feature, by number, may be asked for. */
  readonly mayUse: (feature: number) => boolean;
}

export interface BoostedTree {
  readonly features: readonly number[];
  readonly thresholds: readonly number[];
  readonly answers: readonly number[];
}

export interface BoostedModel {
  readonly bias: number;
  readonly depth: number;
  readonly trees: readonly BoostedTree[];
}

/**
 * Gradient boosting of complete trees with the logistic loss, on binned features, by second-order gains. Deterministic.
 *
 * @param progress Told the mean loss after every tenth tree.
 */
export function boost(examples: Examples, settings: BoostSettings, progress: (text: string) => void): BoostedModel {
  const { count, labels, weights } = examples;
  const binned = binFeatures(examples, settings.binCount);
  let positive = 0;
  let total = 0;
  for (let i = 0; i < count; i++) {
    total += weights[i]!;
    if (labels[i] === 1) positive += weights[i]!;
  }
  const bias = Math.log(positive / (total - positive));
  const scores = new Float64Array(count).fill(bias);
  const gradients = new Float64Array(count);
  const curvatures = new Float64Array(count);
  const trees: BoostedTree[] = [];
  for (let t = 0; t < settings.treeCount; t++) {
    let loss = 0;
    for (let i = 0; i < count; i++) {
      const p = 1 / (1 + Math.exp(-scores[i]!));
      gradients[i] = weights[i]! * (labels[i]! - p);
      curvatures[i] = weights[i]! * Math.max(p * (1 - p), 1e-9);
      loss -= weights[i]! * Math.log(Math.max(labels[i] === 1 ? p : 1 - p, 1e-12));
    }
    if (t % 10 === 0) progress(`tree ${t}: loss ${(loss / total).toFixed(5)}`);
    trees.push(growTree(examples, binned, gradients, curvatures, scores, settings));
  }
  return { bias, depth: settings.depth, trees };
}

interface Binned {
  /** `f * count + i`, as values. */
  readonly bins: Uint8Array;
  /** For each feature the upper limits of its bins, without the last. */
  readonly limits: readonly Float32Array[];
}

function binFeatures({ count, featureCount, values }: Examples, binCount: number): Binned {
  const bins = new Uint8Array(count * featureCount);
  const limits: Float32Array[] = [];
  const step = Math.max(1, Math.floor(count / 50_000));
  for (let f = 0; f < featureCount; f++) {
    const sample: number[] = [];
    for (let i = 0; i < count; i += step) sample.push(values[f * count + i]!);
    sample.sort((a, b) => a - b);
    const cuts = new Set<number>();
    for (let b = 1; b < binCount; b++) {
      const value = sample[Math.floor((b * sample.length) / binCount)]!;
      if (value > sample[0]!) cuts.add(value);
    }
    const sorted = Float32Array.from(cuts).sort();
    limits.push(sorted);
    for (let i = 0; i < count; i++) {
      const value = values[f * count + i]!;
      let low = 0;
      let high = sorted.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (value < sorted[middle]!) high = middle;
        else low = middle + 1;
      }
      bins[f * count + i] = low;
    }
  }
  return { bins, limits };
}

function growTree(
  { count, featureCount }: Examples,
  { bins, limits }: Binned,
  gradients: Float64Array,
  curvatures: Float64Array,
  scores: Float64Array,
  { depth, binCount, ridge, rate, leastCurvature, mayUse }: BoostSettings,
): BoostedTree {
  const features: number[] = [];
  const thresholds: number[] = [];
  const nodes = new Uint8Array(count);
  for (let level = 0; level < depth; level++) {
    const width = 1 << level;
    const best = Array.from({ length: width }, () => ({ gain: 0, feature: 0, bin: -1 }));
    const g = new Float64Array(width * binCount);
    const h = new Float64Array(width * binCount);
    for (let f = 0; f < featureCount; f++) {
      if (!mayUse(f)) continue;
      g.fill(0);
      h.fill(0);
      const base = f * count;
      for (let i = 0; i < count; i++) {
        const at = nodes[i]! * binCount + bins[base + i]!;
        g[at]! += gradients[i]!;
        h[at]! += curvatures[i]!;
      }
      for (let node = 0; node < width; node++) {
        let gTotal = 0;
        let hTotal = 0;
        for (let b = 0; b < binCount; b++) {
          gTotal += g[node * binCount + b]!;
          hTotal += h[node * binCount + b]!;
        }
        const whole = (gTotal * gTotal) / (hTotal + ridge);
        let gLeft = 0;
        let hLeft = 0;
        for (let b = 0; b < limits[f]!.length; b++) {
          gLeft += g[node * binCount + b]!;
          hLeft += h[node * binCount + b]!;
          const hRight = hTotal - hLeft;
          if (hLeft < leastCurvature || hRight < leastCurvature) continue;
          const gRight = gTotal - gLeft;
          const gain = (gLeft * gLeft) / (hLeft + ridge) + (gRight * gRight) / (hRight + ridge) - whole;
          if (gain > best[node]!.gain) best[node] = { gain, feature: f, bin: b };
        }
      }
    }
    for (let node = 0; node < width; node++) {
      const { feature, bin } = best[node]!;
      features.push(feature);
      thresholds.push(bin < 0 ? Number.MAX_VALUE : limits[feature]![bin]!);
    }
    for (let i = 0; i < count; i++) {
      const node = nodes[i]!;
      const { feature, bin } = best[node]!;
      nodes[i] = 2 * node + (bin < 0 || bins[feature * count + i]! <= bin ? 0 : 1);
    }
  }
  const g = new Float64Array(1 << depth);
  const h = new Float64Array(1 << depth);
  for (let i = 0; i < count; i++) {
    g[nodes[i]!]! += gradients[i]!;
    h[nodes[i]!]! += curvatures[i]!;
  }
  const answers = Array.from(g, (sum, leaf) => (rate * sum) / (h[leaf]! + ridge));
  for (let i = 0; i < count; i++) scores[i]! += answers[nodes[i]!]!;
  return { features, thresholds, answers };
}
