import { compareBytes } from "./member-record.ts";

const PLUS = 43;
const MINUS = 45;
const OPEN = 40;
const BRACKET = 91;

/** A range of names, as ZRANGEBYLEX takes it. The bounds alias the arguments. */
export class LexRange {
  readonly #min: Uint8Array;
  readonly #max: Uint8Array;
  readonly #minSign: number;
  readonly #maxSign: number;

  private constructor(min: Uint8Array, max: Uint8Array) {
    this.#minSign = signOf(min);
    this.#maxSign = signOf(max);
    this.#min = min.subarray(1);
    this.#max = max.subarray(1);
  }

  /** `undefined` if one of the bounds is neither `-`, `+`, `[name` nor `(name`. */
  static parse(min: Uint8Array, max: Uint8Array): LexRange | undefined {
    const range = new LexRange(min, max);
    return range.#minSign === 0 || range.#maxSign === 0 ? undefined : range;
  }

  /** One bound leaves nothing: `+` as the lower or `-` as the upper one. */
  get #isEmpty(): boolean {
    return this.#minSign === PLUS || this.#maxSign === MINUS;
  }

  /** Whether a name lies before the range. */
  isBelow(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#isEmpty) return true;
    if (this.#minSign === MINUS) return false;
    const order = compareBytes(bytes, start, end, this.#min, 0, this.#min.length);
    return this.#minSign === OPEN ? order <= 0 : order < 0;
  }

  /** Whether a name lies behind the range. */
  isAbove(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#isEmpty) return true;
    if (this.#maxSign === PLUS) return false;
    const order = compareBytes(bytes, start, end, this.#max, 0, this.#max.length);
    return this.#maxSign === OPEN ? order >= 0 : order > 0;
  }
}

function signOf(bound: Uint8Array): number {
  const sign = bound[0] ?? 0;
  if (sign === OPEN || sign === BRACKET) return sign;
  if (sign !== PLUS && sign !== MINUS) return 0;
  // Redis looks no further than a zero byte.
  return bound.length === 1 || bound[1] === 0 ? sign : 0;
}
