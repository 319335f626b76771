import type { Figure } from "./scenario.ts";

/** One line of `--json`. */
export function jsonLine(part: string, scenario: string, figure: Figure): string {
  const { figure: name, value, unit, peer, ratio, bar, pass } = figure;
  return JSON.stringify({
    part,
    scenario,
    figure: name,
    value: round(value),
    unit,
    peer,
    ratio: round(ratio),
    bar,
    pass,
  });
}

/** The figures as aligned columns. */
export function textTable(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0, column))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** The figures as a Markdown table. */
export function markdownTable(figures: readonly Figure[]): string {
  const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  const rule = HEAD.map((_, column) => (isNumeric(column) ? "---:" : "---"));
  return `${[HEAD, rule, ...figures.map(cells)].map(line).join("\n")}\n`;
}

const HEAD = ["peer", "figure", "value", "unit", "ratio", "bar", "pass"];

function cells({ peer, figure, value, unit, ratio, bar, pass }: Figure): string[] {
  const verdict = pass === null ? "" : pass ? "yes" : "NO";
  return [peer, figure, text(value), unit, ratio === null ? "" : text(ratio), bar ?? "", verdict];
}

function isNumeric(column: number): boolean {
  return column === 2 || column === 4;
}

function pad(cell: string, width: number, column: number): string {
  return isNumeric(column) ? cell.padStart(width) : cell.padEnd(width);
}

function text(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

/** Three decimals are more than any figure here deserves; JSON has no way to write NaN but `null`. */
function round(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.round(value * 1000) / 1000;
}
