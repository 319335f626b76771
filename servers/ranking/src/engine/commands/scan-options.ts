import type { Call } from "../call.ts";
import { matchesGlob } from "../glob.ts";
import { SYNTAX_ERROR } from "../replies.ts";

const DEFAULT_COUNT = 10;
const MAX_CURSOR = 18_446_744_073_709_551_615n;

/**
 * A cursor as Redis reads it: decimals, perhaps with a sign, nothing else; nothing at all is 0.
 *
 * @returns NaN, and the error is replied, if it is none.
 */
export function scanCursor(call: Call, index: number): number {
  const text = call.args.text(index);
  if ((text === "" || /^[+-]?\d+$/.test(text)) && BigInt(text.replace(/^[+-]/, "")) <= MAX_CURSOR) {
    return Math.abs(Number(text)) % 2 ** 32;
  }
  call.reply.error("ERR invalid cursor");
  return Number.NaN;
}

/** `MATCH pattern` and `COUNT count` of HSCAN and SSCAN. */
export class ScanOptions {
  readonly count: number;
  readonly #call: Call;
  /** Argument that is the pattern, or 0. */
  readonly #pattern: number;

  private constructor(call: Call, count: number, pattern: number) {
    this.#call = call;
    this.count = count;
    this.#pattern = pattern;
  }

  /** Reads them from argument `first` on; `undefined`, and the error is replied, if they are wrong. */
  static read(call: Call, first: number): ScanOptions | undefined {
    const { args, reply } = call;
    let count = DEFAULT_COUNT;
    let pattern = 0;
    for (let index = first; index < args.count; index += 2) {
      const hasValue = index + 1 < args.count;
      if (hasValue && args.isWord(index, "MATCH")) pattern = index + 1;
      else if (hasValue && args.isWord(index, "COUNT")) {
        count = call.integer(index + 1);
        if (Number.isNaN(count)) return undefined;
        if (count < 1) {
          reply.error(SYNTAX_ERROR);
          return undefined;
        }
      } else {
        reply.error(SYNTAX_ERROR);
        return undefined;
      }
    }
    return new ScanOptions(call, count, pattern);
  }

  /** Whether a name is to be returned. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    const { args } = this.#call;
    const at = this.#pattern;
    if (at === 0 || (args.sizeOf(at) === 1 && args.bytes[args.starts[at]!] === 0x2a)) return true;
    return matchesGlob(args.bytes, args.starts[at]!, args.ends[at]!, bytes, start, end, false);
  }
}
