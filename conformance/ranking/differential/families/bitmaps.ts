import { command, type Family, type Step } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";

function fieldType(v: Vocabulary): string {
  return `${v.one("u", "i")}${v.chance(0.9) ? v.int(1, 64) : v.one("0", "65", "", "x")}`;
}

function fieldOffset(v: Vocabulary): string {
  return `${v.maybe(0.3, "#").join("")}${v.chance(0.95) ? v.int(0, 70) : v.one("-1", "x", "4294967296", "9223372036854775807")}`;
}

function fieldOperation(v: Vocabulary, isReadOnly: boolean): readonly string[] {
  const kind = isReadOnly ? v.one("GET", "GET", "GET", "SET") : v.one("GET", "SET", "INCRBY", "OVERFLOW");
  if (kind === "OVERFLOW") return [kind, v.one("WRAP", "SAT", "FAIL", "wrap", "none")];
  const value = v.one(v.int(-300, 300), v.number(), v.int(-(2 ** 40), 2 ** 40));
  return [kind, fieldType(v), fieldOffset(v), ...(kind === "GET" ? [] : [value])];
}

const BUILDERS: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => [
    "SETBIT",
    k,
    v.one(v.int(0, 100), v.int(0, 100), v.int(0, 5_000), "-1", "4294967296", "a"),
    v.one("0", "1", "1", "2", "x"),
  ],
  (v, k) => ["GETBIT", k, v.one(v.int(0, 100), v.int(0, 5_000), "-1", "4294967296", "4294967295")],
  (v, k) => ["BITCOUNT", k, ...v.maybe(0.7, v.index(), v.index(), ...v.maybe(0.5, v.one("BYTE", "BIT", "bit", "x")))],
  (v, k) => [
    "BITPOS",
    k,
    v.one("0", "1", "1", "2"),
    ...v.maybe(0.7, v.index(), ...v.maybe(0.6, v.index(), ...v.maybe(0.5, v.one("BYTE", "BIT", "x")))),
  ],
  (v, k) => ["BITOP", v.one("AND", "OR", "XOR", "NOT", "not", "NAND"), k, ...v.many(1, 3, () => v.key("s"))],
  (v, k) => ["BITFIELD", k, ...v.many(0, 4, () => fieldOperation(v, false))],
  (v, k) => ["BITFIELD", k, ...v.many(1, 4, () => fieldOperation(v, false))],
  (v, k) => ["BITFIELD_RO", k, ...v.many(0, 3, () => fieldOperation(v, true))],
  (_, k) => ["GET", k],
];

/** Bits and integers inside strings. Their offsets are not spoiled: a great one reserves half a gigabyte. */
export const BITMAPS: Family = {
  name: "bitmaps",
  weight: 2,
  next: (v): Step[] => [command(...v.random.pick(BUILDERS)(v, v.key("s")))],
};
