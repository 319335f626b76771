import type { Call } from "../call.ts";
import { matchesGlob } from "../glob.ts";
import { SYNTAX_ERROR } from "../replies.ts";

const DEFAULT_COUNT = 10;

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
