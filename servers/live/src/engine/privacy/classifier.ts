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

/** Runs a model: log-odds that a candidate is a banner. Allocates nothing per call. */
export class Classifier {
  readonly #depth: number;
  readonly #bias: number;
  readonly #treeCount: number;
  readonly #features: Uint8Array;
  readonly #thresholds: Float32Array;
  readonly #answers: Float32Array;

  /** @throws RangeError if a tree has not as many questions and answers as the depth asks for. */
  constructor({ depth, bias, trees }: ClassifierModel) {
    const questionCount = 2 ** depth - 1;
    this.#depth = depth;
    this.#bias = bias;
    this.#treeCount = trees.length;
    this.#features = new Uint8Array(trees.length * questionCount);
    this.#thresholds = new Float32Array(trees.length * questionCount);
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
      this.#thresholds.set(thresholds, index * questionCount);
      this.#answers.set(answers, index * (questionCount + 1));
    }
  }

  /** @returns Log-odds: above 0 more likely a banner than not. */
  score(values: Float32Array): number {
    const depth = this.#depth;
    const answerCount = 1 << depth;
    const questionCount = answerCount - 1;
    let sum = this.#bias;
    for (let tree = 0; tree < this.#treeCount; tree++) {
      const base = tree * questionCount;
      let node = 0;
      for (let level = 0; level < depth; level++) {
        const at = base + node;
        const value = values[this.#features[at] as number] as number;
        node = 2 * node + (value < (this.#thresholds[at] as number) ? 1 : 2);
      }
      sum += this.#answers[tree * answerCount + node - questionCount] as number;
    }
    return sum;
  }
}

/** Log-odds as a probability, 0 to 1. */
export function toProbability(logOdds: number): number {
  return 1 / (1 + Math.exp(-logOdds));
}
