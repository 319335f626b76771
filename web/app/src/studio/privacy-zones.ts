import type { Zone } from "../api/types.ts";

/** How many areas a channel may have. */
export const ZONE_LIMIT = 8;

/** Where a zone is held while its size changes. */
export const CORNERS = ["nw", "ne", "sw", "se"] as const;
export type Corner = (typeof CORNERS)[number];

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Zones are kept in thousandths of the picture, which is a pixel or two and reads well as a percentage. Every function
 * here returns zones that lie within the picture and are at least {@link SMALLEST} wide and high, whatever it is given.
 */
const GRID = 1_000;

/** Shortest side of a zone: a finger can still hold it. */
const SMALLEST = 20;

/** Where a banner most often is: across the top. */
const FIRST_ZONE: Zone = { x: 0.02, y: 0.02, width: 0.96, height: 0.1 };

/** The corners that belong to two opposite points. */
export function zoneBetween(a: Point, b: Point): Zone {
  const left = snap(Math.min(a.x, b.x), 0, GRID - SMALLEST);
  const top = snap(Math.min(a.y, b.y), 0, GRID - SMALLEST);
  const right = snap(Math.max(a.x, b.x), left + SMALLEST, GRID);
  const bottom = snap(Math.max(a.y, b.y), top + SMALLEST, GRID);
  return fromGrid(left, top, right - left, bottom - top);
}

/** Whether what was drawn so far is more than a slip of the hand. */
export function isWorthDrawing(a: Point, b: Point): boolean {
  return Math.abs(a.x - b.x) * GRID >= SMALLEST && Math.abs(a.y - b.y) * GRID >= SMALLEST / 2;
}

/** Moves by fractions of the picture and stops at its edges. */
export function moveZone(zone: Zone, dx: number, dy: number): Zone {
  const width = snap(zone.width, SMALLEST, GRID);
  const height = snap(zone.height, SMALLEST, GRID);
  return fromGrid(snap(zone.x + dx, 0, GRID - width), snap(zone.y + dy, 0, GRID - height), width, height);
}

/** Moves one corner by fractions of the picture; the opposite one stays where it is. */
export function resizeZone(zone: Zone, corner: Corner, dx: number, dy: number): Zone {
  const left = snap(zone.x, 0, GRID - SMALLEST);
  const top = snap(zone.y, 0, GRID - SMALLEST);
  const right = snap(zone.x + zone.width, left + SMALLEST, GRID);
  const bottom = snap(zone.y + zone.height, top + SMALLEST, GRID);
  const isWest = corner.endsWith("w");
  const isNorth = corner.startsWith("n");
  const newLeft = isWest ? snap(left / GRID + dx, 0, right - SMALLEST) : left;
  const newRight = isWest ? right : snap(right / GRID + dx, left + SMALLEST, GRID);
  const newTop = isNorth ? snap(top / GRID + dy, 0, bottom - SMALLEST) : top;
  const newBottom = isNorth ? bottom : snap(bottom / GRID + dy, top + SMALLEST, GRID);
  return fromGrid(newLeft, newTop, newRight - newLeft, newBottom - newTop);
}

/** Sets one number as it was typed, in percent; the others give way where they must. */
export function withPercent(zone: Zone, side: keyof Zone, percent: number): Zone {
  const asked = Number.isFinite(percent) ? percent / 100 : zone[side];
  if (side === "x") return moveZone(zone, asked - zone.x, 0);
  if (side === "y") return moveZone(zone, 0, asked - zone.y);
  const dx = side === "width" ? asked - zone.width : 0;
  const dy = side === "height" ? asked - zone.height : 0;
  return resizeZone(zone, "se", dx, dy);
}

/** A zone for those who do not draw: across the top, or below the zones that are there. */
export function nextZone(zones: readonly Zone[]): Zone {
  const lowest = zones.reduce((bottom, zone) => Math.max(bottom, zone.y + zone.height), 0);
  return zones.length === 0 ? FIRST_ZONE : moveZone(FIRST_ZONE, 0, lowest);
}

/** `12.5`, as the number fields show it. */
export function toPercent(fraction: number): number {
  return Math.round(fraction * GRID) / (GRID / 100);
}

/** `left 2 %, top 2 %, 96 % wide, 10 % high`. */
export function describeZone({ x, y, width, height }: Zone): string {
  const [left, top, wide, high] = [x, y, width, height].map(toPercent);
  return `left ${left} %, top ${top} %, ${wide} % wide, ${high} % high`;
}

/** The nearest point of the grid between two others. What is not a number is the lower one. */
function snap(fraction: number, low: number, high: number): number {
  const at = Math.round(fraction * GRID);
  return Number.isNaN(at) ? low : Math.min(high, Math.max(low, at));
}

function fromGrid(x: number, y: number, width: number, height: number): Zone {
  return { x: x / GRID, y: y / GRID, width: width / GRID, height: height / GRID };
}
