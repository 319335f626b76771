import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { addressSetting } from "../address.ts";
import { baseConfigShape } from "./base.ts";
import { ConfigError, type ConfigProblem } from "./errors.ts";
import { type ConfigOutcome, type ConfigRequest, loadConfig } from "./load.ts";

const schema = z.strictObject({
  listen: addressSetting()
    .default("127.0.0.1:6380")
    .describe("Address for clients")
    .meta({ alias: ["l", "address"] }),
  maxClients: z.int().min(1).max(100_000).default(10_000).describe("Refuse connections beyond this"),
  idleLimitMs: z.int().min(0).default(0).meta({ unit: "ms" }).describe("Close a silent client after this"),
  cacheBytes: z.int().default(1_024).meta({ unit: "bytes" }).describe("Memory of the cache"),
  openPublish: z.boolean().default(false).describe("Let anybody publish"),
  isPublic: z.boolean().default(true).describe("Show the list"),
  origins: z.array(z.string()).default([]).describe("Allowed origins"),
  ratios: z.array(z.number()).default([]),
  codec: z.enum(["h264", "h265"]).default("h264"),
  title: z.string().nullable().default(null),
  operatorToken: z
    .string()
    .min(8, "at least 8 characters")
    .default("")
    .meta({ secret: true })
    .describe("For operators"),
  rules: z.array(z.strictObject({ name: z.string(), limit: z.int() })).default([]),
});

const dir = mkdtempSync(join(tmpdir(), "kagami-config-"));
afterAll(() => rmSync(dir, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

type Input = Partial<Pick<ConfigRequest<typeof schema>, "argv" | "env" | "files" | "parts">>;

function outcome(input: Input): ConfigOutcome<z.output<typeof schema>> {
  return loadConfig({ part: "live", schema, argv: [], env: {}, files: [], ...input });
}

function load(input: Input): z.output<typeof schema> {
  const result = outcome(input);
  if (result.kind !== "run") throw new Error("expected a configuration");
  return result.config;
}

function problems(input: Input): readonly ConfigProblem[] {
  try {
    load(input);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error("expected problems");
}

test("each source wins over the one before: defaults, file, environment, flags", () => {
  const files = [file("order.yaml", "live:\n  maxClients: 1\n  idleLimitMs: 1\n  codec: h265\n")];
  const env = { KAGAMI_LIVE_MAX_CLIENTS: "2", KAGAMI_LIVE_IDLE_LIMIT_MS: "2", KAGAMI_HUB_LISTEN: "other" };
  const result = outcome({ files, env, argv: ["--max-clients", "3"] });
  if (result.kind !== "run") throw new Error("expected a configuration");
  expect(result.config).toMatchObject({ maxClients: 3, idleLimitMs: 2, codec: "h265", listen: "127.0.0.1:6380" });
  const sources = new Map(result.settings.map(({ setting, source }) => [setting.key, source]));
  expect(sources.get("maxClients")).toEqual({ kind: "flag", name: "--max-clients" });
  expect(sources.get("idleLimitMs")).toEqual({ kind: "env", name: "KAGAMI_LIVE_IDLE_LIMIT_MS" });
  expect(sources.get("codec")).toEqual({ kind: "file", path: files[0], line: 4 });
  expect(sources.get("listen")).toEqual({ kind: "default" });
});

test.each([
  { argv: ["--max-clients=7"], key: "maxClients", value: 7, why: "behind an equals sign" },
  { argv: ["-l", ":80"], key: "listen", value: ":80", why: "by its short alias" },
  { argv: ["--address", "[::1]:80"], key: "listen", value: "[::1]:80", why: "by its long alias" },
  { argv: ["--open-publish"], key: "openPublish", value: true, why: "a switch" },
  { argv: ["--no-is-public"], key: "isPublic", value: false, why: "a switch turned off" },
  { argv: ["--open-publish=false"], key: "openPublish", value: false, why: "a switch with its value" },
  { argv: ["--origins", "a,b", "--origins=c"], key: "origins", value: ["a", "b", "c"], why: "commas and repetition" },
  { argv: ["--ratios", "0.5,2"], key: "ratios", value: [0.5, 2], why: "a list of numbers" },
  { argv: ["--ratios", "-1"], key: "ratios", value: [-1], why: "a negative number is no flag" },
  { argv: ["--idle-limit-ms", "1.5m"], key: "idleLimitMs", value: 90_000, why: "a duration with its unit" },
  { argv: ["--cache-bytes", "64KiB"], key: "cacheBytes", value: 65_536, why: "a size with its unit" },
  { argv: ["--max-clients", "10_000"], key: "maxClients", value: 10_000, why: "digits in groups" },
  { argv: ["--max-clients", "1", "--max-clients", "2"], key: "maxClients", value: 2, why: "the last one wins" },
  { argv: ["--title", "null"], key: "title", value: null, why: "null where the schema allows it" },
  { argv: ["--title="], key: "title", value: "", why: "an empty text" },
  {
    argv: ["--rules", '[{"name":"a","limit":1}]'],
    key: "rules",
    value: [{ name: "a", limit: 1 }],
    why: "JSON for the rest",
  },
] as const)("$argv sets $key: $why", ({ argv, key, value }) => {
  expect(load({ argv })[key]).toEqual(value);
  expect(outcome({ argv })).toHaveProperty("kind", "run");
});

test.each([
  { argv: ["--lisen", "x"], message: "unknown setting --lisen; did you mean --listen?", why: "letter left out" },
  { argv: ["--maxClients=1"], message: "unknown setting --maxClients; did you mean --max-clients?", why: "camelCase" },
  { argv: ["--zzz"], message: "unknown setting --zzz", why: "nothing is near" },
  {
    argv: ["--pirnt-config"],
    message: "unknown setting --pirnt-config; did you mean --print-config?",
    why: "letters swapped",
  },
  { argv: ["live"], message: 'unexpected argument "live"; settings are written --name value', why: "no dash" },
  { argv: ["--max-clients"], message: "--max-clients needs a value: --max-clients <number>", why: "nothing follows" },
  {
    argv: ["--listen", "--open-publish"],
    message: "--listen needs a value: --listen <host:port>",
    why: "a flag follows",
  },
  { argv: ["--max-clients", "many"], message: '--max-clients cannot be "many": write a number', why: "no number" },
  {
    argv: ["--max-clients", "5s"],
    message: '--max-clients cannot be "5s": write a plain number, without a unit',
    why: "no unit",
  },
  {
    argv: ["--idle-limit-ms", "5kg"],
    message: '--idle-limit-ms cannot be "5kg": write a number, such as 500 or "30s"; "kg" is not a unit of it',
    why: "wrong unit",
  },
  { argv: ["--max-clients", "0"], message: "--max-clients cannot be 0: the least is 1", why: "too small" },
  { argv: ["--max-clients", "1e9"], message: "--max-clients cannot be 1000000000: the most is 100000", why: "too big" },
  { argv: ["--codec", "vp9"], message: '--codec cannot be "vp9": choose one of h264, h265', why: "no such choice" },
  {
    argv: ["--open-publish=maybe"],
    message: '--open-publish cannot be "maybe": write true or false',
    why: "no boolean",
  },
  {
    argv: ["--listen", "::1:80"],
    message: '--listen cannot be "::1:80": Cannot read address "::1:80": write IPv6 in brackets: "[::1]:8080"',
    why: "no address",
  },
  {
    argv: ["--operator-token", "hunter2"],
    message: "--operator-token cannot be (secret): at least 8 characters",
    why: "a secret is not repeated",
  },
  { argv: ["--rules", "{secret"], message: '--rules cannot be "{secret": write it as JSON', why: "no JSON" },
])("$argv is refused: $why", ({ argv, message }) => {
  expect(problems({ argv }).map((problem) => problem.message)).toEqual([message]);
});

test("any command line and environment is read or refused with reasons", () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "--listen",
      "--max-clients=",
      "--no-",
      "--",
      "-",
      "-l",
      "=",
      "--rules",
      "--origins",
      "--no-listen",
      ",",
    ),
  );
  fc.assert(
    fc.property(fc.array(word), fc.string(), (argv, value) => {
      try {
        outcome({ argv: argv.filter((item) => !item.startsWith("--config")), env: { KAGAMI_LIVE_RATIOS: value } });
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        expect((error as ConfigError).problems.length).toBeGreaterThan(0);
      }
    }),
  );
});

test("environment names that nobody knows are refused, with the nearest", () => {
  const [problem] = problems({ env: { KAGAMI_LIVE_MAXCLIENT: "1" } });
  expect(problem).toMatchObject({
    code: "SETTING_UNKNOWN",
    source: { kind: "env", name: "KAGAMI_LIVE_MAXCLIENT" },
    message: "unknown setting KAGAMI_LIVE_MAXCLIENT (environment); did you mean KAGAMI_LIVE_MAX_CLIENTS?",
  });
});

test("all problems of all sources are reported at once, each with its place", () => {
  const path = file(
    "bad.yaml",
    "# comment\nlive:\n  maxClients: 0\n  lissten: x\n  rules:\n    - name: a\n      limit: x\n",
  );
  const found = problems({ files: [path], env: { KAGAMI_LIVE_CODEC: "vp8" }, argv: ["--zzz"] });
  expect(found.map(({ message }) => message)).toEqual([
    `unknown setting "lissten" (${path}:4); did you mean "listen"?`,
    "unknown setting --zzz",
    `${path}:3: maxClients cannot be 0: the least is 1`,
    'KAGAMI_LIVE_CODEC cannot be "vp8": choose one of h264, h265',
    `${path}:5: rules cannot be [{"name":"a","limit":"x"}] at 0.limit: it must be of type number`,
  ]);
});

test.each([
  { text: "live:\n  listen: [", code: "CONFIG_FILE_SYNTAX", why: "broken YAML" },
  { text: "- live", code: "CONFIG_FILE_SYNTAX", why: "no sections" },
  { text: "live: 5", code: "CONFIG_FILE_SYNTAX", why: "the section holds no settings" },
  { text: "live:\n  maxClients: 1\n  maxClients: 2", code: "CONFIG_FILE_SYNTAX", why: "a setting given twice" },
])("a file is refused: $why", ({ text, code }) => {
  expect(problems({ files: [file("refused.yaml", text)] })[0]).toMatchObject({ code });
});

test.each([
  { text: "", why: "empty" },
  { text: "# nothing yet\n", why: "only a comment" },
  { text: "hub:\n  listen: 5\n", why: "only other parts" },
  { text: "live:\n", why: "an empty section" },
])("a file that says nothing about the part leaves the defaults: $why", ({ text }) => {
  expect(load({ files: [file("quiet.yaml", text)] }).maxClients).toBe(10_000);
});

test("durations and sizes may be written with units in the file too", () => {
  expect(load({ files: [file("unit.yaml", "live:\n  idleLimitMs: 2s\n")] }).idleLimitMs).toBe(2_000);
});

test("a section that is no part is refused when the parts are known", () => {
  const path = file("parts.yaml", "live: {}\nhubb: {}\n");
  expect(problems({ files: [path], parts: ["live", "hub"] })[0]?.message).toBe(
    `unknown section "hubb" (${path}:2); did you mean "hub"?`,
  );
});

test("a file asked for by name must exist, one that is looked for need not", () => {
  expect(load({ files: [join(dir, "absent.yaml")] }).maxClients).toBe(10_000);
  const [problem] = problems({ argv: ["--config", join(dir, "absent.yaml")] });
  expect(problem).toMatchObject({
    code: "CONFIG_FILE_UNREADABLE",
    message: expect.stringContaining("absent.yaml (ENOENT)"),
  });
  expect(problems({ env: { KAGAMI_LIVE_CONFIG: dir } })[0]).toMatchObject({ code: "CONFIG_FILE_UNREADABLE" });
});

test("--config replaces the files that are looked for", () => {
  const usual = file("usual.yaml", "live:\n  maxClients: 1\n");
  const asked = file("asked.yaml", "live:\n  codec: h265\n");
  expect(load({ files: [usual], argv: [`--config=${asked}`] })).toMatchObject({ maxClients: 10_000, codec: "h265" });
});

test("a file larger than 1 MiB is refused unread", () => {
  const [problem] = problems({ files: [file("big.yaml", `# ${"x".repeat(1_048_577)}`)] });
  expect(problem?.message).toContain("more than a configuration file may have");
});

test("a required setting that is missing is named with flag and environment name", () => {
  const required = z.strictObject({ bucketName: z.string().describe("Where recordings go") });
  expect(() => loadConfig({ part: "objects", schema: required, argv: [], env: {}, files: [] })).toThrow(
    "missing setting --bucket-name (or KAGAMI_OBJECTS_BUCKET_NAME): Where recordings go",
  );
});

test("the base settings hold their limits and let the admin server be off", () => {
  const base = z.strictObject({ ...baseConfigShape });
  const run = (argv: string[]) => loadConfig({ part: "live", schema: base, argv, env: {}, files: [] });
  expect(run(["--admin", "off", "--shutdown-grace-ms", "30s"])).toMatchObject({
    config: { admin: "off", shutdownGraceMs: 30_000, log: "info", logFormat: "auto", data: "data" },
  });
  expect(() => run(["--log", "loud"])).toThrow("choose one of error, warn, info, debug");
  expect(() => run(["--admin", "nowhere"])).toThrow('--admin cannot be "nowhere": Cannot read address "nowhere"');
});
