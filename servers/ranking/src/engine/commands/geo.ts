import { Args } from "../../protocol/args.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { distanceOf } from "../geo/geo-shape.ts";
import { cellOf, geohashText, MAX_STEP, scoresOf } from "../geo/geohash.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { distanceText, placeAt, placeOfMember, unitAt } from "./geo-arguments.ts";
import { GEO_SEARCH_HANDLERS } from "./geo-search.ts";
import { readSortedSet } from "./sorted-set-arguments.ts";
import { SORTED_SET_CHANGES } from "./sorted-set-changes.ts";

const ZADD = bytesOf("ZADD");

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** `GEOADD key [NX|XX] [CH] longitude latitude member ...`: as ZADD with the scores of the places, which is what is logged. */
function geoadd(call: Call): void {
  const { args } = call;
  let first = 2;
  let [isNx, isXx] = [false, false];
  for (; first < args.count; first++) {
    if (args.isWord(first, "NX")) isNx = true;
    else if (args.isWord(first, "XX")) isXx = true;
    else if (!args.isWord(first, "CH")) break;
  }
  if ((args.count - first) % 3 !== 0 || (isNx && isXx)) {
    call.reply.error(SYNTAX_ERROR);
    return;
  }
  const words = [ZADD, args.view(1)];
  for (let i = 2; i < first; i++) words.push(args.view(i));
  for (let i = first; i < args.count; i += 3) {
    const place = placeAt(call, i);
    if (place === undefined) return;
    words.push(bytesOf(String(scoresOf(cellOf(place, MAX_STEP)).first)), args.view(i + 2));
  }
  const added = new Args();
  added.assign(words);
  call.args = added;
  SORTED_SET_CHANGES.zadd(call);
}

/** `GEOPOS key [member ...]`: longitude and latitude of each, nil for who is not there. */
function geopos(call: Call): void {
  const { args, reply } = call;
  const set = readSortedSet(call, 1);
  if (set === null) return;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    const place = set === undefined ? undefined : placeOfMember(call, set, i);
    if (place === undefined) {
      reply.nilArray();
      continue;
    }
    reply.array(2);
    reply.humanDouble(place.longitude);
    reply.humanDouble(place.latitude);
  }
}

/** `GEOHASH key [member ...]`: eleven letters of each. */
function geohash(call: Call): void {
  const { args, reply } = call;
  const set = readSortedSet(call, 1);
  if (set === null) return;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    const found = set === undefined ? 0 : set.find(args.bytes, args.starts[i]!, args.ends[i]!);
    if (found === 0 || set === undefined) reply.nil();
    else reply.bulkText(geohashText(set.foundScore(found)));
  }
}

/** `GEODIST key member member [unit]`: nil if one is not there. */
function geodist(call: Call): void {
  const { args, reply } = call;
  const metres = args.count === 5 ? unitAt(call, 4) : 1;
  if (Number.isNaN(metres)) return;
  if (args.count > 5) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const set = readSortedSet(call, 1);
  if (set === null) return;
  const [from, to] = set === undefined ? [] : [placeOfMember(call, set, 2), placeOfMember(call, set, 3)];
  if (from === undefined || to === undefined) reply.nil();
  else reply.bulkText(distanceText(distanceOf(from, to) / metres));
}

/** Commands of places, which are members of sorted sets. */
export const GEO_HANDLERS: Readonly<Record<string, Handler>> = {
  geoadd,
  geodist,
  geohash,
  geopos,
  ...GEO_SEARCH_HANDLERS,
};
