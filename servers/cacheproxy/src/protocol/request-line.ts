/** Tokens whose bounds are kept; a request with more is either refused or has keys, which are walked. */
const KEPT_TOKENS = 24;

const SPACE = 32;
const LF = 10;
const CR = 13;
const NUL = 0;

/**
 * Bounds of the words of one command line. Only spaces part words (not tabs), only one CR before the LF is dropped, and
 * a NUL hides the rest of the line: memcached handles lines as C strings.
 */
export class RequestLine {
  /** Positions of token i, `starts[i]` to `ends[i]`; of the first {@link KEPT_TOKENS} only. */
  readonly starts = new Int32Array(KEPT_TOKENS);
  readonly ends = new Int32Array(KEPT_TOKENS);
  /** How many tokens there are, also beyond those kept. */
  count = 0;
  /** Length of the longest token but the first. */
  longestBytes = 0;
  /** Where the words end: nothing but spaces lie between the last token and this. */
  wordsEnd = 0;
  hasNul = false;

  /**
   * Splits the line at `start`.
   *
   * @returns Position after its LF, or -1 if it has none before `end`.
   */
  read(bytes: Uint8Array, start: number, end: number): number {
    const { starts, ends } = this;
    let count = 0;
    let longestBytes = 0;
    let at = start;
    for (;;) {
      while (at < end && bytes[at] === SPACE) at++;
      const tokenStart = at;
      let byte = SPACE;
      while (at < end) {
        byte = bytes[at] as number;
        if (byte <= SPACE && (byte === SPACE || byte === LF || byte === NUL)) break;
        at++;
      }
      if (at === end) return -1;

      // memcached leaves the CR of a line that is nothing else; it is an unknown command then, as no command is.
      const tokenEnd = byte === LF && at > tokenStart && bytes[at - 1] === CR ? at - 1 : at;
      if (tokenEnd > tokenStart) {
        if (count < KEPT_TOKENS) {
          starts[count] = tokenStart;
          ends[count] = tokenEnd;
        }
        if (count > 0 && tokenEnd - tokenStart > longestBytes) longestBytes = tokenEnd - tokenStart;
        count++;
      }
      if (byte === SPACE) continue;

      const hasNul = byte === NUL;
      while (byte !== LF) {
        if (++at === end) return -1;
        byte = bytes[at] as number;
      }
      this.count = count;
      this.longestBytes = longestBytes;
      this.wordsEnd = tokenEnd;
      this.hasNul = hasNul;
      return at + 1;
    }
  }
}
