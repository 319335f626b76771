import { existsSync, readdirSync } from "node:fs";
import { withTempDir } from "@kagami/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ControlWorld } from "./control-world.ts";

let world: ControlWorld;

beforeEach(() => {
  world = new ControlWorld();
});

afterEach(() => world.close());

const SERVERS = ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"];
const [first = ""] = SERVERS;

test("the quick form is one pool with all keys, in the first epoch", async () => {
  const { plane } = await world.start("p", { servers: SERVERS });
  expect(plane.current).toMatchObject({ epoch: 1, ejections: [], moves: [] });
  expect(plane.current.config.pools.map(({ name }) => name)).toEqual(["main"]);
  expect(plane.current.config.routes).toEqual([{ prefix: "", pool: "main" }]);
});

test("a server that dies is fenced, then out, and in use again only after it was flushed", async () => {
  const { plane } = await world.start("p", { servers: SERVERS });
  await world.pass(5_000);
  expect(plane.current.ejections).toEqual([]);
  const server = world.server(first);
  server.isUp = false;
  await world.until(() => plane.current.ejections.length > 0, "the ejection", 5_000);
  expect(plane.current.ejections[0]).toMatchObject({ pool: "main", server: first, stage: "fenced" });
  await world.until(() => plane.current.ejections[0]?.stage === "down", "the end of the fence", 1_000);
  await world.pass(10_000);
  expect(plane.current.ejections[0]?.stage).toBe("down");
  server.isUp = true;
  await world.until(() => server.flushCount === 1, "the flush", 10_000);
  // It is emptied while nobody uses it, so that what is behind is soon over.
  expect(plane.state.ejected[0]?.stage).toBe("down");
  await world.until(() => plane.current.ejections.length === 0, "the rejoin", 500);
  expect(server.flushCount).toBe(1);
});

test("a server that proves its restart is not flushed", async () => {
  const { plane } = await world.start("p", { servers: SERVERS });
  await world.pass(5_000);
  const server = world.server(first);
  server.isUp = false;
  server.refusesFlush = true;
  await world.until(() => plane.current.ejections[0]?.stage === "down", "the ejection", 10_000);
  await world.pass(10_000);
  server.startedMs = world.clock.monotonicMs();
  server.isUp = true;
  await world.until(() => plane.current.ejections.length === 0, "the rejoin", 20_000);
  expect(server.flushCount).toBe(0);
});

test("a server that can neither be flushed nor proves a restart stays out", async () => {
  const { plane, log } = await world.start("p", { servers: SERVERS });
  await world.pass(5_000);
  const server = world.server(first);
  server.isUp = false;
  server.refusesFlush = true;
  await world.until(() => plane.current.ejections[0]?.stage === "down", "the ejection", 10_000);
  server.isUp = true;
  await world.pass(60_000);
  expect(plane.current.ejections[0]?.stage).toBe("down");
  expect(log.join("\n")).toContain("server.flush_failed");
});

test("a worker that has not taken up the fence holds up what is behind it, until it is gone", async () => {
  const { plane } = await world.start("p", { servers: SERVERS });
  const report = { workerId: 7, clients: 0, clientsAccepted: 0, clientsRefused: 0, routes: [], servers: [], pools: [] };
  plane.report({ ...report, epoch: plane.current.epoch });
  await world.pass(5_000);
  world.server(first).isUp = false;
  await world.until(() => plane.current.ejections.length > 0, "the ejection", 5_000);
  await world.pass(20_000);
  expect(plane.current.ejections[0]?.stage).toBe("fenced");
  plane.workerGone(7);
  await world.until(() => plane.current.ejections[0]?.stage === "down", "the end of the fence", 1_000);
});

test("no more than half of a pool is out, however many seem dead", async () => {
  const { plane } = await world.start("p", { servers: SERVERS });
  await world.pass(5_000);
  for (const address of SERVERS) world.server(address).isUp = false;
  await world.pass(20_000);
  expect(plane.current.ejections).toHaveLength(1);
});

test("failed requests are a hint to probe, and eject nothing by themselves", async () => {
  const { plane } = await world.start("p", { servers: SERVERS });
  await world.pass(5_000);
  const failing = {
    address: first,
    requests: 9,
    bytesIn: 0,
    bytesOut: 0,
    connectionFailures: 99,
    timeouts: 99,
    overloads: 0,
  };
  const now = { latency: [], latencySumUs: 0, inFlight: 0, stagedBytes: 0, isConnected: true };
  const base = { workerId: 1, clients: 0, clientsAccepted: 0, clientsRefused: 0, routes: [], pools: [] };
  for (let i = 0; i < 50; i++) {
    plane.report({ ...base, epoch: plane.current.epoch, servers: [{ ...failing, ...now }] });
    await world.pass(100);
  }
  expect(plane.current.ejections).toEqual([]);
});

test("an operator's ejection stays until he readmits, and a fresh one is cleaned before it is used", async () => {
  const { plane } = await world.start("p", { servers: SERVERS });
  await world.pass(5_000);
  expect(await plane.order({ kind: "eject", address: "nowhere:1" })).toMatchObject({
    ok: false,
    code: "SERVER_UNKNOWN",
  });
  expect(await plane.order({ kind: "eject", address: first })).toMatchObject({ ok: true });
  await world.pass(30_000);
  expect(plane.current.ejections[0]?.stage).toBe("down");
  await plane.order({ kind: "readmit", address: first });
  await world.until(() => plane.current.ejections.length === 0, "the rejoin", 10_000);
  expect(world.server(first).flushCount).toBe(1);
});

/** What a worker reports that reads much, and finds nothing at the old owner any more. */
function movedReads(epoch: number) {
  const zero = {
    gutterReads: 0,
    gutterHits: 0,
    gutterWrites: 0,
    shadowSent: 0,
    shadowFailed: 0,
    hotReads: 0,
    topKeys: [],
  };
  const pool = { pool: "main", ...zero, moveHitsTo: 2_000, moveHitsFrom: 0, moveMisses: 100 };
  return {
    workerId: 1,
    epoch,
    clients: 0,
    clientsAccepted: 0,
    clientsRefused: 0,
    routes: [],
    servers: [],
    pools: [pool],
  };
}

test("a move goes window by window to its end, as reads find less and less at the old owners", async () => {
  const { plane, log } = await world.start("p", { servers: SERVERS, moveWindowSlots: 32_768 });
  await world.pass(4_000);
  const placement = {
    kind: "slots" as const,
    servers: plane.current.config.pools[0]?.placement.servers.slice(0, 2) ?? [],
  };
  expect(await plane.order({ kind: "start-move", pool: "main", placement })).toMatchObject({ ok: true });
  await world.until(() => plane.current.moves.length === 1, "the move");
  const bounds = new Set<string>();
  for (let second = 0; second < 200 && plane.current.moves.length > 0; second++) {
    const [move] = plane.current.moves;
    bounds.add(`${move?.doneBelow} ${move?.movingBelow}`);
    plane.report(movedReads(plane.current.epoch));
    await world.pass(1_000);
  }
  expect([...bounds]).toEqual(["0 0", "0 32768", "32768 65536", "65536 65536"]);
  expect(plane.current.config.pools[0]?.placement.servers).toHaveLength(2);
  expect(log.join("")).toContain("move.done");
});

test("the quick form remembers who is out of use: a server that comes back after a restart is emptied first", () =>
  withTempDir(async (dir) => {
    const settings = { servers: SERVERS, listen: "127.0.0.1:11411", data: dir };
    const proxy = await world.start("p", settings);
    await world.pass(5_000);
    // So far there is nothing that the flags do not say.
    expect(existsSync(`${dir}/cacheproxy`)).toBe(false);
    const server = world.server(first);
    server.isUp = false;
    await world.until(() => proxy.plane.current.ejections[0]?.stage === "down", "the ejection", 10_000);
    await proxy.plane.close();
    expect(readdirSync(`${dir}/cacheproxy`)).toEqual(["servers-127.0.0.1-11411.json"]);
    server.isUp = true;
    const again = await world.start("p", settings);
    expect(again.plane.current.ejections).toEqual(proxy.plane.current.ejections);
    await world.until(() => again.plane.current.ejections.length === 0, "the rejoin", 20_000);
    expect(server.flushCount).toBe(1);
  }));

test("the quick form with other servers uses them as they are, but for one that was out of use", () =>
  withTempDir(async (dir) => {
    const settings = { listen: "127.0.0.1:11411", data: dir };
    const proxy = await world.start("p", { ...settings, servers: SERVERS });
    const server = world.server(first);
    server.isUp = false;
    await world.until(() => proxy.plane.current.ejections[0]?.stage === "down", "the ejection", 10_000);
    await proxy.plane.close();
    const added = "10.0.0.4:11211";
    const again = await world.start("p", { ...settings, servers: [...SERVERS, added] });
    expect(again.plane.current.ejections).toEqual(proxy.plane.current.ejections);
    server.isUp = true;
    await world.until(() => again.plane.current.ejections.length === 0, "the rejoin", 20_000);
    expect(server.flushCount).toBe(1);
    expect(world.server(added).flushCount).toBe(0);
  }));
