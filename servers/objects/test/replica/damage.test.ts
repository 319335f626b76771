import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { eventually, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { promote } from "../../src/replica/promote.ts";
import { NodeDisk } from "../../src/storage/node-disk.ts";
import { PositionFile } from "../../src/storage/position-file.ts";
import { scrubVolume } from "../../src/storage/scrub.ts";
import { fsck } from "../../src/tools/fsck.ts";
import { repair } from "../../src/tools/repair.ts";
import { RawClient } from "../support/raw-client.ts";
import { addReplica, replicationOf, seenByS3, startTestReplica, untilCaughtUp } from "../support/replicas.ts";
import { startTestServer, type TestServer } from "../support/start-server.ts";

const adminOf = ({ adminUrl }: TestServer): string => adminUrl.slice("http://".length);

async function put(server: TestServer, key: string, body: string): Promise<void> {
  expect((await new RawClient(server.host).send({ method: "PUT", path: `/media/${key}`, body })).status).toBe(200);
}

async function startSource(directory: string): Promise<TestServer> {
  const source = await startTestServer({ data: join(directory, "source") });
  await new RawClient(source.host).send({ method: "PUT", path: "/media" });
  for (let i = 0; i < 5; i++) await put(source, `key-${i}`, `the body of ${i}`);
  return source;
}

/** Changes a byte of a text where it stands in the first volume. */
async function damage(directory: string, text: string): Promise<void> {
  const path = join(directory, "volumes", "00000001.vol");
  const at = (await readFile(path)).indexOf(text);
  expect(at).toBeGreaterThan(0);
  const file = await open(path, "r+");
  await file.write("#", at);
  await file.close();
}

test.each([
  { text: "the body of 2", what: "a body" },
  { text: "key-2", what: "a head" },
])(
  "$what that is damaged at the source stops a replica, unless it is told to go past it",
  async ({ text }) => {
    await withTempDir(async (directory) => {
      const source = await startSource(directory);
      const token = await addReplica(adminOf(source));
      await damage(source.directory, text);
      const careful = await startTestReplica(source, token, { data: join(directory, "careful") });
      const failure = async () => (await replicationOf(adminOf(careful))).lastFailure?.code;
      await eventually(async () => (await failure()) === "SOURCE_DAMAGED");
      expect((await new RawClient(careful.host).send({ path: "/media/key-1" })).status).toBe(503);
      await careful.end();
      const settings = { data: join(directory, "bold"), followPastDamage: true };
      const bold = await startTestReplica(source, token, settings);
      await untilCaughtUp(adminOf(source), adminOf(bold));
      const reader = new RawClient(bold.host);
      expect((await reader.send({ path: "/media/key-4" })).text).toBe("the body of 4");
      expect((await reader.send({ path: "/media/key-2" })).status).toBe(404);
      expect(bold.logLines.join("")).toContain("replica.damage_passed");
      await bold.end();
      await source.end();
    });
  },
  60_000,
);

test("a copy is scrubbed, checked and mended like a store, and follows on from its position", async () => {
  await withTempDir(async (directory) => {
    const source = await startSource(directory);
    const data = join(directory, "replica");
    const token = await addReplica(adminOf(source));
    let replica = await startTestReplica(source, token, { data });
    await untilCaughtUp(adminOf(source), adminOf(replica));
    const { after = 0 } = await replicationOf(adminOf(replica));
    await replica.end();
    // As a crash leaves it: behind the position stands what may lack what came before it.
    const disk = new NodeDisk(join(data, "copy-1"));
    for (const name of ["a", "b"]) await rm(join(data, "copy-1", "volumes", `position.${name}`));
    const position = await PositionFile.open(disk);
    await position.write(after - 2);
    position.close();
    await rm(join(data, "copy-1", "index"), { recursive: true });
    expect((await fsck(data, Date.now())).errors).toBe(1);
    const report = await repair({ directory: data, nowMs: Date.now(), isDryRun: false, rebuildsIndex: false });
    expect(report).toMatchObject({ left: { errors: 0, objects: 3 }, lost: [] });
    await put(source, "key-9", "later");
    replica = await startTestReplica(source, token, { data });
    await untilCaughtUp(adminOf(source), adminOf(replica));
    expect(await seenByS3(replica.host)).toEqual(await seenByS3(source.host));
    expect((await replicationOf(adminOf(replica))).fromNothingCount).toBe(0);
    await replica.end();
    expect(await fsck(data, Date.now())).toMatchObject({ errors: 0, objects: 6 });
    await source.end();
  });
}, 60_000);

test("a promoted store that has lost store.json gets its epoch back from its records", async () => {
  await withTempDir(async (directory) => {
    const source = await startSource(directory);
    const data = join(directory, "replica");
    const replica = await startTestReplica(source, await addReplica(adminOf(source)), { data });
    await untilCaughtUp(adminOf(source), adminOf(replica));
    await replica.end();
    await source.end();
    const { after } = await promote(data);
    let store = await startTestServer({ data });
    await put(store, "new", "new");
    await store.end();
    await rm(join(data, "copy-1", "store.json"));
    const report = await repair({ directory: data, nowMs: Date.now(), isDryRun: false, rebuildsIndex: false });
    expect(report.left.errors).toBe(0);
    const file = JSON.parse(await readFile(join(data, "copy-1", "store.json"), "utf8"));
    expect(file.epochs).toEqual([{ epoch: 2, after }]);
    store = await startTestServer({ data });
    expect(await replicationOf(adminOf(store))).toMatchObject({ role: "source", epoch: 2 });
    const shard = store.service.store as unknown as { state: Parameters<typeof scrubVolume>[0] };
    for (const volume of shard.state.volumes.all()) {
      const scrubbed = await scrubVolume(shard.state, volume, async () => undefined);
      expect(scrubbed).toMatchObject({ damaged: [], damagedBlobs: [] });
    }
    await store.end();
  });
}, 60_000);
