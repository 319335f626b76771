import { expect, test } from "vitest";
import { z } from "zod";
import { loadConfig } from "./load.ts";

const schema = z.strictObject({
  listen: z
    .string()
    .default("127.0.0.1:1")
    .meta({ placeholder: "host:port", alias: ["l"] })
    .describe("Address for clients"),
  idleLimitMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(5)
    .meta({ unit: "ms" })
    .describe("Close a silent client | after this"),
  isPublic: z.boolean().default(true).describe("Show the list"),
  token: z.string().default("").meta({ secret: true, group: "Credentials" }).describe("For operators"),
  bucket: z.string().optional().meta({ group: "Credentials" }).describe("Where recordings go"),
});

function print(...argv: string[]): string {
  const about = "A server for tests.";
  const outcome = loadConfig({ part: "demo", schema, argv, env: {}, files: [], about, columns: 60 });
  if (outcome.kind !== "print") throw new Error("expected a text");
  return outcome.text;
}

test("help shows groups, defaults, ranges and environment names, wrapped", () => {
  const text = print("--help");
  expect(text).toContain(`Usage: kagami demo [--setting value ...]

A server for tests.

Settings:
  --listen, -l <host:port>
      Address for clients [default 127.0.0.1:1] [env
      KAGAMI_DEMO_LISTEN]
  --idle-limit-ms <number>
      Close a silent client | after this (0 to 60000 ms)
      [default 5] [env KAGAMI_DEMO_IDLE_LIMIT_MS]
  --is-public
      Show the list (turn off with --no-is-public) [default
      true] [env KAGAMI_DEMO_IS_PUBLIC]

Credentials:
`);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
});

test("help is shown even if other settings are wrong", () => {
  expect(print("--nonsense", "-h")).toContain("Usage:");
});

test("the configuration table tells sources and masks secrets", () => {
  expect(print("--print-config", "--token", "hunter22", "--idle-limit-ms=7")).toBe(`setting      value        source
listen       127.0.0.1:1  default
idleLimitMs  7            --idle-limit-ms
isPublic     true         default
token        ********     --token
bucket       (none)       default
`);
});

test("the manual is a Markdown table whose cells survive pipes", () => {
  const text = print("--manual");
  expect(text).toContain("# kagami demo\n");
  expect(text).toContain(
    "| `--idle-limit-ms <number>` | `idleLimitMs` | `KAGAMI_DEMO_IDLE_LIMIT_MS` | `5` | Close a silent client \\| after this (0 to 60000 ms) |",
  );
  expect(text).toContain("## Credentials");
});
