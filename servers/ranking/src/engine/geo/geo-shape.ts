import { type Area, areaOf, type Cell, cellOf, MAX_STEP, neighborOf, type Place } from "./geohash.ts";

/** Metres, as Redis has it. */
const EARTH_RADIUS = 6_372_797.560856;
/** Half of the equator in a Mercator map, in metres. */
const MERCATOR_MAX = 20_037_726.37;
const RADIANS = Math.PI / 180;

/** A circle or a box around a place. Sizes are in metres. */
export type GeoShape = {
  readonly center: Place;
} & ({ readonly radius: number } | { readonly width: number; readonly height: number });

/** The distance of two places in metres, by haversines. */
export function distanceOf(a: Place, b: Place): number {
  const v = Math.sin((b.longitude * RADIANS - a.longitude * RADIANS) / 2);
  if (v === 0) return latitudeDistance(a.latitude, b.latitude);
  const [from, to] = [a.latitude * RADIANS, b.latitude * RADIANS];
  const u = Math.sin((to - from) / 2);
  return 2 * EARTH_RADIUS * Math.asin(Math.sqrt(u * u + Math.cos(from) * Math.cos(to) * v * v));
}

function latitudeDistance(a: number, b: number): number {
  return EARTH_RADIUS * Math.abs(b * RADIANS - a * RADIANS);
}

/** The distance of a place from the shape's middle, in metres; NaN if it is not inside. */
export function distanceInside(shape: GeoShape, place: Place): number {
  const { center } = shape;
  if ("radius" in shape) {
    const distance = distanceOf(center, place);
    return distance > shape.radius ? Number.NaN : distance;
  }
  if (latitudeDistance(place.latitude, center.latitude) > shape.height / 2) return Number.NaN;
  const across = distanceOf(place, { longitude: center.longitude, latitude: place.latitude });
  return across > shape.width / 2 ? Number.NaN : distanceOf(center, place);
}

/** What surely holds the shape. */
function boundsOf(shape: GeoShape): Area {
  const { longitude, latitude } = shape.center;
  const [high, wide] = "radius" in shape ? [shape.radius, shape.radius] : [shape.height / 2, shape.width / 2];
  const up = high / EARTH_RADIUS / RADIANS;
  // Degrees of longitude are shorter nearer to the pole.
  const edge = latitude < 0 ? latitude - up : latitude + up;
  const across = wide / EARTH_RADIUS / Math.cos(edge * RADIANS) / RADIANS;
  return { west: longitude - across, east: longitude + across, south: latitude - up, north: latitude + up };
}

/** The step at which a cell is about as large as the shape. */
function stepOf(radius: number, latitude: number): number {
  if (radius === 0) return MAX_STEP;
  let step = 1;
  for (let range = radius; range < MERCATOR_MAX; range *= 2) step++;
  step -= 2;
  if (Math.abs(latitude) > 66) step--;
  if (Math.abs(latitude) > 80) step--;
  return Math.min(MAX_STEP, Math.max(1, step));
}

/** Where the eight cells around one lie, in the order in which Redis walks through them. */
const AROUND: readonly (readonly [east: number, north: number])[] = [
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
];

/**
 * The cells that may have places of the shape, in the order in which Redis walks through them. Near the edges of the map,
 * and for shapes as large as the world, it is not all of it, as in Redis.
 */
export function cellsOf(shape: GeoShape): Cell[] {
  const { center } = shape;
  const bounds = boundsOf(shape);
  const radius = "radius" in shape ? shape.radius : Math.sqrt((shape.width / 2) ** 2 + (shape.height / 2) ** 2);
  let step = stepOf(radius, center.latitude);
  let middle = cellOf(center, step);
  if (step > 1 && !reaches(middle, bounds)) middle = cellOf(center, --step);
  const { west, east, south, north } = areaOf(middle);
  const needs = (x: number, y: number): boolean =>
    step < 2 ||
    ((y >= 0 || !(south < bounds.south)) &&
      (y <= 0 || !(north > bounds.north)) &&
      (x >= 0 || !(west < bounds.west)) &&
      (x <= 0 || !(east > bounds.east)));
  const cells = [middle];
  for (const [x, y] of AROUND) {
    if (!needs(x, y)) continue;
    const cell = neighborOf(middle, x, y);
    // Where the world is two cells wide, those on both sides are the same one.
    const last = cells.at(-1) as Cell;
    if (cells.length === 1 || last.x !== cell.x || last.y !== cell.y) cells.push(cell);
  }
  return cells;
}

/** Whether a cell and those around it reach to the bounds in all four directions. */
function reaches(middle: Cell, bounds: Area): boolean {
  return !(
    areaOf(neighborOf(middle, 0, 1)).north < bounds.north ||
    areaOf(neighborOf(middle, 0, -1)).south > bounds.south ||
    areaOf(neighborOf(middle, 1, 0)).east < bounds.east ||
    areaOf(neighborOf(middle, -1, 0)).west > bounds.west
  );
}
