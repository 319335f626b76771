import type { Call } from "../call.ts";
import { GEO_LIMIT, type Place, placeOf } from "../geo/geohash.ts";
import type { SortedSet } from "../structures/sorted-set.ts";

const UNITS: readonly (readonly [string, number])[] = [
  ["M", 1],
  ["KM", 1_000],
  ["FT", 0.3048],
  ["MI", 1_609.34],
];
const NO_UNIT = "ERR unsupported unit provided. please use M, KM, FT, MI";

/** Metres of the unit that argument `index` names; NaN, and the error is replied, if it names none. */
export function unitAt({ args, reply }: Call, index: number): number {
  const unit = UNITS.find(([word]) => args.isWord(index, word));
  if (unit !== undefined) return unit[1];
  reply.error(NO_UNIT);
  return Number.NaN;
}

/** Longitude and latitude from argument `index` on; `undefined`, and the error is replied, if they are none. */
export function placeAt(call: Call, index: number): Place | undefined {
  const longitude = call.double(index);
  if (Number.isNaN(longitude)) return undefined;
  const latitude = call.double(index + 1);
  if (Number.isNaN(latitude)) return undefined;
  if (Math.abs(longitude) <= GEO_LIMIT.longitude && Math.abs(latitude) <= GEO_LIMIT.latitude) {
    return { longitude, latitude };
  }
  call.reply.error(`ERR invalid longitude,latitude pair ${sixDigits(longitude)},${sixDigits(latitude)}`);
  return undefined;
}

/** C's `%f`. */
function sixDigits(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.000000";
  if (Math.abs(value) < 1e21) return value.toFixed(6);
  return `${BigInt(value)}.000000`;
}

/** The place of the member that is argument `index`; `undefined` if it is not there. */
export function placeOfMember({ args }: Call, set: SortedSet, index: number): Place | undefined {
  const found = set.find(args.bytes, args.starts[index]!, args.ends[index]!);
  return found === 0 ? undefined : placeOf(set.foundScore(found));
}

/** A distance as Redis replies it: four digits, the half of the last to the even one. */
export function distanceText(distance: number): string {
  const scaled = distance * 10_000;
  if (!(scaled < 2 ** 53)) return distance.toFixed(4);
  let whole = Math.floor(scaled);
  const rest = scaled - whole;
  if (rest > 0.5 || (rest === 0.5 && whole % 2 === 1)) whole++;
  const digits = String(whole).padStart(5, "0");
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`;
}
