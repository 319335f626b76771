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
  readonly #counts = new Map<string, number>();
  readonly #positions = new KeyPositions();
  #untilSample = SAMPLE_EVERY;
  #halvedMs = 0;

  /** To be called for every command; the rest is done for one in 64. */
  note(command: Command, args: Args, database: number): void {
    if (--this.#untilSample > 0) return;
    this.#untilSample = SAMPLE_EVERY;
    if (!mayHaveKeys(command.facts)) return;
    const count = Math.min(16, keysOf(command.facts, args, this.#positions));
    for (let i = 0; i < count; i++) {
      const at = this.#positions.positions[i]!;
      this.#count(watchName(database, args.bytes, args.starts[at]!, args.ends[at]!));
    }
  }

  #count(name: string): void {
    const known = this.#counts.get(name);
    if (known !== undefined || this.#counts.size < COUNTERS) {
      this.#counts.set(name, (known ?? 0) + 1);
      return;
    }
    let lowestName = "";
    let lowest = Number.POSITIVE_INFINITY;
    for (const [other, count] of this.#counts) {
      if (count >= lowest) continue;
      lowest = count;
      lowestName = other;
    }
    this.#counts.delete(lowestName);
    this.#counts.set(name, lowest + 1);
  }

  /** Lets old counts fade. To be called now and then. */
  advance(nowMs: number): void {
    if (this.#halvedMs === 0) this.#halvedMs = nowMs;
    if (nowMs - this.#halvedMs < HALVE_EVERY_MS) return;
    this.#halvedMs = nowMs;
    for (const [name, count] of this.#counts) {
      if (count < 2) this.#counts.delete(name);
      else this.#counts.set(name, count / 2);
    }
  }

  /** The keys used most, most first; `amount` is uses of the last minute or two, estimated. */
  top(limit: number): RankedKey[] {
    const sorted = [...this.#counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, limit);
    return sorted.map(([name, count]) => ({ ...splitName(name), amount: Math.round(count * SAMPLE_EVERY) }));
  }
}

function splitName(name: string): { database: number; key: string } {
  const colon = name.indexOf(":");
  return { database: Number(name.slice(0, colon)), key: name.slice(colon + 1) };
}
