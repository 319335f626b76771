const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const ESCAPE = 0x5c;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;

/** Beyond so many groups of `*` Redis gives up, and so a pattern of more matches nothing (but for a last `*`). */
const MAX_STARS = 1_000;

/*
 * Redis matches by recursion at every `*`, and stops everything once the innermost one has tried all places. That is the
 * same as to remember the latest `*` only: what an earlier one took can never have to grow, as the latest already
 * searched every place behind it. So two positions are all the state, and the worst case is pattern x text.
 *
 * What looks odd is Redis's own and kept: an empty text matches the empty pattern only, not even `*`; `[` needs no `]`;
 * `[a-]` is a range up to `]`; ranges compare signed bytes and may stand the wrong way round; a byte escaped inside
 * brackets is compared exactly even when case is ignored. Behind the last byte of a pattern stands a zero.
 */

/**
 * Whether `text[textStart, textEnd)` matches the glob `pattern[patternStart, patternEnd)`: `*`, `?`, `[a-z]`, `[^a]`,
 * `\` before a byte that stands for itself. Allocates nothing.
 *
 * @param ignoresCase Compares ASCII letters without their case, as CONFIG GET does; KEYS and channels do not.
 * @see Redis 7.0.15, KEYS, PSUBSCRIBE, SCAN MATCH, ACL key patterns
 */
export function matchesGlob(
  pattern: Uint8Array,
  patternStart: number,
  patternEnd: number,
  text: Uint8Array,
  textStart: number,
  textEnd: number,
  ignoresCase: boolean,
): boolean {
  let p = patternStart;
  let t = textStart;
  let starCount = 0;
  let retryPattern = -1; // behind the latest star
  let retryText = 0;
  if (t === textEnd) return p === patternEnd;
  while (true) {
    if (t < textEnd && p < patternEnd && pattern[p] === STAR) {
      while (p < patternEnd && pattern[p] === STAR) p++;
      if (p === patternEnd) return true;
      if (++starCount > MAX_STARS) return false;
      retryPattern = p;
      retryText = t;
      continue;
    }
    if (t < textEnd && p < patternEnd) {
      const next = stepOver(pattern, p, patternEnd, text[t]!, ignoresCase);
      if (next >= 0) {
        p = next;
        t++;
        if (t < textEnd) continue;
        while (p < patternEnd && pattern[p] === STAR) p++;
        if (p === patternEnd) return true;
      }
    }
    // The text is used up while the pattern wants more: no later start can help. Else the latest star takes one more.
    if (retryPattern < 0 || ++retryText >= textEnd) return false;
    p = retryPattern;
    t = retryText;
  }
}

/** Where the pattern goes on after its element at `at` took `byte`; -1 when it does not take it. */
function stepOver(pattern: Uint8Array, at: number, end: number, byte: number, ignoresCase: boolean): number {
  let p = at;
  let wanted = pattern[p]!;
  if (wanted === QUESTION) return p + 1;
  if (wanted === OPEN) return stepOverSet(pattern, p + 1, end, byte, ignoresCase);
  if (wanted === ESCAPE && p + 1 < end) wanted = pattern[++p]!;
  const isSame = wanted === byte || (ignoresCase && lower(wanted) === lower(byte));
  return isSame ? p + 1 : -1;
}

function stepOverSet(pattern: Uint8Array, at: number, end: number, byte: number, ignoresCase: boolean): number {
  let p = at;
  const isNegated = p < end && pattern[p] === CARET;
  if (isNegated) p++;
  let isIn = false;
  while (p < end) {
    const first = pattern[p]!;
    if (first === ESCAPE && p + 1 < end) {
      p++;
      if (pattern[p] === byte) isIn = true;
    } else if (first === CLOSE) {
      p++;
      break;
    } else if (p + 2 < end && pattern[p + 1] === DASH) {
      if (isInRange(first, pattern[p + 2]!, byte, ignoresCase)) isIn = true;
      p += 2;
    } else if (first === byte || (ignoresCase && lower(first) === lower(byte))) {
      isIn = true;
    }
    p++;
  }
  return isIn === isNegated ? -1 : p;
}

function isInRange(first: number, last: number, byte: number, ignoresCase: boolean): boolean {
  let low = signed(first);
  let high = signed(last);
  if (low > high) {
    low = high;
    high = signed(first);
  }
  // Redis turns the range round before it drops the case, so `[Z-a]` without case is empty.
  if (ignoresCase) return signed(lower(byte)) >= lower(low) && signed(lower(byte)) <= lower(high);
  return signed(byte) >= low && signed(byte) <= high;
}

/** Takes signed bytes too: no letter is negative. */
function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}
