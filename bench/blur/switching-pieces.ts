import type { Figure } from "../src/scenario.ts";

/**
 * Figures of several plays as those of one: counts are added up, of the rest the worst counts. A bar holds if it held
 * every time.
 */
export function combineFigures(plays: readonly (readonly Figure[])[]): Figure[] {
  const byName = new Map<string, Figure[]>();
  for (const figure of plays.flat()) {
    const name = `${figure.peer} ${figure.figure}`;
    byName.set(name, [...(byName.get(name) ?? []), figure]);
  }
  return [...byName.values()].map((same) => {
    const [first] = same as [Figure];
    const value = combineValues(
      first,
      same.map((one) => one.value),
    );
    const pass = first.pass === null ? null : same.every((one) => one.pass === true);
    return { ...first, value, pass };
  });
}

function combineValues({ figure, unit }: Figure, values: readonly number[]): number {
  if (figure.startsWith("ssim")) return Math.min(...values);
  const isExtreme = unit === "%" || /^gap-|-gap-|^initialization/.test(figure);
  return isExtreme ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0);
}
