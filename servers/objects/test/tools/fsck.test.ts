import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { fsck, renderFsck } from "../../src/tools/fsck.ts";
import { runToolCommand } from "../../src/tools/tool-command.ts";
import { copyDirectory, type FilledStore, fillStore, fingerprint, openSmall } from "../support/damaged-store.ts";
import { DAMAGES } from "../support/damages.ts";

const NOW_MS = 1_800_000_000_000;

let store: FilledStore;
beforeAll(async () => {
  store = await fillStore(1);
});
afterAll(() => store.end());

test.each(["rocksdb-native", "classic-level"] as const)(
  "a good store with %s is found good, and nothing in it is changed, not even a time",
  async (engine) => {
    const good = await fillStore(2, engine);
    const before = fingerprint(good.directory);
    const report = await fsck(good.directory, NOW_MS);
    expect(report).toMatchObject({
      errors: 0,
      notes: 0,
      findings: [],
      objects: good.bodies.size,
      blobs: 2,
      volumes: 6,
    });
    expect(renderFsck(report)).toContain("nothing is wrong");
    expect(fingerprint(good.directory)).toEqual(before);
    good.end();
  },
);

test.each(DAMAGES)("$what is named, and nothing is changed: $why", async ({ spoil, errors, loses }) => {
  const directory = copyDirectory(store.directory);
  spoil(directory);
  const before = fingerprint(directory);
  const report = await fsck(directory, NOW_MS);
  const codes = report.findings.flatMap(({ severity, code }) => (severity === "error" ? [code] : []));
  expect([...new Set(codes)].sort()).toEqual(errors);
  expect(report.lostObjects > 0).toBe(loses);
  for (const { bucket, key } of report.lost) expect([bucket, store.bodies.has(key)], key).toEqual(["b", true]);
  expect(fingerprint(directory)).toEqual(before);
  rmSync(directory, { recursive: true });
});

test("a row that the index has lost, and one that it should not have, are named", async () => {
  const directory = copyDirectory(store.directory);
  const opened = await openSmall(directory);
  const { index } = opened.state;
  const [first, second] = await index.scan(Buffer.from("o"), Buffer.from("p"), 2);
  await index.write([{ kind: "delete", key: first!.key }]);
  await index.write([{ kind: "put", key: Buffer.concat([second!.key, Buffer.from("x")]), value: second!.value }]);
  await opened.close();
  const report = await fsck(directory, NOW_MS);
  const lines = renderFsck(report);
  expect(lines).toContain('error index-wrong index: "b/k0": a record says it, and the index does not have it');
  expect(lines).toMatch(/error index-wrong index: "b\/k10x": it is not what the records say/);
  expect(lines).toMatch(/error count-wrong volumes/);
  rmSync(directory, { recursive: true });
});

test("groups that have ended are told, and are no error", async () => {
  const directory = copyDirectory(store.directory);
  const opened = await openSmall(directory);
  const request = { bucket: "b", key: "short", metadata: { user: {}, tags: {} }, conditions: {} };
  const expiresMs = Date.now() + 1_000;
  const retention = { ruleKey: "r", expiresMs, retentionMs: 600_000 };
  const writer = opened.put({ ...request, retention }, 3);
  await writer.write(new Uint8Array(3));
  await writer.commit({ etag: "e", checksum: undefined });
  await opened.close();
  const report = await fsck(directory, NOW_MS);
  expect(report.findings).toMatchObject([{ severity: "note", code: "group-ended", where: "volumes/00000007.vol" }]);
  rmSync(directory, { recursive: true });
});

test("the command's exit code is 1 when something is wrong, and it speaks JSON", async () => {
  const run = async (...argv: string[]) => {
    const out: string[] = [];
    const write = (text: string) => void out.push(text);
    return { code: await runToolCommand(argv, { env: {}, write, writeError: write }), out: out.join("") };
  };
  expect(await run("fsck", "--data", store.directory)).toMatchObject({ code: 0 });
  const directory = copyDirectory(store.directory);
  rmSync(join(directory, "index"), { recursive: true });
  const { code, out } = await run("fsck", "--data", directory, "--json");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ errors: 1, findings: [{ code: "index-missing" }] });
  const absent = await run("fsck", "--data", join(directory, "absent"));
  expect(absent.code).toBe(1);
  expect(absent.out).toMatch(/there is no volumes\/ in it. Give the directory of a store/);
  rmSync(directory, { recursive: true });
});

const HOLDER = `
import { openStore } from ${JSON.stringify(new URL("../../src/storage/open-store.ts", import.meta.url).href)};
const store = await openStore({ directory: process.argv[2] });
for (const key of ["x", "y", "z"]) {
  const request = { bucket: "b", key, metadata: { user: {}, tags: {} }, retention: undefined, conditions: {} };
  const writer = store.put(request, 3);
  await writer.write(new Uint8Array(3));
  await writer.commit({ etag: "e", checksum: undefined });
}
process.stdin.on("end", () => store.close()).resume();
process.stdout.write("open");
`;

test.each(["rocksdb-native", "classic-level"] as const)(
  "a store with %s that another process has open is left alone",
  async (engine) => {
    const held = await fillStore(3, engine);
    const script = join(held.directory, "holder.mts");
    writeFileSync(script, HOLDER);
    const child = spawn(process.execPath, [script, held.directory], { stdio: ["pipe", "pipe", "inherit"] });
    await once(child.stdout, "data");
    await expect(fsck(held.directory, NOW_MS)).rejects.toMatchObject({
      code: "STORE_IN_USE",
      message: expect.stringContaining("a server has it open. Stop the server first"),
    });
    child.stdin.end();
    await once(child, "exit");
    expect((await fsck(held.directory, NOW_MS)).errors).toBe(0);
    held.end();
  },
);

test.each(["rocksdb-native", "classic-level"] as const)(
  "a store with %s whose server was killed is found good, though its index was not written to tables",
  async (engine) => {
    const killed = await fillStore(4, engine);
    const script = join(killed.directory, "holder.mts");
    writeFileSync(script, HOLDER);
    const child = spawn(process.execPath, [script, killed.directory], { stdio: ["pipe", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    const report = await fsck(killed.directory, NOW_MS);
    expect(report).toMatchObject({ errors: 0, objects: killed.bodies.size + 3 });
    killed.end();
  },
);

test("without the store's file and without a header there is nothing to check with", async () => {
  const directory = copyDirectory(store.directory);
  const { storeId } = JSON.parse(readFileSync(join(directory, "store.json"), "utf8"));
  expect(storeId).toMatch(/^[0-9a-f-]{36}$/);
  rmSync(join(directory, "store.json"));
  rmSync(join(directory, "volumes"), { recursive: true });
  await expect(fsck(directory, NOW_MS)).rejects.toMatchObject({ code: "STORE_UNREADABLE" });
  rmSync(directory, { recursive: true });
});
