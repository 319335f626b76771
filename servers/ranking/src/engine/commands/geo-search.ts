import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { cellsOf, distanceInside, type GeoShape } from "../geo/geo-shape.ts";
import { type Place, placeOf, scoresOf } from "../geo/geohash.ts";
import { EventClass } from "../key-events.ts";
import { SortedSet } from "../structures/sorted-set.ts";
import { distanceText } from "./geo-arguments.ts";
import { type GeoQuery, readQuery, type SearchForm } from "./geo-options.ts";
import { readSortedSet } from "./sorted-set-arguments.ts";

/** A member that was found. */
interface Found {
  readonly member: Uint8Array;
  readonly score: number;
  readonly place: Place;
  /** From the middle, in metres. */
  readonly distance: number;
}

function search(call: Call, form: SearchForm): void {
  const set = readSortedSet(call, form.sourceAt);
  if (set === null) return;
  const query = readQuery(call, form, set);
  if (query === undefined) return;
  const { storeAt } = query;
  if (set === undefined || query.shape === undefined) {
    if (storeAt === 0) call.reply.array(0);
    else store(call, query, []);
    return;
  }
  const found = findPlaces(set, query.shape, query.any ? query.count : 0);
  // Without an order the nearest are what COUNT asks for, unless any will do.
  const order = query.order === 0 && query.count > 0 && !query.any ? 1 : query.order;
  if (order !== 0) found.sort((a, b) => order * (a.distance - b.distance));
  const shown = query.count > 0 ? found.slice(0, query.count) : found;
  if (storeAt === 0) replyAll(call, query, shown);
  else store(call, query, shown);
}

/** @param limit Enough are found then; 0 is no limit. */
function findPlaces(set: SortedSet, shape: GeoShape, limit: number): Found[] {
  const found: Found[] = [];
  for (const cell of cellsOf(shape)) {
    if (limit > 0 && found.length >= limit) break;
    const { first, end } = scoresOf(cell);
    const rank = set.countBelow(first, false);
    set.forEach(rank, set.countBelow(end, false) - rank, false, (bytes, from, to, score) => {
      if (limit > 0 && found.length >= limit) return;
      const place = placeOf(score);
      const distance = distanceInside(shape, place);
      if (Number.isNaN(distance)) return;
      const member = new Uint8Array(to - from);
      member.set(bytes.subarray(from, to));
      found.push({ member, score, place, distance });
    });
  }
  return found;
}

function replyAll({ reply }: Call, query: GeoQuery, found: readonly Found[]): void {
  const { withDistance, withHash, withPlace } = query;
  const extras = Number(withDistance) + Number(withHash) + Number(withPlace);
  reply.array(found.length);
  for (const { member, score, place, distance } of found) {
    if (extras > 0) reply.array(1 + extras);
    reply.bulkBytes(member);
    if (withDistance) reply.bulkText(distanceText(distance / query.metres));
    if (withHash) reply.integer(Math.trunc(score));
    if (!withPlace) continue;
    reply.array(2);
    reply.humanDouble(place.longitude);
    reply.humanDouble(place.latitude);
  }
}

/** Puts what was found under the key of argument `storeAt`, whatever was there; nothing removes it. */
function store(call: Call, query: GeoQuery, found: readonly Found[]): void {
  const { args, db, reply } = call;
  const { storeAt } = query;
  const record = db.findForWrite(args, storeAt);
  reply.integer(found.length);
  if (found.length === 0) {
    if (record === 0) return;
    db.delete(record);
    call.modified(storeAt, "del", EventClass.generic);
    return;
  }
  const set = new SortedSet(call.store);
  for (const { member, score, distance } of found) {
    // Around the world a member may be found twice.
    if (set.find(member, 0, member.length) !== 0) continue;
    set.add(member, 0, member.length, query.storesDistance ? distance / query.metres : score);
  }
  db.setContainer(args, storeAt, db.findForWrite(args, storeAt), set);
  call.modified(storeAt, query.event, EventClass.sortedSet);
}

const RADIUS = { kind: "radius", sourceAt: 1, optionsAt: 6 } as const;
const BY_MEMBER = { kind: "radius-by-member", sourceAt: 1, optionsAt: 5 } as const;

/** Commands that look for places. */
export const GEO_SEARCH_HANDLERS: Readonly<Record<string, Handler>> = {
  georadius: (call) => search(call, { ...RADIUS, mayStore: true }),
  georadius_ro: (call) => search(call, { ...RADIUS, mayStore: false }),
  georadiusbymember: (call) => search(call, { ...BY_MEMBER, mayStore: true }),
  georadiusbymember_ro: (call) => search(call, { ...BY_MEMBER, mayStore: false }),
  geosearch: (call) => search(call, { kind: "search", sourceAt: 1, optionsAt: 2, mayStore: false }),
  geosearchstore: (call) => search(call, { kind: "search", sourceAt: 2, optionsAt: 3, mayStore: true }),
};
