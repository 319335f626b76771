import { expect } from "vitest";
import { runBench } from "../index.ts";
import { CapturedIo } from "./captured-io.ts";

/** One figure as `--json` prints it. */
export interface SmokeLine {
  readonly part: string;
  readonly scenario: string;
  readonly figure: string;
  readonly value: number | null;
  readonly unit: string;
  readonly peer: string;
  readonly ratio: number | null;
  readonly bar: string | null;
  readonly pass: boolean | null;
}

/** Runs the short form of a part's scenario as a person would, and reads what it prints. */
export async function runSmoke(part: string, ...argv: string[]): Promise<{ lines: SmokeLine[]; progress: string }> {
  const io = new CapturedIo();
  const exitCode = await runBench([part, ...argv, "--smoke", "--json"], io);
  expect(exitCode, io.err).toBe(0);
  const texts = io.out.split("\n").filter((text) => text !== "");
  return { lines: texts.map((text) => JSON.parse(text)), progress: io.err };
}

/** For tests: the short form of a scenario gives every one of these figures for every peer, above 0. */
export async function expectFigures(
  part: string,
  scenario: string,
  expected: { readonly peers: readonly string[]; readonly figures: readonly string[] },
): Promise<void> {
  const { lines, progress } = await runSmoke(part, scenario);
  expect(progress).toContain(`${part} ${scenario}: `);
  for (const line of lines) {
    expect(Object.keys(line)).toEqual(["part", "scenario", "figure", "value", "unit", "peer", "ratio", "bar", "pass"]);
    expect(line).toMatchObject({ part, scenario });
    expect(line.bar === null).toBe(line.pass === null);
  }
  for (const peer of expected.peers) {
    for (const figure of expected.figures) {
      const found = lines.find((line) => line.peer === peer && line.figure === figure);
      expect(found?.value, `${figure} of ${peer}`).toBeGreaterThan(0);
    }
  }
}
