import type { Random } from "@kagami/clock";

/** Without those that SETBIT takes for a string of hundreds of MB, as in Redis: that limit has its own test. */
const NUMBERS: readonly string[] = [
  ...["0", "1", "-1", "2", "7", "100", "-100", "65536", "1000000", "0.5", "-0", "1e3", "1e308", "1e999", "0x10", "00"],
  ...["inf", "-inf", "nan", "NaN", "infinity", "9223372036854775807", "-9223372036854775808", "9223372036854775808"],
  ...["99999999999999999999", "4294967296", "-4294967297", "268435456000", "18446744073709551616", "9007199254740993"],
  ...["1.7976931348623157e309", "5e-324", " 1", "1 ", "+1", "1_000", "١", "--1", "(1", "[a", "(", "[", "-", "+"],
];
const WORDS: readonly string[] =
  "NX XX GT LT CH INCR EX PX EXAT PXAT KEEPTTL GET PERSIST WITHSCORES LIMIT BYSCORE BYLEX REV WEIGHTS AGGREGATE SUM MIN MAX STORE COUNT MATCH TYPE LEFT RIGHT BEFORE AFTER ASYNC SYNC REPLACE FIELDS MEMBER AT UNIQUE BOARDS WITH RANK AROUND PASSED LIKE PERIOD DIR desc asc TIES first last shared lex AGG sum best KEEP CAP CHANGES SLIDING RETENTION RESOLUTION UNIQUES EXACT APPROX TOP TZ COST ANY WITHCOORD FROMLONLAT BYRADIUS km SET OVERFLOW u8 i16 WRAP BIT BYTE ALPHA BY DB COPY AND OR XOR NOT IDLETIME FREQ ABSTTL HELP * $ default on off nopass ~* +@all -@all resetkeys yes no".split(
    " ",
  );
/** Longer than any name may be. */
const OVERLONG = 70_000;

/** Spoils a command that was right: other values, too many or too few, in another order, twice. */
export function mutated(random: Random, words: readonly string[], otherKey: () => string): string[] {
  const spoiled = [...words];
  for (let left = random.int(1, 3); left > 0; left--) mutateOnce(random, spoiled, otherKey);
  return spoiled;
}

function mutateOnce(random: Random, words: string[], otherKey: () => string): void {
  const at = random.int(1, Math.max(1, words.length - 1));
  const kind = random.int(0, 11);
  if (kind < 4) words[at] = random.pick(NUMBERS);
  else if (kind === 4) words[at] = random.pick(WORDS);
  else if (kind === 5) words[at] = otherKey();
  else if (kind === 6) words[at] = garbage(random);
  else if (kind === 7) words.splice(at, random.int(1, 2));
  else if (kind === 8) words.splice(at, 0, ...words.slice(at, at + random.int(1, 2)));
  else if (kind === 9) words.splice(at, 0, random.pick(random.chance(0.5) ? WORDS : NUMBERS));
  else if (kind === 10) words.push(random.pick(WORDS), random.pick(NUMBERS));
  else {
    const other = random.int(1, Math.max(1, words.length - 1));
    [words[at], words[other]] = [words[other] ?? "", words[at] ?? ""];
  }
}

/** Any bytes; now and then more than any key or member may have. */
function garbage(random: Random): string {
  const size = random.chance(0.03) ? OVERLONG : random.int(0, random.chance(0.1) ? 5_000 : 40);
  if (size > 5_000) return "\xff".repeat(size);
  return Buffer.from(random.bytes(size)).toString("latin1");
}
