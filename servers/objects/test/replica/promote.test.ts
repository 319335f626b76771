import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { eventually, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { promote } from "../../src/replica/promote.ts";
import { ShardStore } from "../../src/storage/shard-store.ts";
import { fsck } from "../../src/tools/fsck.ts";
import { runToolCommand } from "../../src/tools/tool-command.ts";
import { RawClient } from "../support/raw-client.ts";
import { addReplica, replicationOf, seenByS3, startTestReplica, untilCaughtUp } from "../support/replicas.ts";
import { startTestServer, type TestServer } from "../support/start-server.ts";

const MIB = 1 << 20;
const adminOf = ({ adminUrl }: TestServer): string => adminUrl.slice("http://".length);

async function put(server: TestServer, key: string, body: string | Buffer): Promise<void> {
  expect((await new RawClient(server.host).send({ method: "PUT", path: `/media/${key}`, body })).status).toBe(200);
}

/** A source with some objects in it, in a directory of its own. */
async function startSource(directory: string, settings: Parameters<typeof startTestServer>[0] = {}) {
  const source = await startTestServer({ ...settings, data: join(directory, "source") });
  await new RawClient(source.host).send({ method: "PUT", path: "/media" });
  for (let i = 0; i < 5; i++) await put(source, `k${i}`, `body ${i}`);
  return source;
}

/** A whole copy of a source; nobody has it open. */
async function makeCopy(source: TestServer, name: string, settings: { readonly data: string }): Promise<void> {
  const replica = await startTestReplica(source, await addReplica(adminOf(source), name), settings);
  await untilCaughtUp(adminOf(source), adminOf(replica));
  await replica.end();
}

async function failureOf(replica: TestServer): Promise<string | undefined> {
  return (await replicationOf(adminOf(replica))).lastFailure?.code;
}

test("a promoted replica takes writes, and what the old source writes reaches nobody who has heard of it", async () => {
  await withTempDir(async (directory) => {
    const source = await startSource(directory);
    const dataOf = (name: string) => ({ data: join(directory, name) });
    const tokens = [await addReplica(adminOf(source), "a"), await addReplica(adminOf(source), "b")] as const;
    const a = await startTestReplica(source, tokens[0], dataOf("a"));
    let b = await startTestReplica(source, tokens[1], dataOf("b"));
    for (const each of [a, b]) await untilCaughtUp(adminOf(source), adminOf(each));
    await a.end();
    await put(source, "late", "written to the old source");
    await eventually(async () => (await new RawClient(b.host).send({ path: "/media/late" })).status === 200);
    await b.end();

    const report = await promote(join(directory, "a"));
    expect(report).toMatchObject({ epoch: 2, source: source.url });
    const next = await startTestServer(dataOf("a"));
    await put(next, "new", "written to the new one");
    expect((await new RawClient(next.host).send({ path: "/media/late" })).status).toBe(404);

    // B has a change that the new one does not have: it begins anew, and knows the new epoch from then on.
    b = await startTestReplica(next, await addReplica(adminOf(next), "b"), dataOf("b"));
    await eventually(async () => (await replicationOf(adminOf(b))).epoch === 2, { timeoutMs: 15_000 });
    await untilCaughtUp(adminOf(next), adminOf(b));
    expect(await seenByS3(b.host)).toEqual(await seenByS3(next.host));
    expect((await replicationOf(adminOf(b))).fromNothingCount).toBe(1);
    await b.end();
    await put(source, "later", "written to the old source");
    b = await startTestReplica(source, tokens[1], dataOf("b"));
    await eventually(async () => (await failureOf(b)) === "EPOCH_OLD");
    expect((await new RawClient(b.host).send({ path: "/media/later" })).status).toBe(404);
    expect((await new RawClient(b.host).send({ path: "/media/new" })).text).toBe("written to the new one");
    for (const each of [b, next, source]) await each.end();
    for (const name of ["a", "b"]) {
      expect(await fsck(join(directory, name), Date.now())).toMatchObject({ errors: 0, lostObjects: 0 });
    }
  });
}, 60_000);

test("a replica that stands before the promotion goes on with the new store from where it is", async () => {
  await withTempDir(async (directory) => {
    const source = await startSource(directory);
    const dataOf = (name: string) => ({ data: join(directory, name) });
    for (const name of ["a", "b"]) await makeCopy(source, name, dataOf(name));
    await source.end();
    await promote(join(directory, "a"));
    const next = await startTestServer(dataOf("a"));
    await put(next, "new", "new");
    const b = await startTestReplica(next, await addReplica(adminOf(next), "b"), dataOf("b"));
    await untilCaughtUp(adminOf(next), adminOf(b));
    expect(await seenByS3(b.host)).toEqual(await seenByS3(next.host));
    expect(await replicationOf(adminOf(b))).toMatchObject({ epoch: 2, fromNothingCount: 0 });
    await b.end();
    await next.end();
  });
}, 60_000);

test("of two replicas that were both promoted, a copy of one is never taken for a beginning of the other", async () => {
  await withTempDir(async (directory) => {
    const source = await startSource(directory);
    const dataOf = (name: string) => ({ data: join(directory, name) });
    for (const name of ["a", "b"]) await makeCopy(source, name, dataOf(name));
    await source.end();
    for (const name of ["a", "b"]) await promote(join(directory, name));
    const [a, b] = [await startTestServer(dataOf("a")), await startTestServer(dataOf("b"))];
    await put(a, "only-a", "a");
    for (let i = 0; i < 3; i++) await put(b, `only-b${i}`, "b");
    let copy = await startTestReplica(a, await addReplica(adminOf(a), "c"), dataOf("c"));
    await untilCaughtUp(adminOf(a), adminOf(copy));
    await copy.end();
    copy = await startTestReplica(b, await addReplica(adminOf(b), "c"), dataOf("c"));
    await eventually(async () => (await new RawClient(copy.host).send({ path: "/media/only-b2" })).status === 200);
    expect(await seenByS3(copy.host)).toEqual(await seenByS3(b.host));
    expect((await replicationOf(adminOf(copy))).fromNothingCount).toBe(1);
    for (const each of [copy, a, b]) await each.end();
  });
}, 60_000);

test("what is no replica is not promoted, and a replica is not started as a store", async () => {
  await withTempDir(async (directory) => {
    const source = await startSource(directory);
    const data = join(directory, "replica");
    const token = await addReplica(adminOf(source));
    await expect(promote(join(directory, "source"))).rejects.toMatchObject({ code: "STORE_IS_NO_REPLICA" });
    const unfinished = await startTestReplica(source, "wrong", { data });
    await eventually(async () => (await failureOf(unfinished)) === "TOKEN_WRONG");
    await unfinished.end();
    await expect(promote(data)).rejects.toMatchObject({ code: "REPLICA_NOT_WHOLE" });
    await expect(startTestServer({ data })).rejects.toMatchObject({ code: "STORE_IS_REPLICA" });
    const replica = await startTestReplica(source, token, { data });
    await untilCaughtUp(adminOf(source), adminOf(replica));
    await replica.end();
    const out: string[] = [];
    const context = {
      env: {},
      write: (text: string) => void out.push(text),
      writeError: (text: string) => void out.push(text),
    };
    expect(await runToolCommand(["promote", "--data", data], context)).toBe(0);
    expect(out.join("")).toContain("epoch 2");
    expect(await runToolCommand(["promote", "--data", data], context)).toBe(1);
    expect(out.join("")).toContain("it was promoted before");
    await expect(startTestReplica(source, token, { data })).rejects.toMatchObject({ code: "STORE_IS_NO_REPLICA" });
    await rename(join(data, "copy-1"), join(data, "away"));
    await expect(startTestServer({ data })).rejects.toMatchObject({ code: "STORE_UNREADABLE" });
    await source.end();
    const own = startTestReplica(source, token, { data: join(directory, "source") });
    await expect(own).rejects.toMatchObject({ code: "STORE_IS_NO_REPLICA" });
  });
}, 60_000);

test("a store is not followed into a directory that another store has", async () => {
  await withTempDir(async (directory) => {
    const [one, other] = [await startSource(directory), await startTestServer()];
    const data = join(directory, "replica");
    const replica = await startTestReplica(one, await addReplica(adminOf(one)), { data });
    await untilCaughtUp(adminOf(one), adminOf(replica));
    await replica.end();
    const astray = await startTestReplica(other, await addReplica(adminOf(other)), { data });
    await eventually(async () => (await failureOf(astray)) === "STORE_MISMATCH");
    expect((await new RawClient(astray.host).send({ path: "/media/k1" })).text).toBe("body 1");
    for (const each of [astray, one, other]) await each.end();
  });
}, 60_000);

test("a replica for which too much was forgotten begins anew beside what it has, which stays readable", async () => {
  await withTempDir(async (directory) => {
    // Slow enough for the copying to be seen.
    const source = await startSource(directory, { maintenanceBytesPerSecond: 2 * MIB });
    const data = join(directory, "replica");
    const token = await addReplica(adminOf(source));
    let replica = await startTestReplica(source, token, { data });
    await untilCaughtUp(adminOf(source), adminOf(replica));
    await replica.end();
    for (let i = 0; i < 4; i++) await put(source, `big${i}`, Buffer.alloc(MIB, String(i)));
    await put(source, "k1", "changed");
    const shard = source.service.store;
    if (!(shard instanceof ShardStore)) return expect.unreachable();
    shard.state.raiseHorizon(shard.state.appliedSequence);
    await put(source, "k2", "changed");
    replica = await startTestReplica(source, token, { data });
    const reader = new RawClient(replica.host);
    await eventually(async () => (await replicationOf(adminOf(replica))).isMakingNext);
    expect((await reader.send({ path: "/media/k1" })).text).toBe("body 1");
    // Killed on the way: what was copied is not lost.
    await replica.end();
    replica = await startTestReplica(source, token, { data });
    await untilCaughtUp(adminOf(source), adminOf(replica));
    await eventually(async () => !(await replicationOf(adminOf(replica))).isMakingNext, { timeoutMs: 20_000 });
    await untilCaughtUp(adminOf(source), adminOf(replica));
    expect(await seenByS3(replica.host)).toEqual(await seenByS3(source.host));
    await eventually(async () => (await readdir(data)).filter((name) => name.startsWith("copy-")).length === 1);
    await replica.end();
    await source.end();
  });
}, 60_000);
