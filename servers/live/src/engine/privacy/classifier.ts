/**
 * A sum of small decision trees, each complete and of the same depth, as data.
 *
 * A tree's questions are in breadth-first order: question i is followed by 2i + 1 if the feature is below the threshold
 * and by 2i + 2 if not; after `depth` questions comes an answer, in log-odds.
 */
export interface ClassifierModel {
  readonly depth: number;
  /** Added to the sum of all answers. */
  readonly bias: number;
  /** What the trees ask for, by number. */
  readonly features: readonly string[];
  /** Each tree as text: its questions' features, their thresholds, its answers, parted by bars. */
  readonly trees: readonly string[];
}

/** Features are numbered in a byte. */
const FEATURE_LIMIT = 256;

/** Runs a model: log-odds that a candidate is a banner. Allocates nothing per call. */
export class Classifier {
  readonly #depth: number;
  readonly #bias: number;
  readonly #treeCount: number;
  readonly #features: Uint8Array;
  /** See {@link rankBits}. */
  readonly #thresholds: Int32Array;
  readonly #answers: Float32Array;
  readonly #values: Float32Array;
  readonly #bits: Int32Array;
  readonly #ranks: Int32Array;

  /** @throws RangeError if a tree has not as many questions and answers as the depth asks for. */
  constructor({ depth, bias, trees }: ClassifierModel) {
    const questionCount = 2 ** depth - 1;
    this.#depth = depth;
    this.#bias = bias;
    this.#treeCount = trees.length;
    this.#features = new Uint8Array(trees.length * questionCount);
    this.#thresholds = new Int32Array(trees.length * questionCount);
    const numbers = new Float32Array(trees.length * questionCount);
    this.#answers = new Float32Array(trees.length * (questionCount + 1));
    for (const [index, text] of trees.entries()) {
      const [features = [], thresholds = [], answers = []] = text
        .split("|")
        .map((part) => part.trim().split(" ").map(Number));
      const isComplete =
        features.length === questionCount &&
        thresholds.length === questionCount &&
        answers.length === questionCount + 1;
      if (!isComplete) throw new RangeError(`Cannot load tree ${index} of a model: it is not of depth ${depth}`);
      this.#features.set(features, index * questionCount);
      numbers.set(thresholds, index * questionCount);
      this.#answers.set(answers, index * (questionCount + 1));
    }
    rankBits(new Int32Array(numbers.buffer), numbers.length, this.#thresholds);
    this.#values = new Float32Array(FEATURE_LIMIT);
    this.#bits = new Int32Array(this.#values.buffer);
    this.#ranks = new Int32Array(FEATURE_LIMIT);
  }

  /**
   * Numbers are compared by their bits: whether one is below another is as good as random, and a branch that nobody can
   * foresee costs more than all the rest.
   *
   * @returns Log-odds: above 0 more likely a banner than not.
   */
  score(values: Float32Array): number {
    const features = this.#features;
    const thresholds = this.#thresholds;
    const ranks = this.#ranks;
    const depth = this.#depth;
    const answerCount = 1 << depth;
    const questionCount = answerCount - 1;
    this.#values.set(values);
    rankBits(this.#bits, values.length, ranks);
    let sum = this.#bias;
    for (let tree = 0; tree < this.#treeCount; tree++) {
      const base = tree * questionCount;
      let node = 0;
      for (let level = 0; level < depth; level++) {
        const at = base + node;
        const value = ranks[features[at] as number] as number;
        const threshold = thresholds[at] as number;
        const distance = (value - threshold) | 0;
        // The sign of the distance, put right where it does not fit 32 bits: -1 if the value is below the threshold.
        node = 2 * node + 2 + ((distance ^ ((value ^ threshold) & (distance ^ value))) >> 31);
      }
      sum += this.#answers[tree * answerCount + node - questionCount] as number;
    }
    return sum;
  }
}

/** From the bits of 32-bit numbers that are not NaN, integers in the same order; both zeros are 0. */
function rankBits(bits: Int32Array, count: number, into: Int32Array): void {
  for (let i = 0; i < count; i++) {
    const bit = bits[i] as number;
    into[i] = bit < 0 ? (0x8000_0000 - bit) | 0 : bit;
  }
}

/** Log-odds as a probability, 0 to 1. */
export function toProbability(logOdds: number): number {
  return 1 / (1 + Math.exp(-logOdds));
}
