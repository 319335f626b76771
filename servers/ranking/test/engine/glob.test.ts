import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchesGlob } from "../../src/engine/glob.ts";

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function matches(pattern: string, text: string, ignoresCase = false): boolean {
  return matchesGlob(bytes(pattern), 0, pattern.length, bytes(text), 0, text.length, ignoresCase);
}

test.each([
  { pattern: "", text: "", is: true, why: "nothing is nothing" },
  { pattern: "*", text: "", is: false, why: "Redis compares nothing with the empty text" },
  { pattern: "*", text: "a", is: true, why: "a star takes all" },
  { pattern: "a*", text: "a", is: true, why: "a star takes nothing" },
  { pattern: "a**", text: "a", is: true, why: "many stars are one" },
  { pattern: "*a", text: "aab", is: false, why: "the end must fit too" },
  { pattern: "*ab*cd*", text: "xabxcxcdx", is: true, why: "each star takes as much as it needs" },
  { pattern: "*aab", text: "aaab", is: true, why: "a false start is taken back" },
  { pattern: "a?c", text: "abc", is: true, why: "? is one byte" },
  { pattern: "a?", text: "a", is: false, why: "? is not none" },
  { pattern: "h[ae]llo", text: "hello", is: true, why: "one of a set" },
  { pattern: "h[^e]llo", text: "hello", is: false, why: "none of a set" },
  { pattern: "h[a-c]llo", text: "hbllo", is: true, why: "a range" },
  { pattern: "h[c-a]llo", text: "hbllo", is: true, why: "a range the wrong way round" },
  { pattern: "[]a", text: "a", is: false, why: "an empty set takes nothing" },
  { pattern: "[^]", text: "a", is: true, why: "not in an empty set" },
  { pattern: "[ab", text: "b", is: true, why: "the end closes a set" },
  { pattern: "[a-", text: "-", is: true, why: "a range without its end is two bytes" },
  { pattern: "[a-]", text: "_", is: true, why: "a range up to ]" },
  { pattern: "[\\]]", text: "]", is: true, why: "an escape inside a set" },
  { pattern: "\\*", text: "*", is: true, why: "an escaped star is a byte" },
  { pattern: "\\*", text: "a", is: false, why: "an escaped star is a byte" },
  { pattern: "a\\", text: "a\\", is: true, why: "a last backslash is a byte" },
  { pattern: "[\x80-a]", text: "\xff", is: true, why: "ranges compare signed bytes" },
  { pattern: "[a-\xff]", text: "\x80", is: false, why: "-1 to 97 has no -128" },
])("'$pattern' and '$text' give $is: $why", ({ pattern, text, is }) => {
  expect(matches(pattern, text)).toBe(is);
});

test.each([
  { pattern: "MAX*", text: "maxmemory", is: true, why: "letters have no case" },
  { pattern: "[A-C]", text: "b", is: true, why: "ranges have no case" },
  { pattern: "[Z-a]", text: "b", is: false, why: "turned round first, lowered then: z to a is empty" },
  { pattern: "[\\A]", text: "a", is: false, why: "an escape inside a set is exact" },
  { pattern: "\\A", text: "a", is: true, why: "an escape outside is not" },
  { pattern: "\xc0", text: "\xe0", is: false, why: "only ASCII has a case" },
])("without case '$pattern' and '$text' give $is: $why", ({ pattern, text, is }) => {
  expect(matches(pattern, text, true)).toBe(is);
});

/** The definition, without any thought of time: a pattern as tests of one byte, and `undefined` for a star. */
type Piece = ((byte: number) => boolean) | undefined;

function pieces(pattern: string): Piece[] {
  const found: Piece[] = [];
  for (const [token] of pattern.matchAll(/\*|\?|\[\^?[a-d]*\]|\\?[\s\S]/g)) {
    if (token === "*") found.push(undefined);
    else if (token === "?") found.push(() => true);
    else if (token.length > 1 && token.startsWith("[")) {
      const isNegated = token.startsWith("[^");
      const set = new Set(bytes(token.slice(isNegated ? 2 : 1, -1)));
      found.push((byte) => set.has(byte) !== isNegated);
    } else found.push((byte) => byte === token.charCodeAt(token.length - 1));
  }
  return found;
}

function isDefinedMatch(rest: readonly Piece[], text: Uint8Array): boolean {
  const [first, ...others] = rest;
  if (rest.length === 0) return text.length === 0;
  if (first !== undefined) return text.length > 0 && first(text[0]!) && isDefinedMatch(others, text.subarray(1));
  return isDefinedMatch(others, text) || (text.length > 0 && isDefinedMatch(rest, text.subarray(1)));
}

describe("properties", () => {
  const piece = fc.constantFrom("a", "b", "c", "*", "*", "?", "\\*", "\\a", "[ab]", "[^a]", "[^]", "[cd]");
  const pattern = fc.array(piece, { maxLength: 9 }).map((list) => list.join(""));
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "*", "d"), minLength: 1, maxLength: 9 });

  test("a pattern matches what it is defined to match", () => {
    fc.assert(
      fc.property(pattern, text, (glob, subject) => {
        expect(matches(glob, subject)).toBe(isDefinedMatch(pieces(glob), bytes(subject)));
      }),
      { numRuns: 3_000 },
    );
  });

  test("bytes around the pattern and the text do not matter", () => {
    const whole = fc.uint8Array({ maxLength: 8 });
    fc.assert(
      fc.property(whole, whole, whole, fc.boolean(), (glob, subject, around, ignoresCase) => {
        const inside = (inner: Uint8Array) => Uint8Array.from([...around, ...inner, ...around]);
        const start = around.length;
        const isMatch = matchesGlob(glob, 0, glob.length, subject, 0, subject.length, ignoresCase);
        const [g, s] = [inside(glob), inside(subject)];
        expect(matchesGlob(g, start, start + glob.length, s, start, start + subject.length, ignoresCase)).toBe(isMatch);
      }),
      { numRuns: 2_000 },
    );
  });
});

test("many stars over a long text cost no more than their product", () => {
  const text = "a".repeat(10_000);
  expect(matches(`${"*a".repeat(500)}*b`, text)).toBe(false);
  expect(matches(`${"*a".repeat(500)}*b`, `${text}b`)).toBe(true);
});
