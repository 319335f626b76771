import { once } from "node:events";
import { createServer, get } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { FakeClock } from "@kagami/clock";
import { eventually } from "@kagami/testkit";
import { crc32c } from "@node-rs/crc32";
import { afterEach, expect, test } from "vitest";
import { FRAME_KINDS, FrameDecoder } from "../../src/protocol/replica/index.ts";
import { FollowerLink, NO_ADVANCE_LIMIT_MS, STALL_LIMIT_MS } from "../../src/replica/follower-link.ts";
import { ReplicaSource } from "../../src/replica/replica-source.ts";
import { ShardStore } from "../../src/storage/shard-store.ts";
import { RawClient } from "../support/raw-client.ts";
import { addReplica, replicationOf, seenByS3 } from "../support/replicas.ts";
import { KeptResponse, senderTo } from "../support/sim-wire.ts";
import { startTestServer, type TestServer } from "../support/start-server.ts";

const MIB = 1 << 20;
const running: TestServer[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.end();
});

async function begin(settings: Parameters<typeof startTestServer>[0] = {}) {
  const source = await startTestServer(settings);
  running.push(source);
  const admin = source.adminUrl.slice("http://".length);
  const client = new RawClient(source.host);
  await client.send({ method: "PUT", path: "/media" });
  return { source, client, admin, token: await addReplica(admin) };
}

const shardOf = ({ service }: TestServer): ShardStore =>
  service.store instanceof ShardStore ? service.store : expect.unreachable();

function ask(source: TestServer, path: string, token?: string, init: RequestInit = {}): Promise<Response> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(`${source.url}/_kagami/replica/${path}`, { ...init, headers: { ...headers, ...init.headers } });
}

async function codeOf(answer: Response): Promise<unknown> {
  const { error } = (await answer.json()) as { error?: { code: string } };
  return { status: answer.status, code: error?.code };
}

test("nobody follows without the token of a replica that is registered", async () => {
  const { source, client, token } = await begin();
  for (const path of ["changes?after=0", "blobs/1?store=x", "users", "unknown"]) {
    const refused = path === "unknown" ? { status: 404, code: "NOT_FOUND" } : { status: 401, code: "TOKEN_WRONG" };
    for (const wrong of [undefined, "", "wrong", `${token}x`, source.service.users.list()[0]?.name]) {
      expect(await codeOf(await ask(source, path, wrong)), `${path} ${wrong}`).toEqual(refused);
    }
  }
  const body = JSON.stringify({ after: 1 });
  expect(await codeOf(await ask(source, "progress", "wrong", { method: "POST", body }))).toMatchObject({ status: 401 });
  expect(await (await fetch(`${source.adminUrl}/metrics`)).text()).toContain("kagami_objects_replica_strangers 16");
  // Nor does a key of S3 open it, not even the first user's.
  expect((await client.send({ path: "/_kagami/replica/users" })).status).toBe(401);
});

test.each(["progress", "changes?after=0", "nothing"])(
  "what a stranger sends to %s without an end is not read to it",
  async (path) => {
    const { source } = await begin();
    const socket = connect(Number(source.host.split(":")[1]), "127.0.0.1");
    let answer = "";
    socket.on("data", (bytes) => {
      answer += bytes.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.write(
      `POST /_kagami/replica/${path} HTTP/1.1\r\nhost: ${source.host}\r\ncontent-length: 1000000000\r\n\r\n{`,
    );
    await once(socket, "close");
    expect(answer).toMatch(/^HTTP\/1\.1 40[145] /);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
  },
);

test.each([
  { path: "changes", status: 400, code: "QUERY_INVALID", why: "it does not say where it stands" },
  { path: "changes?after=-1", status: 400, code: "QUERY_INVALID", why: "that is no position" },
  { path: "changes?after=99999999999999999", status: 400, code: "QUERY_INVALID", why: "nor is that" },
  { path: "changes?after=0&epoch=x", status: 400, code: "QUERY_INVALID", why: "nor that an epoch" },
  { path: "changes?after=0&store=other", status: 409, code: "STORE_MISMATCH", why: "it is of another store" },
  { path: "changes?after=0&epoch=2", status: 409, code: "EPOCH_OLD", why: "another one was promoted" },
  { path: "changes?after=500", status: 409, code: "DIVERGED", why: "it has what the source does not have" },
  { path: "blobs/1?store=other", status: 409, code: "STORE_MISMATCH", why: "the body is of another store" },
  { path: "blobs/x?store=other", status: 400, code: "QUERY_INVALID", why: "that is no number" },
  { path: "nothing", status: 404, code: "NOT_FOUND", why: "there is no such thing" },
])("a follower that asks for $path gets $code, because $why", async ({ path, status, code }) => {
  const { source, token } = await begin();
  expect(await codeOf(await ask(source, path, token))).toEqual({ status, code });
});

test("a stream is only got, and what is told of progress must be a number", async () => {
  const { source, token } = await begin();
  expect((await ask(source, "changes?after=0", token, { method: "HEAD" })).status).toBe(405);
  expect((await ask(source, "changes?after=0", token, { method: "POST", body: "x" })).status).toBe(405);
  const post = (body: string) => ask(source, "progress", token, { method: "POST", body });
  expect((await post('{"after":"x"}')).status).toBe(400);
  expect((await post(`{"after":${"1".repeat(2_000)}}`)).status).toBe(413);
  expect((await post('{"after":0}')).status).toBe(204);
});

test("no more replicas are registered than may be, and one that is removed is cut off at once", async () => {
  const { source, admin, token } = await begin({ maxReplicas: 2 });
  await addReplica(admin, "third");
  await expect(addReplica(admin, "fourth")).rejects.toThrow("409");
  const stream = await ask(source, "changes?after=0", token);
  expect(stream.status).toBe(200);
  const read = (async () => {
    for await (const _ of stream.body ?? []);
  })();
  const removed = await fetch(`http://${admin}/api/replicas/second`, {
    method: "DELETE",
    headers: { "content-type": "application/json" },
  });
  expect(removed.status).toBe(204);
  await read.catch(() => undefined);
  expect((await ask(source, "changes?after=0", token)).status).toBe(401);
  await addReplica(admin, "fourth");
});

test("a second stream of the same replica ends the first, and gets the same", async () => {
  const { source, admin, token } = await begin();
  const first = await ask(source, "changes?after=0", token);
  const firstEnds = (async () => {
    for await (const _ of first.body ?? []);
  })().catch(() => undefined);
  const second = await ask(source, "changes?after=0", token);
  await firstEnds;
  const { replicas } = await replicationOf(admin);
  expect(replicas).toMatchObject([{ name: "second", isConnected: true, connectCount: 2 }]);
  await second.body?.cancel();
  await eventually(async () => (await replicationOf(admin)).replicas?.[0]?.isConnected === false);
});

test("a replica gets two large bodies at once, and they wait for the budget of the disk", async () => {
  const { source, client, token } = await begin({ maintenanceBytesPerSecond: MIB });
  await client.send({ method: "PUT", path: "/media/large", body: Buffer.alloc(9 * MIB, "x") });
  const { identity } = shardOf(source).state;
  const path = `blobs/1?store=${identity.storeId}`;
  const open = () =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      const request = get(`${source.url}/_kagami/replica/${path}`, { headers, agent: false }, (response) => {
        resolve(response.statusCode);
        response.on("error", () => undefined);
      });
      request.on("error", reject);
    });
  expect([await open(), await open(), await open()]).toEqual([200, 200, 429]);
  expect(await codeOf(await ask(source, "blobs/77?store=x", token))).toMatchObject({ code: "STORE_MISMATCH" });
});

test("the head of a large body does not wait for the budget of the disk", async () => {
  const { source, client, token } = await begin();
  await client.send({ method: "PUT", path: "/media/large", body: Buffer.alloc(9 * MIB, "x") });
  const { state } = shardOf(source);
  const sender = new ReplicaSource({
    state,
    registry: { find: () => ({ name: "second" }), list: () => [] } as never,
    users: source.service.users,
    clock: new FakeClock(),
    takeIo: () => new Promise(() => undefined),
    onEvent: () => undefined,
  });
  const server = createServer((request, response) => void sender.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const path = `/_kagami/replica/blobs/1?store=${state.identity.storeId}`;
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers, signal: AbortSignal.timeout(3_000) });
  expect(answer.headers.get("content-length")).toBe(String(9 * MIB));
  await answer.body?.cancel();
  sender.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("tombstones that a replica has yet to come to are wanted, until it is gone for two minutes", async () => {
  const { source, token } = await begin();
  const { state } = shardOf(source);
  expect(state.tombstonesWanted()).toBe(Number.POSITIVE_INFINITY);
  const clock = new FakeClock();
  const sender = new ReplicaSource({
    state,
    registry: { find: () => ({ name: "second" }), list: () => [] } as never,
    users: source.service.users,
    clock,
    takeIo: async () => undefined,
    onEvent: () => undefined,
  });
  const server = createServer((request, response) => void sender.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/_kagami/replica/`;
  const headers = { authorization: `Bearer ${token}` };
  const stop = new AbortController();
  // Of another store: it is refused however often it asks.
  expect((await fetch(`${url}changes?store=other&after=1`, { headers })).status).toBe(409);
  expect(state.tombstonesWanted()).toBe(Number.POSITIVE_INFINITY);
  await fetch(`${url}changes?store=${state.identity.storeId}&after=0`, { headers, signal: stop.signal });
  expect(state.tombstonesWanted()).toBe(0);
  await fetch(`${url}progress`, { method: "POST", headers, body: JSON.stringify({ after: 1 }) });
  expect(state.tombstonesWanted()).toBe(1);
  stop.abort();
  clock.advance(STALL_LIMIT_MS);
  expect(state.tombstonesWanted()).toBe(1);
  clock.advance(1);
  expect(state.tombstonesWanted()).toBe(Number.POSITIVE_INFINITY);
  sender.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("a follower that takes nothing is sent a piece and no more, and what it holds up is one batch", async () => {
  const { source, client } = await begin();
  for (let i = 0; i < 8; i++) {
    await client.send({ method: "PUT", path: `/media/${i}`, body: Buffer.alloc(MIB, String(i)) });
  }
  const response = new KeptResponse(2);
  // It never drains.
  void senderTo(response, shardOf(source).state, { after: 0, drops: 0 }).run();
  await eventually(() => response.chunks.length >= 2);
  // Time enough for the rest, if it did not wait.
  await seenByS3(source.host);
  expect(response.chunks.length).toBeLessThan(8);
});

test("a follower is told that its source is there while the budget of the disk keeps a batch back", async () => {
  const { source } = await begin();
  const [clock, response] = [new FakeClock(), new KeptResponse()];
  let grant: (() => void) | undefined;
  const takeIo = () =>
    new Promise<void>((resolve) => {
      grant = resolve;
    });
  const sender = senderTo(response, shardOf(source).state, { after: 0, drops: 0 }, { clock, takeIo });
  const running = sender.run();
  const kinds = () => {
    const decoder = new FrameDecoder(crc32c);
    for (const chunk of response.chunks) decoder.push(chunk);
    const seen: number[] = [];
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) seen.push(frame.kind);
    return seen;
  };
  const { hello, heartbeat, batchEnd } = FRAME_KINDS;
  await eventually(() => grant !== undefined);
  for (const expected of [[hello], [hello, heartbeat], [hello, heartbeat, heartbeat]]) {
    expect(kinds()).toEqual(expected);
    clock.advance(5_000);
    await eventually(() => kinds().length > expected.length && clock.pendingCount > 0);
  }
  grant?.();
  await eventually(() => kinds().at(-1) === batchEnd);
  sender.end();
  await running;
});

test("a follower that neither takes nor asks for two minutes is stalled", () => {
  const clock = new FakeClock();
  const link = new FollowerLink("second", clock);
  clock.advance(STALL_LIMIT_MS);
  expect(link.isStalled).toBe(false);
  clock.advance(1);
  expect(link.isStalled).toBe(true);
  link.touch();
  expect(link.isStalled).toBe(false);
});

test("a follower that asks again and again but comes no further for a day is not on its way", () => {
  const clock = new FakeClock();
  const link = new FollowerLink("second", clock);
  const ask = (after: number) => {
    link.touch();
    link.after = after;
    return link.advances;
  };
  expect(ask(5)).toBe(true);
  clock.advance(NO_ADVANCE_LIMIT_MS);
  expect(ask(5)).toBe(true);
  clock.advance(1);
  expect(ask(5)).toBe(false);
  expect(ask(6)).toBe(true);
});
