/**
 * A parsed value as CONFIG GET shows it, or what is wrong with the text. What is put into force is `applied`, where the
 * value does not say all.
 */
export type Parsed = { readonly value: string; readonly applied?: string } | { readonly error: string };

/** One parameter of the configuration, with Redis's name. */
export interface Parameter {
  readonly name: string;
  /** An older name, which CONFIG GET lists too. */
  readonly alias?: string;
  readonly initial: string;
  /** Only the start of the server can set it. */
  readonly isImmutable?: boolean;
  /** CONFIG SET refuses it unless `enable-protected-configs` allows it: paths. */
  readonly isProtected?: boolean;
  /** A secret: never shown in SLOWLOG or MONITOR. */
  readonly isSecret?: boolean;
  /**
   * @param text Byte text.
   * @param current The present value, for parameters of which a part can be set.
   */
  readonly parse: (text: string, current: string) => Parsed;
}

type Traits = Pick<Parameter, "alias" | "isImmutable" | "isProtected" | "isSecret">;

const MAX_INT64 = 0x7fff_ffff_ffff_ffffn;
const INT32 = 2_147_483_647;

/** A parameter that is `yes` or `no`. */
export function yesNo(name: string, initial: "yes" | "no", traits: Traits = {}): Parameter {
  const parse = (text: string): Parsed => {
    const lower = text.toLowerCase();
    return lower === "yes" || lower === "no" ? { value: lower } : { error: "argument must be 'yes' or 'no'" };
  };
  return { name, initial, parse, ...traits };
}

/** A whole number. */
export function integer(
  name: string,
  initial: number,
  lowest: number,
  highest: number | bigint = INT32,
  traits: Traits = {},
): Parameter {
  const parse = (text: string): Parsed => {
    const value = parseWhole(text);
    if (value === undefined) return { error: "argument couldn't be parsed into an integer" };
    return within(value, BigInt(lowest), BigInt(highest));
  };
  return { name, initial: String(initial), parse, ...traits };
}

/** An amount of memory in bytes, which may be given as `100mb`. */
export function memory(
  name: string,
  initial: number,
  lowest: number,
  highest: number | bigint,
  traits: Traits = {},
): Parameter {
  const parse = (text: string): Parsed => {
    const value = parseMemory(text);
    if (value === undefined) return { error: "argument must be a memory value" };
    return within(value, BigInt(lowest), BigInt(highest));
  };
  return { name, initial: String(initial), parse, ...traits };
}

/** An amount of memory, or so many percent of `maxmemory`. */
export function memoryOrPercent(name: string, initial: string): Parameter {
  const parse = (text: string): Parsed => {
    const percent = /^(-?\d+)%$/.exec(text)?.[1];
    if (percent !== undefined) {
      const value = Number(percent);
      if (value > 100) return { error: "percentage argument must be less or equal to 100" };
      if (value >= 0) return { value: `${value}%` };
      return { error: "argument must be a memory or percent value" };
    }
    const value = parseMemory(text);
    return value === undefined ? { error: "argument must be a memory or percent value" } : { value: value.toString() };
  };
  return { name, initial, parse };
}

/** One of several words. */
export function choice(name: string, initial: string, words: readonly string[], traits: Traits = {}): Parameter {
  const parse = (text: string): Parsed => {
    const word = words.find((known) => known === text.toLowerCase());
    if (word !== undefined) return { value: word };
    return { error: `argument(s) must be one of the following: ${words.join(", ")}` };
  };
  return { name, initial, parse, ...traits };
}

/** Any text. */
export function text(name: string, initial: string, traits: Traits = {}): Parameter {
  return { name, initial, parse: (value) => ({ value }), ...traits };
}

/** Largest amount of memory that a parameter of Redis can have. */
export const MAX_MEMORY = MAX_INT64;

function within(value: bigint, lowest: bigint, highest: bigint): Parsed {
  if (value >= lowest && value <= highest) return { value: value.toString() };
  return { error: `argument must be between ${lowest} and ${highest} inclusive` };
}

function parseWhole(text: string): bigint | undefined {
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["", 1n],
  ["b", 1n],
  ["k", 1_000n],
  ["kb", 1_024n],
  ["m", 1_000_000n],
  ["mb", 1_048_576n],
  ["g", 1_000_000_000n],
  ["gb", 1_073_741_824n],
]);

/** An amount of memory as Redis reads it, in bytes: `100`, `5k`, `5kb`, `1gb`; nothing is 0. */
export function parseMemory(text: string): bigint | undefined {
  const match = /^(\d{0,20})([a-z]*)$/i.exec(text);
  if (match === null) return undefined;
  const unit = UNITS.get((match[2] ?? "").toLowerCase());
  return unit === undefined ? undefined : BigInt(match[1] || "0") * unit;
}
