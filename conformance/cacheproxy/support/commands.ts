import type { Random } from "@kagami/clock";

const KEYS = [
  "a",
  "b",
  "c",
  "key:1",
  "key:2",
  "key:3",
  "n1",
  "n2",
  "k\x01\x7f",
  "\xff\xfe",
  "none",
  "noreply",
  "x".repeat(250),
];
const BAD_KEYS = ["x".repeat(251), "y".repeat(400)];
const NUMBERS = ["0", "1", "-1", "600", "4000", "2592001", "99999999999", "+7", "-0", "1x", "x", "", "4294967296"];
const EDGE_NUMBERS = [
  "4294967295",
  "4294967297",
  "-4294967295",
  "9223372036854775807",
  "9223372036854775808",
  "18446744073709551615",
  "18446744073709551616",
  "-9223372036854775809",
  "1\tz",
  "\t1",
  "010",
  "0x1",
];
/** Values longer than this come in sound requests only: what a server has not read when it closes, cuts its reply. */
const BIG_BYTES = 9_000;
/** No short ones: the servers' clocks do not tick together. */
const EXPTIMES = [
  "0",
  "-1",
  "600",
  "4000",
  "2592001",
  "99999999999",
  "+70",
  "-0",
  "70x",
  "x",
  "4294967296",
  "\t70",
  "0x1",
];
const VALUES = [
  "",
  "x",
  "50000",
  "50000",
  // Below 2^63: beyond it memcached 1.6.18 looks for a minus sign in what lies behind the value in its memory, too.
  "9223372036854775000",
  "hello",
  "a b\r\nc",
  "\0\xff",
  "END\r\n",
  "v".repeat(300),
];
const META_FLAGS: Readonly<Record<string, readonly string[]>> = {
  mg: [
    "v",
    "k",
    "f",
    "c",
    "t",
    "s",
    "h",
    "q",
    "O1",
    "T600",
    "T-1",
    "N600",
    // None of the exptimes: an item's would fall below it a moment earlier in one server than in the other.
    "R700",
    "u",
    "P/x",
    "L",
    "v",
    "k",
    "f",
    "v",
  ],
  ms: ["k", "O2", "q", "c", "T600", "T-1", "F5", "I", "C3", "ME", "MA", "MP", "MR", "MS", "T0", "s", "t", "k", "F9"],
  md: ["k", "O3", "q", "I", "T600", "C3", "v", "k"],
  ma: ["v", "k", "O4", "t", "c", "D5", "MD", "MI", "M-", "T600", "C4", "v"],
};
const ODD_FLAGS = [
  "z",
  "1",
  "!",
  "Mx",
  "M",
  "Tx",
  "T",
  "Fx",
  "F-1",
  "Cx",
  "C",
  "Dx",
  "D",
  "E5",
  "S5",
  "k2",
  "vv",
  "\x01",
];

/**
 * One command of a client, sound or not, text or meta. Left out is what depends on the clock or tells of the process
 * (`stats`, `version`, short exptimes, delayed flushes), and what `differences` below names.
 */
export function randomCommand(random: Random, isSlow: boolean): string {
  const roll = below(random, 100);
  if (roll < 18) return get(random);
  if (roll < 40) return store(random);
  if (roll < 52) return short(random);
  if (roll < 66) return meta(random, random.pick(["mg", "mg", "md", "ma"]), isSlow);
  if (roll < 82) return metaStore(random, isSlow);
  if (roll < 86) return base64(random, isSlow);
  if (roll < 89) return `me ${key(random)}\r\n`;
  if (roll < 97) return odd(random);
  return random.pick(["flush_all\r\n", "flush_all noreply\r\n", "mn\r\n", "verbosity 0\r\n", "flush_all 0\r\n"]);
}

/** Without a key that is too long: memcached then also forgets its replies to earlier requests that came with it. */
function get(random: Random): string {
  const verb = random.pick(["get", "get", "gets", "gat", "gats"]);
  const count = below(random, !verb.startsWith("gat") && random.chance(0.05) ? 60 : 5);
  const keys = Array.from({ length: count }, () => random.pick(KEYS));
  const exptime = verb.startsWith("gat")
    ? [random.chance(0.9) ? random.pick(["0", "600", "4000"]) : random.pick(EXPTIMES)]
    : [];
  return line(random, [verb, ...exptime, ...keys]);
}

function store(random: Random): string {
  const verb = random.pick(["set", "set", "set", "add", "replace", "append", "prepend", "cas"]);
  const data = value(random);
  const isSound = data.length > BIG_BYTES;
  const words = [verb, isSound ? random.pick(KEYS) : key(random)];
  words.push(isSound || random.chance(0.8) ? "5" : number(random));
  words.push(isSound || random.chance(0.8) ? random.pick(["0", "600", "-1", "4000"]) : random.pick(EXPTIMES));
  words.push(isSound ? String(data.length) : length(random, data));
  if (verb === "cas") words.push(isSound || random.chance(0.8) ? String(below(random, 200)) : number(random));
  if (random.chance(0.15)) words.push("noreply");
  if (!isSound && random.chance(0.03)) words.push("extra");
  if (!isSound && random.chance(0.03)) words.splice(below(random, words.length), 1);
  return `${line(random, words)}${data}\r\n`;
}

/** Numbers never get shorter here: then it depends on timing whether memcached pads them or stores them anew. */
function short(random: Random): string {
  const verb = random.pick(["delete", "delete", "incr", "incr", "decr", "touch"]);
  const words = [verb, random.chance(0.5) ? random.pick(["n1", "n2"]) : key(random)];
  if (verb !== "delete" || random.chance(0.15)) {
    if (verb === "touch") words.push(random.pick(EXPTIMES));
    else if (verb === "decr") words.push(random.pick(["1", "7", "0", "x", "-1", "+1", "1x"]));
    else words.push(random.chance(0.7) ? random.pick(["1", "7", "0"]) : number(random));
  }
  if (random.chance(0.15)) words.push("noreply");
  if (random.chance(0.04)) words.push("extra");
  if (random.chance(0.04)) words.pop();
  return line(random, words);
}

function meta(random: Random, verb: string, isSlow: boolean): string {
  const name = verb === "ma" && random.chance(0.7) ? random.pick(["n1", "n2"]) : key(random);
  return line(random, [verb, name, ...flags(random, verb, isSlow)]);
}

function metaStore(random: Random, isSlow: boolean): string {
  const data = value(random);
  const isSound = data.length > BIG_BYTES;
  const declared = isSound ? String(data.length) : length(random, data);
  // Of a store that is wrong twice, in its flags and its length, the proxy may name the other reason.
  const isWrong = declared !== String(data.length);
  const all = flags(random, "ms", isSlow);
  const known = isWrong ? all.filter((flag, i) => !ODD_FLAGS.includes(flag) && isFirst(all, i)) : all;
  const words = ["ms", isSound ? random.pick(KEYS) : key(random), declared, ...(isSound ? known.slice(0, 1) : known)];
  if (!isSound && random.chance(0.02)) words.splice(1 + below(random, words.length - 1), 1);
  return `${line(random, words)}${data}\r\n`;
}

/** Keys in base64; one that would break a line is never asked for with `k`, which memcached returns as it is. */
function base64(random: Random, isSlow: boolean): string {
  const plain = random.pick(["a", "key:1", "b c\r\n", "\0\x01"]);
  const encoded = Buffer.from(plain, "latin1").toString("base64");
  const isBreaking = /[\0\r\n ]/.test(plain);
  const name = random.chance(0.8) ? encoded : random.pick(["YQ", "Y-Q==", "YR==", "====", "YQ==YQ==", "Y=Q=", "\xe9"]);
  // Whether an item's key was stored in base64 is forgotten on the slow path.
  const verb = isSlow && !isBreaking ? random.pick(["mg", "md"]) : random.pick(["mg", "mg", "md", "ms"]);
  const isNamed = !isBreaking && !isSlow;
  const all = [...flags(random, verb, isSlow).filter((flag) => isNamed || !flag.startsWith("k")), "b"];
  if (verb !== "ms") return line(random, [verb, name, ...all]);
  const data = random.pick(VALUES);
  return `${line(random, [verb, name, String(data.length), ...all])}${data}\r\n`;
}

function odd(random: Random): string {
  const words = [
    "foo",
    "GET a",
    "getx a",
    "g",
    "m",
    "mx a",
    "mg",
    "md",
    "ma",
    "ms",
    "ms a",
    "me",
    "",
    " ",
    "\r",
    "\t",
    "set",
  ];
  const more = ["verbosity", "verbosity x", "flush_all x", "flush_all 0 1 2", "bget a b", "touch", "incr", "delete"];
  const nul = ["get a\0 b", "mg a\0 v", "mg a v\0 k", "get\0 a", "delete a\0 noreply", "touch n1 0\0 noreply"];
  return `${random.pick([...words, ...more, ...nul])}\r\n`;
}

/** Without `I` on the slow path: a text get of a stale item wins its token there, since `mg` does. */
function flags(random: Random, verb: string, isSlow: boolean): string[] {
  const known = (META_FLAGS[verb] ?? []).filter((flag) => !isSlow || flag !== "I");
  const count = random.chance(0.03) ? 15 + below(random, 5) : below(random, 6);
  const picked = Array.from({ length: count }, () =>
    random.chance(0.96) ? random.pick(known) : random.pick(ODD_FLAGS),
  );
  // Most commands have no flag twice, so that most are carried out.
  const isDoubled = random.chance(0.05);
  return picked.filter((flag, i) => isFirst(picked, i) || (isDoubled && !flag.startsWith("q")));
}

/** Whether no flag before it has the same letter. */
function isFirst(flags: readonly string[], i: number): boolean {
  return flags.findIndex((flag) => flag.charAt(0) === flags[i]?.charAt(0)) === i;
}

function key(random: Random): string {
  return random.chance(0.98) ? random.pick(KEYS) : random.pick(BAD_KEYS);
}

function number(random: Random): string {
  return random.chance(0.7) ? random.pick(NUMBERS) : random.pick(EDGE_NUMBERS);
}

function value(random: Random): string {
  if (random.chance(0.01))
    return "L".repeat(random.pick([10_000, 200_000, 1_048_400, 1_048_576, 1_048_577, 1_100_000]));
  return random.pick(VALUES);
}

function length(random: Random, data: string): string {
  if (random.chance(0.94)) return String(data.length);
  return random.pick([String(data.length + 1), String(Math.max(0, data.length - 1)), "-1", "x", "+1", "4294967297"]);
}

function line(random: Random, words: readonly string[]): string {
  const gap = random.chance(0.03) ? "  " : " ";
  const text = `${random.chance(0.02) ? " " : ""}${words.join(gap)}${random.chance(0.03) ? " " : ""}`;
  return `${text}${random.chance(0.03) ? "\n" : "\r\n"}`;
}

function below(random: Random, count: number): number {
  return random.int(0, count - 1);
}
