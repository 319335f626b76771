/*
 * Time zones by name.
 *
 * The engine knows no calendar of their changes: laws change, and two machines with different calendars would count the
 * same event to different days. So a zone's rules are data of the store. Whoever first names a zone gets its rules from
 * the shell; they go into the log before the command that names it, and into every snapshot, so that all copies of the
 * store have the same. They stay as they are until RANK.ZONE takes newer ones, which goes into the log too.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Changes of one zone, and zones of a store, at most. */
const MOST_CHANGES = 1_000;
const MOST_ZONES = 1_024;
const MOST_OFFSET_MINUTES = 26 * 60;
/** Longest name. */
export const MAX_ZONE_NAME_BYTES = 64;

/** Rules as text: the offset from UTC in minutes, then each change: minute since 1970, offset from then on. */
const RULES = /^-?\d{1,4}(?:;-?\d{1,10}=-?\d{1,4})*$/;

/** A zone as the shell knows it. */
export interface ZoneRules {
  readonly name: string;
  readonly rules: string;
}

const encoder = new TextEncoder();

/** The command that gives a zone its rules, for the log and for snapshots. */
export function zoneCommand({ name, rules }: ZoneRules): Uint8Array[] {
  return ["RANK.ZONE", name, rules].map((word) => encoder.encode(word));
}

/** One time zone. Its rules may be replaced; who holds it then goes by the new ones. */
export class Zone {
  readonly name: string;
  #rules = "";
  /** When each offset begins, the first at minus infinity; and the offsets, in ms. */
  #starts: readonly number[] = [];
  #offsets: readonly number[] = [];
  #grainMs = HOUR_MS;
  /** The stretch that was asked for last: time mostly goes on. */
  #last = 0;

  /** @throws RangeError if the rules are none. */
  constructor(name: string, rules: string) {
    this.name = name;
    this.rules = rules;
  }

  get rules(): string {
    return this.#rules;
  }

  set rules(text: string) {
    const [starts, offsets] = parseRules(text);
    this.#rules = text;
    this.#starts = starts;
    this.#offsets = offsets;
    this.#last = 0;
    let grainMs = HOUR_MS;
    for (let i = 1; i < offsets.length; i++) grainMs = divisor(grainMs, Math.abs(offsets[i]! - offsets[i - 1]!));
    this.#grainMs = grainMs;
  }

  /** What divides an hour and every change of the offset, in ms: so long buckets are never cut by a change. */
  get grainMs(): number {
    return this.#grainMs;
  }

  /** How much the zone's clocks are ahead of UTC at a time, in ms. */
  offsetAt(timeMs: number): number {
    return this.#offsets[this.#stretchAt(timeMs)]!;
  }

  /** When the zone's clocks first show a time, given as ms since 1970 of those clocks; a time that is left out when it would be. */
  instantOf(localMs: number): number {
    const starts = this.#starts;
    for (let i = this.#stretchAt(localMs - MOST_OFFSET_MINUTES * MINUTE_MS); ; i++) {
      const timeMs = localMs - this.#offsets[i]!;
      if (timeMs < starts[i]!) return starts[i]!;
      if (i + 1 === starts.length || timeMs < starts[i + 1]!) return timeMs;
    }
  }

  #stretchAt(timeMs: number): number {
    const starts = this.#starts;
    const last = this.#last;
    if (timeMs >= starts[last]! && (last + 1 === starts.length || timeMs < starts[last + 1]!)) return last;
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= timeMs) low = middle;
      else high = middle - 1;
    }
    this.#last = low;
    return low;
  }
}

function parseRules(text: string): [starts: number[], offsets: number[]] {
  const fault = (why: string): RangeError => new RangeError(`Cannot read the rules of a time zone: ${why}`);
  if (!RULES.test(text)) throw fault("they are no offsets with their times");
  const [first = "", ...changes] = text.split(";");
  if (changes.length > MOST_CHANGES) throw fault(`there are more than ${MOST_CHANGES} changes`);
  const starts = [Number.NEGATIVE_INFINITY];
  const offsets = [Number(first) * MINUTE_MS];
  for (const change of changes) {
    const [time, offset] = change.split("=").map((part) => Number(part) * MINUTE_MS);
    if (!(time! > starts.at(-1)!)) throw fault("the times of the changes do not rise");
    starts.push(time!);
    offsets.push(offset!);
  }
  if (offsets.some((offset) => Math.abs(offset) > MOST_OFFSET_MINUTES * MINUTE_MS))
    throw fault("an offset is too large");
  return [starts, offsets];
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** The zones that the boards and windows of a store go by. None is ever forgotten. */
export class Zones {
  readonly #byName = new Map<string, Zone>();

  /** Whatever the case of its letters; `undefined` if nobody has named it yet. */
  get(name: string): Zone | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  all(): IterableIterator<Zone> {
    return this.#byName.values();
  }

  /**
   * Gives a zone its rules.
   *
   * @throws RangeError if they are none, or there are too many zones.
   */
  define(name: string, rules: string): Zone {
    const known = this.get(name);
    if (known !== undefined) {
      known.rules = rules;
      return known;
    }
    if (this.#byName.size >= MOST_ZONES) throw new RangeError(`There are ${MOST_ZONES} time zones already`);
    const zone = new Zone(name, rules);
    this.#byName.set(name.toLowerCase(), zone);
    return zone;
  }
}
