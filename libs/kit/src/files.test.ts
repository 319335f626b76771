import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { readJsonFile, writeFileAtomic } from "./files.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "kagami-files-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const schema = z.strictObject({ channels: z.array(z.string()) });

test("a file is replaced whole, with the asked permissions and nothing left over", async () => {
  const path = join(dir, "state.json");
  writeFileSync(path, "old content that is longer");
  await writeFileAtomic(path, "new", 0o600);
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(["state.json"]);
});

test("many writers at once leave one of their contents", async () => {
  const path = join(dir, "state");
  const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(10_000));
  await Promise.all(contents.map((content) => writeFileAtomic(path, content)));
  expect(contents).toContain(readFileSync(path, "utf8"));
  expect(readdirSync(dir)).toEqual(["state"]);
});

test.each([
  { name: "none/state", mend: "create its directory", why: "no directory" },
  { name: "dir", mend: "check its directory", why: "a directory is in the way" },
])("a write that cannot be says how to mend it: $why", async ({ name, mend }) => {
  mkdirSync(join(dir, "dir"));
  writeFileSync(join(dir, "dir", "x"), "");
  await expect(writeFileAtomic(join(dir, name), "x")).rejects.toMatchObject({
    code: "FILE_UNWRITABLE",
    message: expect.stringContaining(mend),
  });
  expect(readdirSync(dir)).toEqual(["dir"]);
});

test("a JSON file is read through its schema", async () => {
  const path = join(dir, "state.json");
  await writeFileAtomic(path, JSON.stringify({ channels: ["a"] }));
  expect(await readJsonFile(path, schema)).toEqual({ channels: ["a"] });
});

test.each([
  { content: undefined, code: "FILE_MISSING", message: "there is no such file" },
  { content: '{"channels": [', code: "FILE_NOT_JSON", message: "Restore it from a backup" },
  { content: '{"channels": [5]}', code: "FILE_INVALID", message: "channels.0: " },
  { content: '{"channels": [], "extra": 1}', code: "FILE_INVALID", message: "extra" },
])("a bad file is refused by name: $code", async ({ content, code, message }) => {
  const path = join(dir, "state.json");
  if (content !== undefined) writeFileSync(path, content);
  await expect(readJsonFile(path, schema)).rejects.toMatchObject({
    code,
    path,
    message: expect.stringContaining(message),
  });
  await expect(readJsonFile(path, schema)).rejects.toThrow(path);
});

test("a directory in place of the file is unreadable", async () => {
  chmodSync(dir, 0o700);
  await expect(readJsonFile(dir, schema)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
});
