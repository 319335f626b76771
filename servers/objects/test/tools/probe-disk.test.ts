import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LatencyHistogram } from "../../src/tools/latency-histogram.ts";
import { explainProbeFailure, probeDisk } from "../../src/tools/probe-disk.ts";
import { runToolCommand } from "../../src/tools/tool-command.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kagami-probe-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function run(...argv: string[]) {
  const [out, errors]: [string[], string[]] = [[], []];
  const context = { env: {}, write: (text: string) => out.push(text), writeError: (text: string) => errors.push(text) };
  const code = await runToolCommand(argv, context);
  return { code, out: out.join(""), errors: errors.join("") };
}

test("quantiles are those of the sorted durations, at most 1.1 % larger", () => {
  const durations = fc.array(fc.double({ min: 0.2, max: 1e7, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, part) => {
      const histogram = new LatencyHistogram();
      for (const value of values) histogram.add(value);
      const sorted = [...values].sort((a, b) => a - b);
      const wanted = sorted[Math.max(0, Math.ceil(part * values.length) - 1)] ?? 0;
      expect(histogram.quantileUs(part)).toBeGreaterThanOrEqual(wanted * (1 - 1e-9));
      expect(histogram.quantileUs(part)).toBeLessThanOrEqual(wanted * 1.011);
      expect(histogram.octaves().reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
      expect(histogram.summary().maxUs).toBe(sorted.at(-1));
    }),
  );
});

test("each write is counted with its sync, and the file is gone at the end", async () => {
  const report = await probeDisk({ directory, seconds: 60, bytes: 1_000, maxWrites: 5 });
  expect(report.writes).toBe(5);
  expect(report.both.maxUs).toBeGreaterThanOrEqual(Math.max(report.write.maxUs, report.fdatasync.maxUs));
  expect(report.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(5);
  expect(await readdir(directory)).toEqual([]);
});

test("the command tells percentiles and rates, or gives them as JSON", async () => {
  const text = await run("probe-disk", "--data", directory, "--seconds", "0.1", "--bytes", "100");
  expect(text).toMatchObject({ code: 0, errors: "" });
  expect(text.out).toMatch(/writes of 100 bytes in .* writes\/s, .* MB\/s/);
  expect(text.out).toMatch(/p50 +p90 +p99 +p99.9 +max\nwrite .*\nfdatasync .*\nboth /);
  expect(text.out).toMatch(/us {2}#/);
  const json = await run("probe-disk", "--data", directory, "--seconds", "0.1", "--json");
  expect(JSON.parse(json.out)).toMatchObject({ directory, bytes: 16_384, both: { p50Us: expect.any(Number) } });
  expect(await readdir(directory)).toEqual([]);
});

test("what cannot be probed is told with how to mend it", async () => {
  const file = join(directory, "file");
  await writeFile(file, "");
  const table: readonly (readonly [args: readonly string[], told: RegExp, why: string])[] = [
    [["--data", join(directory, "absent")], /there is no such directory. Make it/, "a directory is not made"],
    [["--data", file], /it is no directory/, "a file is none"],
    [["--data", "/proc/self"], /Cannot probe .*/, "no file can be made there, not even by root"],
    [["--data", "/dev/shm", "--seconds", "soon"], /--seconds "soon": give a number from/, "no number"],
    [["--data", "/dev/shm", "--bytes", "0"], /--bytes "0": give a number from 1/, "nothing would be written"],
    [["--more"], /Unknown option '--more'.*--help/, "a flag that is not there"],
    [["/srv"], /Cannot use "\/srv"/, "the directory needs its flag"],
  ];
  for (const [args, told, why] of table) {
    const { code, errors } = await run("probe-disk", ...args);
    expect(errors, why).toMatch(told);
    expect(code, why).toBe(1);
  }
  await rm(file);
});

test.each([
  { code: "ENOSPC", told: /the disk is full. Make room/, why: "there is no room" },
  { code: "EDQUOT", told: /the disk is full/, why: "there is none for this user" },
  { code: "EROFS", told: /no file can be made there \(EROFS\)/, why: "it is mounted for reading" },
  { code: "EIO", told: /Cannot probe \/srv: broken/, why: "others are told as the system does" },
])("an error of the disk is told: $why", ({ code, told }) => {
  expect(explainProbeFailure(Object.assign(new Error("broken"), { code }), "/srv")).toMatch(told);
});
