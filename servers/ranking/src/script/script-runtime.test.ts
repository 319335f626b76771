import { expect, test } from "vitest";
import type { ScriptHost } from "./script-host.ts";
import { DEFAULT_SCRIPT_LIMITS, type ScriptLimits, ScriptRuntime } from "./script-runtime.ts";

const HOST: ScriptHost = {
  call: () => Buffer.from("+PONG\r\n"),
  log: () => undefined,
  isAllowed: () => true,
  shouldStop: () => false,
};

function run(runtime: ScriptRuntime, script: string, seed = 1, host = HOST): string {
  const compiled = runtime.compile(Buffer.from(script, "latin1"), false);
  if (compiled.kind === "error") return compiled.message;
  const reply = runtime.run({ sha: compiled.sha, keys: [], argv: [Buffer.from("a\0b")], resp: 2, seed, host });
  return Buffer.from(reply).toString("latin1");
}

function limited(limits: Partial<ScriptLimits>): ScriptRuntime {
  return new ScriptRuntime({ ...DEFAULT_SCRIPT_LIMITS, ...limits });
}

test("the same script, seed and replies give the same result whatever ran before", () => {
  const script =
    "local t={} for i=1,50 do t['k'..math.random(1e6)]=i end local o={tostring(t),tostring(print or {})} " +
    "for k in pairs(t) do o[#o+1]=k end o[#o+1]=cjson.encode(1/3) return o";
  const safe = script.replace("tostring(print or {})", "tostring(redis.call)");
  const fresh = run(new ScriptRuntime(), safe, 7);
  const used = new ScriptRuntime();
  for (let i = 0; i < 500; i++) run(used, `cjson.encode_number_precision(3) local t = {} for i=1,${i} do t[i]={} end`);
  expect(fresh.startsWith("*")).toBe(true);
  expect(run(used, safe, 7)).toBe(fresh);
  expect(run(used, safe, 8)).not.toBe(fresh);
});

test("10,000 scripts leave memory as it was", () => {
  const runtime = new ScriptRuntime();
  const each = (i: number): void => {
    run(runtime, `local t = {} for i=1,100 do t[i] = {ARGV[1] .. i} end return cjson.encode({t, ${i}})`);
  };
  for (let i = 0; i < 1000; i++) each(i);
  const before = runtime.memoryBytes;
  for (let i = 1000; i < 10_000; i++) each(i);
  expect(runtime.memoryBytes).toBe(before);
  expect(runtime.scriptCount).toBe(DEFAULT_SCRIPT_LIMITS.evalScriptCount);
});

test("a script that wants too much memory gets an error, and the next one runs", () => {
  const runtime = limited({ memoryBytes: 32 * 1024 * 1024 });
  expect(run(runtime, "local t = {} for i=1,1e9 do t[i] = ('x'):rep(1e5) .. i end")).toMatch(
    /^-ERR .*not enough memory/,
  );
  expect(run(runtime, "return 1")).toBe(":1\r\n");
});

test("a script that runs too long is stopped, though it catches errors", () => {
  let asked = 0;
  const host = { ...HOST, shouldStop: () => ++asked > 3 };
  const script = "while true do pcall(function() while true do end end) end";
  expect(run(new ScriptRuntime(), script, 1, host)).toMatch(/^-ERR Script killed by user with SCRIPT KILL\.\.\./);
  expect(asked).toBeGreaterThan(3);
});

test("a reply without end is refused", () => {
  const runtime = limited({ replyBytes: 100_000 });
  expect(run(runtime, "local t = {} t[1] = t t[2] = t return t")).toMatch(/^-ERR A reply is longer than 100000 bytes/);
  expect(run(runtime, "return 1")).toBe(":1\r\n");
});

test("a script that is too long is not compiled", () => {
  expect(run(limited({ scriptBytes: 10 }), "return 12345")).toMatch(/^ERR Script is too long: 12 bytes/);
});

test("scripts of EVAL are dropped when there are too many; loaded ones stay until they are flushed", () => {
  const runtime = limited({ evalScriptCount: 2 });
  const loaded = runtime.compile(Buffer.from("return 'kept'"), true);
  const first = runtime.compile(Buffer.from("return 1"), false);
  for (const n of [2, 3, 4]) run(runtime, `return ${n}`);
  if (loaded.kind !== "script" || first.kind !== "script") throw new Error("They compile");
  expect([runtime.has(loaded.sha), runtime.has(first.sha), runtime.scriptCount]).toEqual([true, false, 3]);
  runtime.flush();
  expect(runtime.has(loaded.sha)).toBe(false);
});

test("an error that is a table without a message is an error reply", () => {
  expect(run(new ScriptRuntime(), "error({1})")).toMatch(/^-ERR A script raised a table/);
});
