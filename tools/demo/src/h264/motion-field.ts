/** No vector: an intra macroblock, or one outside the slice. */
const NO_VECTOR = 0;
const HAS_VECTOR = 1;

/**
 * The motion vectors of the picture being coded, in whole luma pixels, and their prediction (H.264 §8.4.1).
 *
 * The field has a border of one macroblock on the left, the right and the top that holds no vectors, so that
 * prediction needs no edge cases. Results are left in fields: this runs for every macroblock and allocates nothing.
 */
export class MotionField {
  /** The vector chosen for the macroblock at hand. */
  dx = 0;
  dy = 0;
  /** What a vector is coded against. */
  predictedX = 0;
  predictedY = 0;
  /** The vector that P_Skip implies. */
  skipX = 0;
  skipY = 0;
  readonly #mbWidth: number;
  readonly #width: number;
  readonly #height: number;
  readonly #stride: number;
  readonly #state: Uint8Array;
  readonly #x: Int16Array;
  readonly #y: Int16Array;

  constructor(mbWidth: number, mbHeight: number) {
    this.#mbWidth = mbWidth;
    this.#width = mbWidth * 16;
    this.#height = mbHeight * 16;
    this.#stride = mbWidth + 2;
    const count = this.#stride * (mbHeight + 1);
    this.#state = new Uint8Array(count);
    this.#x = new Int16Array(count);
    this.#y = new Int16Array(count);
  }

  reset(): void {
    this.#state.fill(NO_VECTOR);
    this.#x.fill(0);
    this.#y.fill(0);
  }

  setInter(mb: number, dx: number, dy: number): void {
    const at = this.#place(mb);
    this.#state[at] = HAS_VECTOR;
    this.#x[at] = dx;
    this.#y[at] = dy;
  }

  setIntra(mb: number): void {
    this.#state[this.#place(mb)] = NO_VECTOR;
  }

  #place(mb: number): number {
    const mbY = (mb / this.#mbWidth) | 0;
    return (mbY + 1) * this.#stride + (mb - mbY * this.#mbWidth) + 1;
  }

  /** Whether the displaced macroblock, and the chroma pixel beyond it that an odd vector needs, lie in the picture. */
  isInside(mbX: number, mbY: number, dx: number, dy: number): boolean {
    const x = mbX * 16 + dx;
    const y = mbY * 16 + dy;
    return x >= 0 && y >= 0 && x + 16 + (dx & 1) <= this.#width && y + 16 + (dy & 1) <= this.#height;
  }

  isSkip(dx: number, dy: number): boolean {
    return dx === this.skipX && dy === this.skipY;
  }

  /** Sets `predicted*` and `skip*` for macroblock (`mbX`, `mbY`) from its left, upper and upper right neighbours. */
  predict(mbX: number, mbY: number): void {
    const at = (mbY + 1) * this.#stride + mbX + 1;
    const a = at - 1;
    const b = at - this.#stride;
    // The upper left one stands in where the upper right one is outside the slice.
    const c = mbX + 1 < this.#mbWidth ? b + 1 : b - 1;
    const state = this.#state;
    const vectorCount = state[a]! + state[b]! + state[c]!;
    const isTopRow = mbY === 0;
    if (isTopRow || vectorCount === 1) {
      // In the top row B and C do not exist and take A's place: the median of three equal vectors, or 0.
      const from = isTopRow || state[a]! === HAS_VECTOR ? a : state[b]! === HAS_VECTOR ? b : c;
      this.predictedX = this.#x[from]!;
      this.predictedY = this.#y[from]!;
    } else {
      this.predictedX = median(this.#vectorX(a), this.#vectorX(b), this.#vectorX(c));
      this.predictedY = median(this.#vectorY(a), this.#vectorY(b), this.#vectorY(c));
    }
    const isStill = mbX === 0 || isTopRow || this.#isZeroVector(a) || this.#isZeroVector(b);
    this.skipX = isStill ? 0 : this.predictedX;
    this.skipY = isStill ? 0 : this.predictedY;
  }

  #vectorX(at: number): number {
    return this.#state[at] === HAS_VECTOR ? this.#x[at]! : 0;
  }

  #vectorY(at: number): number {
    return this.#state[at] === HAS_VECTOR ? this.#y[at]! : 0;
  }

  #isZeroVector(at: number): boolean {
    return this.#state[at] === HAS_VECTOR && this.#x[at] === 0 && this.#y[at] === 0;
  }
}

function median(a: number, b: number, c: number): number {
  return a > b ? (b > c ? b : a > c ? c : a) : a > c ? a : b > c ? c : b;
}
