import { existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { volumeKey } from "../../src/storage/index/keys.ts";
import { fsck } from "../../src/tools/fsck.ts";
import { type RepairReport, renderRepair, repair } from "../../src/tools/repair.ts";
import {
  copyDirectory,
  type FilledStore,
  fillStore,
  fingerprint,
  flipBit,
  openSmall,
  putBody,
  readBody,
} from "../support/damaged-store.ts";
import { DAMAGES } from "../support/damages.ts";

const NOW_MS = 1_800_000_000_000;

let store: FilledStore;
beforeAll(async () => {
  store = await fillStore(1);
});
afterAll(() => store.end());

function mend(directory: string, more: { isDryRun?: boolean; rebuildsIndex?: boolean; beforeStep?: () => void } = {}) {
  return repair({ directory, nowMs: NOW_MS, isDryRun: false, rebuildsIndex: false, ...more });
}

/** Opens the store and reads everything: keys that cannot be read. No other bytes ever come, nothing removed returns. */
async function unreadable(directory: string): Promise<string[]> {
  const opened = await openSmall(directory);
  const failed: string[] = [];
  for (const [key, body] of store.bodies) {
    const found = await readBody(opened, key).catch(() => undefined);
    if (found === undefined) failed.push(key);
    else expect(found.equals(body), key).toBe(true);
  }
  for (const key of store.removed) expect(await readBody(opened, key), key).toBeUndefined();
  await putBody(opened, "new", new Uint8Array(500));
  expect((await readBody(opened, "new"))?.length).toBe(500);
  await opened.close();
  return failed.sort();
}

function lostKeys({ lost }: RepairReport): string[] {
  return [...new Set(lost.map(({ key }) => key))].sort();
}

test.each(DAMAGES)("after $what everything that can be is restored, and the rest is named: $why", async (damage) => {
  const directory = copyDirectory(store.directory);
  damage.spoil(directory);
  const before = fingerprint(directory);
  const plan = await mend(directory, { isDryRun: true });
  expect(fingerprint(directory)).toEqual(before);
  const report = await mend(directory);
  expect(report.actions.length > 0).toBe(plan.actions.length > 0);
  expect(report.left.errors === 0).toBe(damage.isRestored);
  const again = await mend(directory);
  expect(again).toMatchObject({ actions: [], left: { errors: report.left.errors } });
  const failed = await unreadable(directory);
  expect(failed.length > 0).toBe(damage.staysLost);
  if (damage.isNamed) expect(lostKeys(report)).toEqual(failed);
  rmSync(directory, { recursive: true });
});

test.each(DAMAGES)("a repair of $what that is killed at any step is finished by the next", async (damage) => {
  for (let killAt = 1, wasKilled = true; wasKilled; killAt++) {
    const directory = copyDirectory(store.directory);
    damage.spoil(directory);
    let steps = 0;
    wasKilled = false;
    const beforeStep = (): void => {
      if (++steps !== killAt) return;
      wasKilled = true;
      throw new Error("killed");
    };
    await mend(directory, { beforeStep }).catch((error: unknown) =>
      expect(error).toMatchObject({ code: "REPAIR_FAILED" }),
    );
    const report = await mend(directory);
    expect(report.left.errors === 0).toBe(damage.isRestored);
    expect((await unreadable(directory)).length > 0).toBe(damage.staysLost);
    rmSync(directory, { recursive: true });
  }
});

test("a good store is left as it is, unless the index is to be built anew", async () => {
  const directory = copyDirectory(store.directory);
  const before = fingerprint(directory);
  const report = await mend(directory);
  expect(report).toMatchObject({ actions: [], left: { errors: 0 } });
  expect(renderRepair(report)).toContain("there is nothing that a repair can mend");
  expect(fingerprint(directory)).toEqual(before);
  const rebuilt = await mend(directory, { rebuildsIndex: true });
  expect(rebuilt.actions).toEqual(["index: build it from the volumes, it was asked for"]);
  expect(existsSync(join(directory, "quarantine", "index", "CURRENT"))).toBe(true);
  expect(await unreadable(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
});

test("a volume whose row the index has lost is found, and a repair keeps it", async () => {
  const directory = copyDirectory(store.directory);
  const opened = await openSmall(directory);
  const [volume] = [...opened.state.volumes.all()];
  await opened.state.index.write([{ kind: "delete", key: volumeKey(volume!.id) }]);
  await opened.close();
  const found = await fsck(directory, NOW_MS);
  expect(found.findings).toMatchObject([{ severity: "error", code: "index-wrong", where: "volumes/00000001.vol" }]);
  expect((await mend(directory)).left.findings).toEqual([]);
  expect(await unreadable(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
});

test("nothing is ever deleted: all bytes that a repair takes out are in quarantine", async () => {
  const directory = copyDirectory(store.directory);
  const volumes = join(directory, "volumes");
  const [first = "", second = ""] = readdirSync(volumes);
  flipBit(join(volumes, first), 50);
  truncateSync(join(volumes, second), 20);
  writeFileSync(join(directory, "blobs", "000000000000aa.blob"), "nobody's");
  writeFileSync(join(volumes, "00000003.end"), "torn");
  rmSync(join(directory, "index"), { recursive: true });
  const report = await mend(directory);
  expect(readdirSync(join(directory, "quarantine")).sort()).toEqual([
    "blobs-000000000000aa.blob",
    "volumes-00000001.vol.header",
    "volumes-00000002.vol",
    "volumes-00000003.end",
  ]);
  expect(renderRepair(report)).toMatch(/mend blobs\/000000000000aa.blob: kept as quarantine/);
  const again = await fsck(directory, NOW_MS);
  expect(again.errors).toBe(0);
  rmSync(directory, { recursive: true });
});

test("bytes behind the end of a sealed volume never become records, though the mark is gone and then the index", async () => {
  const directory = copyDirectory(store.directory);
  const opened = await openSmall(directory);
  const last = [...opened.state.volumes.all()].at(-1)!;
  const file = opened.state.volumes.file(last.id);
  await putBody(opened, "refused", new Uint8Array(100));
  const endOffset = last.endOffset - 1_000;
  expect(endOffset).toBeGreaterThan(4_096);
  // As if the last commit had been refused, and the file could not be cut.
  const bytes = await file.read(0, file.sizeBytes());
  await opened.delete({ bucket: "b", key: "refused", conditions: {} });
  await opened.close();
  const spoilt = await openSmall(directory);
  const volume = spoilt.state.volumes.get(last.id)!;
  spoilt.state.seal(volume);
  await putBody(spoilt, "other", new Uint8Array(10));
  const sealedAt = volume.endOffset;
  await spoilt.close();
  writeFileSync(join(directory, "volumes", `${last.id.toString(16).padStart(8, "0")}.vol`), bytes.subarray(4_096), {
    flag: "a",
  });
  const found = await fsck(directory, NOW_MS);
  expect(found.findings).toMatchObject([{ severity: "error", code: "end-mark" }]);
  const report = await mend(directory);
  expect(report.actions).toEqual([`volumes/0000000${last.id}.end: mark that the volume ends at byte ${sealedAt}`]);
  expect(report.left.errors).toBe(0);
  rmSync(join(directory, "index"), { recursive: true });
  expect((await mend(directory)).left.errors).toBe(0);
  expect(await unreadable(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
});
