import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FileDescriptorSink } from "./sink.ts";

const sinkUrl = new URL("./sink.ts", import.meta.url).href;

/** Runs a script with a sink on standard output and returns what came out. */
async function run(
  script: string,
  { closesEarly = false } = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const source = `import { FileDescriptorSink } from ${JSON.stringify(sinkUrl)}; const sink = new FileDescriptorSink(1); ${script}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source]);
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
    if (closesEarly) child.stdout.destroy();
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out, err };
}

test("lines are written in order, and flush waits for them", async () => {
  const dir = mkdtempSync(join(tmpdir(), "kagami-sink-"));
  const fd = openSync(join(dir, "log"), "w");
  const sink = new FileDescriptorSink(fd);
  for (let i = 0; i < 1_000; i++) sink.write(`${i}\n`);
  await sink.flush();
  for (let i = 1_000; i < 1_010; i++) sink.write(`${i}\n`);
  await sink.flush();
  await sink.flush();
  closeSync(fd);
  const lines = readFileSync(join(dir, "log"), "utf8").split("\n").slice(0, -1);
  expect(lines).toEqual(Array.from({ length: 1_010 }, (_, i) => String(i)));
  rmSync(dir, { recursive: true });
});

test("what is pending when the process exits is still written", async () => {
  const { code, out } = await run(`for (let i = 0; i < 500; i++) sink.write(i + "\\n"); process.exit(5);`);
  expect(code).toBe(5);
  expect(out.split("\n").slice(0, -1)).toHaveLength(500);
});

test("an uncaught exception loses no line", async () => {
  const { out } = await run(`sink.write("last words\\n"); throw new Error("boom");`);
  expect(out).toBe("last words\n");
});

test("a reader that goes away neither crashes nor blocks the writer", async () => {
  const script = `
    let n = 0;
    const timer = setInterval(() => { sink.write("x".repeat(1000) + "\\n"); if (++n === 200) { clearInterval(timer); console.error("done"); } }, 1);`;
  expect(await run(script, { closesEarly: true })).toMatchObject({ code: 0, err: "done\n" });
});

test("a reader that is slow loses lines beyond the limit, never the process's memory, and is told how many", async () => {
  const script = `
    const line = "x".repeat(1_000_000) + "\\n";
    for (let i = 0; i < 20; i++) sink.write(line);
    await sink.flush(); sink.write("after\\n");`;
  const { out } = await run(script);
  expect(out.length).toBeLessThan(6_000_000);
  expect(out).toContain('{"level":"warn","event":"log.dropped","count":16}');
  expect(out.endsWith("after\n")).toBe(true);
});
