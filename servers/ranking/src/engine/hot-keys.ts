import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";
import { KeyPositions, keysOf, mayHaveKeys } from "./commands/index.ts";
import { watchName } from "./key-watches.ts";

/** One command in so many is looked at. */
const SAMPLE_EVERY = 64;
/** Keys that are counted at once. A key that gets more than 1 use in so many is surely among them. */
const COUNTERS = 256;
/** Counts are halved so often, in ms: what was hot an hour ago is not shown. */
const HALVE_EVERY_MS = 60_000;

/** A key with what was counted for it. */
export interface RankedKey {
  readonly database: number;
  /** Byte text. */
  readonly key: string;
  /** Estimated uses a minute, or bytes. */
  readonly amount: number;
}

/**
 * Which keys are used most, about: one command in 64 is looked at, and its keys are counted in 256 counters; a key that
 * has none takes over the lowest one (Space-Saving). An estimate is too high by the lowest count at most.
 *
 * @see Metwally et al., Efficient Computation of Frequent and Top-k Elements in Data Streams
 */
export class HotKeys {
  /** Which counter a key has. */
  readonly #indices = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #counts = new Float64Array(COUNTERS);
  /** No count is below it, and counters before {@link #next} are above it: to find the lowest is one step on average. */
  #lowest = 0;
  #next = 0;
  readonly #positions = new KeyPositions();
  #untilSample = SAMPLE_EVERY;
  #halvedMs = 0;

  /** To be called for every command; the rest is done for one in 64. */
  note(command: Command, args: Args, database: number): void {
    if (--this.#untilSample <= 0) this.#sample(command, args, database);
  }

  #sample(command: Command, args: Args, database: number): void {
    this.#untilSample = SAMPLE_EVERY;
    if (!mayHaveKeys(command.facts)) return;
    const count = Math.min(16, keysOf(command.facts, args, this.#positions));
    for (let i = 0; i < count; i++) {
      const at = this.#positions.positions[i]!;
      this.#count(watchName(database, args.bytes, args.starts[at]!, args.ends[at]!));
    }
  }

  #count(name: string): void {
    let index = this.#indices.get(name);
    if (index === undefined) {
      index = this.#names.length < COUNTERS ? this.#names.length : this.#takeLowest();
      this.#names[index] = name;
      this.#indices.set(name, index);
    }
    this.#counts[index]!++;
  }

  /** The counter that is lowest, taken from the key that has it. All must be in use. */
  #takeLowest(): number {
    while (this.#next < COUNTERS && this.#counts[this.#next]! > this.#lowest) this.#next++;
    if (this.#next === COUNTERS) {
      this.#lowest = this.#counts.reduce((least, count) => Math.min(least, count), Number.POSITIVE_INFINITY);
      this.#next = this.#counts.indexOf(this.#lowest);
    }
    this.#indices.delete(this.#names[this.#next]!);
    return this.#next++;
  }

  /** Lets old counts fade. To be called now and then. */
  advance(nowMs: number): void {
    if (this.#halvedMs === 0) this.#halvedMs = nowMs;
    if (nowMs - this.#halvedMs < HALVE_EVERY_MS) return;
    this.#halvedMs = nowMs;
    const kept = this.#ranked().filter(([, count]) => count >= 2);
    this.#indices.clear();
    this.#names.length = 0;
    this.#counts.fill(0);
    for (const [index, [name, count]] of kept.entries()) {
      this.#names.push(name);
      this.#indices.set(name, index);
      this.#counts[index] = count / 2;
    }
    this.#lowest = 0;
    this.#next = 0;
  }

  #ranked(): [name: string, count: number][] {
    const counted = this.#names.map((name, index): [string, number] => [name, this.#counts[index]!]);
    return counted.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  }

  /** The keys used most, most first; `amount` is uses of the last minute or two, estimated. */
  top(limit: number): RankedKey[] {
    return this.#ranked()
      .slice(0, limit)
      .map(([name, count]) => ({ ...splitName(name), amount: Math.round(count * SAMPLE_EVERY) }));
  }
}

function splitName(name: string): { database: number; key: string } {
  const colon = name.indexOf(":");
  return { database: Number(name.slice(0, colon)), key: name.slice(colon + 1) };
}
