import { type Reference, runTool, startRedis } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PARAMETERS } from "../../src/engine/config/parameters.ts";
import { EngineDriver } from "../support/engine-driver.ts";

let redis: Reference;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

async function theirs(...words: string[]): Promise<string[]> {
  const { stdout } = await runTool("redis-cli", ["-p", String(redis.port), ...words]);
  return stdout.trimEnd().split(/\r?\n/);
}

/** What names of lines depend on what was called, or say how Redis was built. */
const OWN_NAMES = /^(?:cmdstat_|errorstat_|latency_percentiles_|db\d|gcc_version|redis_git|redis_build)/;
/** What we tell beside Redis. */
const OUR_NAMES: ReadonlySet<string> = new Set(["kagami_version", "mem_script_heap"]);

function namesOf(lines: readonly string[]): string[] {
  const names = lines.map((line) => (line.startsWith("#") ? line : line.slice(0, line.indexOf(":"))));
  return names.filter((name) => name !== "" && !OWN_NAMES.test(name) && !OUR_NAMES.has(name));
}

test("INFO has every section and field of Redis 7.0.15, in its order", async () => {
  const ours = new EngineDriver().do("INFO", "everything").split("\r\n").slice(1);
  expect(namesOf(ours)).toEqual(namesOf(await theirs("INFO", "everything")));
});

test("INFO shows without words what Redis shows then", async () => {
  const ours = new EngineDriver().do("INFO").split("\r\n").slice(1);
  expect(namesOf(ours)).toEqual(namesOf(await theirs("INFO")));
});

test("MEMORY STATS has Redis's fields", async () => {
  const driver = new EngineDriver();
  const ours = [...driver.do("MEMORY", "STATS").matchAll(/\r\n([a-z][a-z.-]*[a-z])\r\n/g)].map(([, name]) => name);
  const lines = await theirs("MEMORY", "STATS");
  expect(ours).toEqual(lines.filter((_, i) => i % 2 === 0));
});

/** Where a server is, what it keeps, and what it lets do are each server's own. */
const OWN_VALUES: ReadonlySet<string> = new Set(["port", "dir", "bind", "save", "protected-mode", "repl-backlog-size"]);

test("parameters have Redis's names and defaults", async () => {
  const lines = await theirs("CONFIG", "GET", "*");
  const values = new Map(lines.flatMap((name, i) => (i % 2 === 0 ? [[name, lines[i + 1] ?? ""] as const] : [])));
  for (const { name, alias, initial } of PARAMETERS) {
    expect(values.has(name), name).toBe(true);
    if (alias !== undefined) expect(values.has(alias), alias).toBe(true);
    if (!OWN_VALUES.has(name)) expect([name, values.get(name)]).toEqual([name, initial]);
  }
});
