const PAGE_UNITS = 8_192;
const MAX_UNITS = 8_192;
/** Up to this many units each size has its own class. */
const EXACT_UNITS = 32;
/** Beyond, so many classes between a power of two and the next: an eighth is wasted at most. */
const STEPS = 8;

/** Block sizes, in units of 8 bytes, ascending. */
export const CLASS_UNITS: Int32Array = Int32Array.from(classUnits());
export const CLASS_COUNT: number = CLASS_UNITS.length;
/** Blocks of a page, by class. */
export const CLASS_BLOCKS: Int32Array = CLASS_UNITS.map((units) => Math.floor(PAGE_UNITS / units));

/** Class by units. */
const CLASS_BY_UNITS = classesByUnits();

/**
 * The size class of a block of `byteCount` bytes.
 *
 * @param byteCount 1 to 65,536; more has no class (`undefined` as a number: callers check before).
 */
export function classOf(byteCount: number): number {
  return CLASS_BY_UNITS[(byteCount + 7) >>> 3]!;
}

/** Units of the block that `byteCount` bytes get. */
export function blockUnitsOf(byteCount: number): number {
  return CLASS_UNITS[classOf(byteCount)]!;
}

function classUnits(): number[] {
  const sizes: number[] = [];
  for (let units = 1; units <= EXACT_UNITS; units++) sizes.push(units);
  let step = EXACT_UNITS / STEPS;
  let units = EXACT_UNITS + step;
  while (units <= PAGE_UNITS / STEPS) {
    sizes.push(units);
    if ((units & (units - 1)) === 0) step *= 2;
    units += step;
  }
  // Larger blocks share a page evenly.
  for (let blocks = STEPS - 1; blocks >= 1; blocks--) sizes.push(Math.floor(PAGE_UNITS / blocks));
  return sizes;
}

function classesByUnits(): Uint8Array {
  const classes = new Uint8Array(MAX_UNITS + 1);
  let sizeClass = 0;
  for (let units = 1; units <= MAX_UNITS; units++) {
    if (units > CLASS_UNITS[sizeClass]!) sizeClass++;
    classes[units] = sizeClass;
  }
  return classes;
}
