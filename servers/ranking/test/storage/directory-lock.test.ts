import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { lockDirectory, processStart } from "../../src/storage/directory-lock.ts";

const modulePath = new URL("../../src/storage/directory-lock.ts", import.meta.url).pathname;

test("a second process is refused by the first one's id, and let in when that has released it", () =>
  withTempDir((directory) => {
    const alive = (pid: number): string => `start of ${pid}`;
    const lock = lockDirectory(directory, 100, alive);
    expect(() => lockDirectory(directory, 200, alive)).toThrow(
      expect.objectContaining({ code: "STORAGE_LOCKED", message: expect.stringContaining("process 100 uses it") }),
    );
    expect(() => lockDirectory(directory, 100, alive)).toThrow(expect.objectContaining({ code: "STORAGE_LOCKED" }));
    lock.release();
    lock.release();
    lockDirectory(directory, 200, alive);
    expect(readdirSync(directory)).toEqual(["lock-2"]);
  }));

test.each([
  { lookup: () => undefined, why: "whose process is dead" },
  { lookup: () => "another start", why: "whose id a new process has" },
])("a lock $why is taken over", ({ lookup }) =>
  withTempDir((directory) => {
    lockDirectory(directory, 100, () => "start");
    lockDirectory(directory, 200, lookup);
    expect(readdirSync(directory)).toEqual(["lock-2"]);
  }),
);

test("a lock file that a loss of power emptied is taken over", () =>
  withTempDir((directory) => {
    writeFileSync(join(directory, "lock-4"), new Uint8Array(30));
    lockDirectory(directory);
    expect(readdirSync(directory)).toEqual(["lock-5"]);
  }));

test("who looked before a newer owner came does not take its place", () =>
  withTempDir((directory) => {
    lockDirectory(directory, 1, () => "dead soon");
    let isFirst = true;
    const slow = (pid: number): string | undefined => {
      if (pid === 1 && isFirst) {
        isFirst = false;
        const quick = lockDirectory(directory, 2, (other) => (other === 1 ? undefined : "alive"));
        quick.release();
        lockDirectory(directory, 3, () => "alive");
      }
      return pid === 1 ? undefined : "alive";
    };
    expect(() => lockDirectory(directory, 4, slow)).toThrow(/process 3 uses it/);
    expect(readdirSync(directory)).toEqual(["lock-3"]);
  }));

test("a directory that is not there is a failure with its path", () => {
  expect(() => lockDirectory("/nowhere/at/all")).toThrow(expect.objectContaining({ code: "STORAGE_FAILED" }));
});

test("a living process is found, and a dead one is not", () => {
  expect(processStart(process.pid)).toMatch(/^\d*$/);
  expect(processStart(2 ** 22 + 1)).toBeUndefined();
});

test("a killed process's lock is taken over, and a living one's is not", () =>
  withTempDir(async (directory) => {
    const script = `import { lockDirectory } from ${JSON.stringify(modulePath)};
      lockDirectory(${JSON.stringify(directory)}); console.log("locked"); process.stdin.resume();`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
    await once(child.stdout, "data");
    expect(() => lockDirectory(directory)).toThrow(`process ${child.pid} uses it`);
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    lockDirectory(directory).release();
    expect(existsSync(join(directory, "lock-2"))).toBe(true);
  }));
