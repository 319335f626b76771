import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { eventually, isProcessAlive, withTempDir } from "@kagami/testkit";
import { describe, expect, test } from "vitest";
import { runCli } from "./cli.ts";
import { COMMANDS } from "./commands.ts";

const BIN = fileURLToPath(new URL("../bin/kagami.mjs", import.meta.url));

async function run(...argv: string[]): Promise<{ code: number; out: string; error: string }> {
  let out = "";
  let error = "";
  const write = (text: string) => {
    out += text;
  };
  const writeError = (text: string) => {
    error += text;
  };
  const code = await runCli({ argv, env: {}, write, writeError });
  return { code, out, error };
}

describe("kagami", () => {
  test.each([["help"], ["--help"], ["-h"]])("%s lists every command and what it is for", async (word) => {
    const { code, out } = await run(word);
    expect(code).toBe(0);
    for (const { name, about } of COMMANDS) expect(out).toMatch(new RegExp(`  ${name} .*${about}`));
  });

  test("without a command it tells them, and fails", async () => {
    expect(await run()).toMatchObject({ code: 1, out: expect.stringContaining("Usage: kagami <command>") });
  });

  test("a mistyped command is refused with the one that was meant", async () => {
    expect(await run("liev")).toMatchObject({ code: 1, error: expect.stringContaining("did you mean kagami live?") });
  });

  test("the README names every command", async () => {
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    for (const { name } of COMMANDS) expect(readme).toContain(`\`kagami ${name}`);
  });
});

/** Starts the command as a user does and collects what it prints. */
function start(args: readonly string[]) {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => {
      output += text.toString();
    });
  }
  return { child, exited: once(child, "exit"), output: () => output };
}

const FREE_PORTS = ["listen", "rtmp", "ranking", "objects"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);

/** Process ids in the ready lines of the parts. */
function pidsIn(output: string): number[] {
  return [...output.matchAll(/"event":"ready".*?"pid":(\d+)/g)].map((match) => Number(match[1]));
}

describe("kagami up", () => {
  test("prints what to open, drains at the first signal, and leaves no process", async () => {
    await withTempDir(async (directory) => {
      const { child, exited, output } = start(["up", "--demo", "--data", directory, ...FREE_PORTS]);
      await eventually(() => expect(output()).toContain("platform.ready"), { timeoutMs: 30_000 });
      await eventually(() => expect(output()).toMatch(/Watch +http:\/\/127\.0\.0\.1:\d+\/watch\/demo/));
      expect(output()).toMatch(/Ranking +redis:\/\/127\.0\.0\.1:\d+ .*\n +Objects +http:\/\/127\.0\.0\.1:\d+ /);
      child.kill("SIGINT");
      expect(await exited).toEqual([0, null]);
      expect(output()).not.toContain("server.forced");
      const pids = pidsIn(output());
      expect(pids.length).toBe(5);
      await eventually(() => expect(pids.filter((pid) => isProcessAlive(pid))).toEqual([]));
    });
  });

  test("what is off is not started, and when the command is killed its parts end by themselves", async () => {
    await withTempDir(async (directory) => {
      const off = ["--ranking", "off", "--objects", "off"];
      const { child, exited, output } = start(["up", "--demo", "--data", directory, ...FREE_PORTS.slice(0, 4), ...off]);
      await eventually(() => expect(pidsIn(output()).length).toBe(3), { timeoutMs: 30_000 });
      child.kill("SIGKILL");
      await exited;
      await eventually(() => expect(pidsIn(output()).filter((pid) => isProcessAlive(pid))).toEqual([]), {
        timeoutMs: 15_000,
      });
    });
  });

  test("a part that cannot start ends the whole, and says why", async () => {
    await withTempDir(async (directory) => {
      const { exited, output } = start(["up", "--demo", "--listen", "203.0.113.1:0", "--data", directory]);
      expect(await exited).toEqual([1, null]);
      expect(output()).toContain("--open-publish");
    });
  });
});
