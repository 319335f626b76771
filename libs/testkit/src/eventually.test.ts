import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { withTempDir } from "./temp-dir.ts";

test("it returns the first truthy value", async () => {
  let count = 0;
  expect(await eventually(() => (++count === 3 ? "third" : undefined), { intervalMs: 1 })).toBe("third");
  expect(count).toBe(3);
});

test("a check that throws is asked again", async () => {
  let count = 0;
  const check = (): boolean => {
    if (++count < 3) throw new Error("not yet");
    return true;
  };
  await eventually(check, { intervalMs: 1 });
  expect(count).toBe(3);
});

test("the failure says what was waited for and what went wrong last", async () => {
  const check = (): boolean => {
    throw new Error("port closed");
  };
  const waiting = eventually(check, { timeoutMs: 5, intervalMs: 1, what: "The port" });
  await expect(waiting).rejects.toThrow("The port did not come true within 5 ms: port closed");
});

test("a temporary directory is gone afterwards, also after a failure", async () => {
  let seen = "";
  const use = (dir: string): void => {
    seen = dir;
    writeFileSync(join(dir, "file"), "x");
    throw new Error("boom");
  };
  await expect(withTempDir(use)).rejects.toThrow("boom");
  expect(seen).not.toBe("");
  expect(existsSync(seen)).toBe(false);
});
