import { createRandom, type Random } from "@kagami/clock";

/** Numbers at which something changes. None lies where a server would reserve much memory or return without end. */
const ODD_NUMBERS = [
  ...[
    "0",
    "-0",
    "1",
    "-1",
    "2",
    "+1",
    "01",
    " 1",
    "1 ",
    "",
    "1.0",
    "1e3",
    "0x10",
    "nan",
    "inf",
    "-inf",
    "+inf",
    "infinity",
  ],
  ...["2147483647", "-2147483648", "4294967296", "9223372036854775807", "-9223372036854775808", "9223372036854775808"],
  ...["18446744073709551616", "-9223372036854775809", "3.14", "-2.5", "1e400", "-1e400", "1e-400", "abc", "1a"],
] as const;
const SCORES = [
  ...[
    "0",
    "-0",
    "1",
    "2",
    "3",
    "-1",
    "1.5",
    "-2.75",
    "0.1",
    "1e3",
    "1e17",
    "1e20",
    "1e21",
    "123456789012345680",
    "3.0",
  ],
  ...[
    "inf",
    "-inf",
    "+inf",
    "Infinity",
    "nan",
    "1e-7",
    "1.7976931348623157e308",
    "5e-324",
    "0.30000000000000004",
    "x",
    "",
  ],
] as const;
const VALUES = [
  "",
  "a",
  "b",
  "abc",
  "hello world",
  "10",
  "-5",
  "3.5",
  "12345678901234567890",
  "\0\r\n\xff",
  "01",
  " 7",
];
const MEMBERS = [
  "",
  "a",
  "b",
  "c",
  "d",
  "e",
  "aa",
  "ab",
  "B",
  "1",
  "2",
  "10",
  "-3",
  "\0",
  "\xff\xfe",
  "member with blank",
];

/** Words of commands whose numbers must not be drawn at will. */
const FRAGILE = /^(?:.*scan|.*expire(?:at)?|p?setex|restore|eval.*|[ep]x(?:at)?)$/i;

/** Draws words for generators. The pools are small, so that commands meet on the same keys and members. */
export class Vocabulary {
  readonly random: Random;

  constructor(seed: number) {
    this.random = createRandom(seed);
  }

  int(min: number, max: number): string {
    return String(this.random.int(min, max));
  }

  one<T>(...choices: readonly T[]): T {
    return this.random.pick(choices);
  }

  chance(probability: number): boolean {
    return this.random.chance(probability);
  }

  /** These words with this probability, else none. */
  maybe(probability: number, ...words: readonly string[]): readonly string[] {
    return this.chance(probability) ? words : [];
  }

  /** From `min` to `max` draws. */
  many(min: number, max: number, draw: () => string | readonly string[]): string[] {
    return Array.from({ length: this.random.int(min, max) }, draw).flat();
  }

  /** A key that mostly holds one type: its first letter; else any, or an odd one. */
  key(type: string): string {
    const roll = this.random.int(0, 99);
    if (roll < 90) return `${type}${this.random.int(0, 5)}`;
    if (roll < 97) return `${this.one("s", "h", "l", "t", "z", "p", "g")}${this.random.int(0, 5)}`;
    return this.one("", "\0key", "\xff\xfe", "none", "key with blank", "k".repeat(300));
  }

  value(): string {
    if (this.chance(0.05)) return "x".repeat(this.random.int(40, 600));
    return this.chance(0.2) ? String(this.random.int(-1000, 1000)) : this.random.pick(VALUES);
  }

  /** A member or field; some sets grow past the limits of Redis's small forms. */
  member(): string {
    const roll = this.random.int(0, 99);
    if (roll < 70) return this.random.pick(MEMBERS);
    return roll < 98 ? `m${this.random.int(0, 250)}` : "y".repeat(this.random.int(60, 120));
  }

  number(): string {
    return this.chance(0.75) ? String(this.random.int(-10, 20)) : this.random.pick(ODD_NUMBERS);
  }

  index(): string {
    return this.chance(0.95) ? String(this.random.int(-8, 8)) : this.random.pick(ODD_NUMBERS);
  }

  /** Small and positive most times. */
  count(): string {
    return this.chance(0.93) ? String(this.random.int(0, 6)) : this.random.pick(ODD_NUMBERS);
  }

  score(): string {
    if (this.chance(0.5)) return String(this.random.int(-5, 10));
    return this.chance(0.2)
      ? String((this.random.float() - 0.5) * 10 ** this.random.int(-8, 22))
      : this.random.pick(SCORES);
  }

  scoreBound(): string {
    return `${this.one("", "", "(")}${this.score()}`;
  }

  lexBound(): string {
    if (this.chance(0.2)) return this.one("-", "+");
    return this.chance(0.05) ? this.member() : `${this.one("[", "(")}${this.member()}`;
  }

  /** Distant, past or wrong: never an expiry that falls within a run. */
  seconds(): string {
    return this.chance(0.8)
      ? String(this.random.int(1_000, 100_000))
      : this.one("0", "-1", "abc", "", "1.5", "9223372036854775807", "-9223372036854775808", "9223372036854775808");
  }

  milliseconds(): string {
    return this.chance(0.8)
      ? String(this.random.int(1_000_000, 100_000_000))
      : this.one("0", "-1", "abc", "9223372036854775807");
  }

  unixSeconds(): string {
    return this.chance(0.8)
      ? String(this.random.int(4_000_000_000, 5_000_000_000))
      : this.one("1", "0", "-5", "abc", "9223372036854775807");
  }

  unixMilliseconds(): string {
    return this.chance(0.8) ? `${this.random.int(4_000_000_000, 5_000_000_000)}000` : this.one("1", "0", "-5", "abc");
  }

  /** Makes a good command wrong in one way, now and then. Not for commands that may block or reserve much. */
  spoiled(words: readonly string[]): string[] {
    if (words.length < 2 || !this.chance(0.05)) return [...words];
    const at = this.random.int(1, Math.max(1, words.length - 1));
    switch (this.random.int(0, 4)) {
      case 0:
        return words.slice(0, -1);
      case 1:
        return [...words, this.one("x", "1", "NX", "")];
      case 2:
        return words.toSpliced(at, 0, this.one("", "LIMIT", "COUNT", "XX"));
      case 3:
        return words.map((word) => (this.chance(0.5) ? word.toLowerCase() : word));
      default:
        // Another cursor would stop a walk halfway; a short expiry would fall within the run.
        return words.toSpliced(
          at,
          1,
          words.some((word) => FRAGILE.test(word)) ? "abc" : this.one("abc", ...ODD_NUMBERS),
        );
    }
  }
}
