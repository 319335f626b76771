import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { withTempDir } from "./temp-dir.ts";
import { findCommand, isProcessAlive, runTool } from "./tool.ts";

const node = process.execPath;

test("a tool gets its input and gives its outputs and exit code", async () => {
  const script = `process.stdin.on("data", (d) => process.stdout.write(d)); console.error("note"); process.exitCode = 3;`;
  const result = await runTool(node, ["-e", script], { input: "hello" });
  expect(result).toMatchObject({ exitCode: 3, signal: null, stdout: "hello", stderr: "note\n" });
  expect(result.stdoutBytes.length).toBe(5);
});

test("a tool that must succeed and does not is an error that tells what it said and what it needs", async () => {
  const script = `console.error("no such class"); process.exitCode = 255;`;
  await expect(runTool(node, ["-e", script], { mustSucceed: true, debianPackage: "php-x" })).rejects.toMatchObject({
    code: "TOOL_FAILED",
    message: `${node} ended with 255. It needs the Debian package php-x. It said:\nno such class`,
  });
  const killed = runTool(node, ["-e", `process.kill(process.pid, "SIGTERM")`], { mustSucceed: true });
  await expect(killed).rejects.toThrow("ended with SIGTERM");
  const options = { mustSucceed: true };
  expect(await runTool(node, ["-e", "console.log(1)"], options)).toMatchObject({ exitCode: 0, stdout: "1\n" });
});

test("a tool that never reads its input is no failure", async () => {
  const result = await runTool(node, ["-e", ""], { input: new Uint8Array(1_000_000) });
  expect(result.exitCode).toBe(0);
});

test("a missing tool is an error that says what to install", async () => {
  await expect(runTool("no-such-tool-here", [])).rejects.toMatchObject({
    code: "TOOL_MISSING",
    message:
      "Cannot run no-such-tool-here: it is not on this machine. Install it with: sudo apt-get install no-such-tool-here",
  });
  expect(() => findCommand("/nowhere/ffprobe")).toThrow("apt-get install");
  expect(() => findCommand("no-such-tool-here", "some-package")).toThrow("sudo apt-get install some-package");
});

test("daemons are found though they are not on an ordinary user's path", () => {
  expect(findCommand("nginx")).toMatch(/nginx$/);
});

test("a tool that does not end is killed with what it started", async () => {
  await withTempDir(async (dir) => {
    const mark = join(dir, "pid");
    // A shell starts fast enough to leave its mark within the time even on a busy machine.
    const script = `sleep 1000 & echo $! > ${mark}; echo started >&2; wait`;
    const run = runTool("sh", ["-c", script], { timeoutMs: 1_000 });
    await expect(run).rejects.toMatchObject({ code: "TOOL_TIMEOUT", message: expect.stringContaining("started") });
    const pid = Number(readFileSync(mark, "utf8"));
    await eventually(() => !isProcessAlive(pid), { what: "the grandchild's end" });
  });
});

test("a tool that writes without end is stopped", async () => {
  const script = `const b = Buffer.alloc(65536); const f = () => process.stdout.write(b, f); f();`;
  const run = runTool(node, ["-e", script], { maxOutputBytes: 1_000_000 });
  await expect(run).rejects.toMatchObject({ code: "TOOL_OUTPUT_TOO_LARGE" });
});
