import { type FakeConsul, type FakeConsulDoor, startFakeConsul, withTempDir } from "@kagami/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ControlWorld, type SimulatedProxy } from "./control-world.ts";

let world: ControlWorld;
let consul: FakeConsul;

beforeEach(async () => {
  world = new ControlWorld();
  consul = await startFakeConsul(world.clock);
});

afterEach(async () => {
  await world.close();
  await consul.close();
});

const SERVERS = ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"];
const [first = ""] = SERVERS;
const PREFIX = "kagami/cacheproxy";

function configure(document: unknown): void {
  const put = { flags: 0, cas: undefined, acquire: undefined, release: undefined };
  consul.store.put(`${PREFIX}/config`, Buffer.from(JSON.stringify(document)), put);
}

function pool(servers: readonly unknown[] = SERVERS, more: Record<string, unknown> = {}) {
  return { pools: [{ name: "main", servers, ...more }] };
}

/** Starts a proxy behind a door of its own. */
async function start(id: string, dir: string): Promise<SimulatedProxy & { readonly door: FakeConsulDoor }> {
  const door = await consul.addDoor();
  const proxy = await world.start(id, { consul: door.url, data: `${dir}/${id}`, consulWaitMs: 10_000 });
  return { ...proxy, door };
}

async function startThree(dir: string) {
  return [await start("p1", dir), await start("p2", dir), await start("p3", dir)] as const;
}

const leaders = (proxies: readonly SimulatedProxy[]) => proxies.filter(({ plane }) => plane.isLeader);
const epochs = (proxies: readonly SimulatedProxy[]) => proxies.map(({ plane }) => plane.current.epoch);
const areAlike = (proxies: readonly SimulatedProxy[]) => new Set(epochs(proxies)).size === 1;

function expectRisingEpochs(proxies: readonly SimulatedProxy[]): void {
  for (const { epochs: seen, id } of proxies) {
    expect(seen, id).toEqual([...new Set(seen)].sort((a, b) => a - b));
  }
}

async function value(key: string): Promise<{ cluster: { epoch: number } }> {
  return JSON.parse(Buffer.from(consul.store.kv(`${PREFIX}/${key}`)?.value ?? "").toString());
}

test("three proxies choose one leader and act by the same state", () =>
  withTempDir(async (dir) => {
    configure(pool());
    const proxies = await startThree(dir);
    await world.until(() => leaders(proxies).length === 1 && areAlike(proxies), "one leader");
    expect(proxies[2].plane.current.config.pools[0]?.placement.servers).toHaveLength(3);
    await world.until(() => consul.store.list(`${PREFIX}/proxies/`).entries.length === 3, "three reports");
  }));

test("a change is taken up by all proxies in the same epoch, within one turn of their blocking queries", () =>
  withTempDir(async (dir) => {
    configure(pool());
    const proxies = await startThree(dir);
    await world.pass(3_000);
    const before = epochs(proxies)[0] ?? 0;
    configure(pool([...SERVERS, "10.0.0.4:11211"]));
    await world.until(() => epochs(proxies).some((epoch) => epoch > before), "the first to take it up", 5_000);
    const firstAtMs = world.clock.monotonicMs();
    await world.until(() => epochs(proxies).every((epoch) => epoch > before), "all to take it up", 5_000);
    // A turn is a pause of 20 ms and what the loop needs; far less than the wait of 10 s.
    expect(world.clock.monotonicMs() - firstAtMs).toBeLessThanOrEqual(200);
    expectRisingEpochs(proxies);
  }));

test("one proxy's word ejects nobody; two of three do, and all act by it", () =>
  withTempDir(async (dir) => {
    configure(pool());
    const proxies = await startThree(dir);
    await world.pass(5_000);
    const server = world.server(first);
    server.cutFrom.add("p1");
    await world.pass(15_000);
    for (const { plane } of proxies) expect(plane.current.ejections).toEqual([]);
    server.cutFrom.add("p2");
    await world.until(() => proxies.every(({ plane }) => plane.current.ejections[0]?.stage === "down"), "the ejection");
    server.cutFrom.clear();
    await world.until(() => proxies.every(({ plane }) => plane.current.ejections.length === 0), "the rejoin");
    expect(server.flushCount).toBe(1);
    expectRisingEpochs(proxies);
  }));

test("when the leader dies, another leads after its session has ended, and epochs go on", () =>
  withTempDir(async (dir) => {
    configure(pool());
    const proxies = await startThree(dir);
    await world.pass(5_000);
    const [leader] = leaders(proxies);
    if (!leader) throw new Error("there is no leader");
    const others = proxies.filter(({ id }) => id !== leader.id);
    // As after kill -9: nothing is ended in order, the session just is not renewed.
    proxies.find(({ id }) => id === leader.id)?.door.cut();
    await world.until(() => leaders(others).length === 1, "another leader", 40_000);
    expect(leader.plane.isLeader).toBe(false);
    world.server(first).isUp = false;
    await world.until(() => others.every(({ plane }) => plane.current.ejections[0]?.stage === "down"), "the ejection");
    expect(consul.store.list(`${PREFIX}/proxies/`).entries).toHaveLength(2);
    expectRisingEpochs(proxies);
  }));

test("a proxy that is cut off keeps the state it has, says so, decides nothing, and catches up", () =>
  withTempDir(async (dir) => {
    configure(pool());
    const proxies = await startThree(dir);
    await world.pass(5_000);
    const cut = proxies.find(({ plane }) => plane.isLeader);
    if (!cut) throw new Error("there is no leader");
    const others = proxies.filter(({ id }) => id !== cut.id);
    const epoch = cut.plane.current.epoch;
    cut.door.cut();
    world.server(first).cutFrom.add(cut.id);
    await world.until(() => leaders(others).length === 1, "another leader", 40_000);
    expect(cut.plane.current.epoch).toBe(epoch);
    expect(cut.plane.current.ejections).toEqual([]);
    expect(cut.metrics.render()).toContain("kagami_cacheproxy_agreement_lost 1");
    expect(cut.plane.readiness()).toBeUndefined();
    expect(cut.log.join("")).toContain("consul.lost");
    await expect(cut.plane.order({ kind: "eject", address: first })).rejects.toThrow("Consul");
    configure(pool(SERVERS.slice(0, 2)));
    await world.until(() => others.every(({ plane }) => plane.current.epoch > epoch), "the others to go on");
    cut.door.mend();
    await world.until(() => areAlike(proxies), "the catching up");
    await world.until(() => cut.metrics.render().includes("kagami_cacheproxy_agreement_lost 0"), "the all-clear");
    expectRisingEpochs(proxies);
  }));

test("a broken document is refused with its reason, and the one before stays", () =>
  withTempDir(async (dir) => {
    configure(pool());
    const [proxy] = await startThree(dir);
    await world.pass(1_000);
    const { epoch } = proxy.plane.current;
    configure(pool(["10.0.0.1:11211=5000"]));
    await world.until(() => proxy.log.join("").includes("config.refused"), "the refusal");
    expect(proxy.log.join("")).toContain("weight 5000");
    await world.pass(2_000);
    expect(proxy.plane.current.epoch).toBe(epoch);
  }));

test("epochs go on when Consul lost or restored the state", () =>
  withTempDir(async (dir) => {
    configure(pool());
    const proxies = await startThree(dir);
    await world.pass(3_000);
    const before = epochs(proxies)[0] ?? 0;
    consul.store.delete(`${PREFIX}/state`, false, undefined);
    await world.until(() => consul.store.kv(`${PREFIX}/state`) !== undefined, "the state to be there again");
    await world.until(() => areAlike(proxies) && (epochs(proxies)[0] ?? 0) > before, "a larger epoch");
    consul.store.restoreSnapshot();
    configure(pool(SERVERS.slice(0, 2)));
    await world.until(
      () => proxies.every(({ plane }) => plane.current.config.pools[0]?.placement.servers.length === 2),
      "the change after the restore",
    );
    expectRisingEpochs(proxies);
    expect((await value("state")).cluster.epoch).toBe(epochs(proxies)[0]);
  }));

test("servers come from a service; a name keeps its keys when the address changes, and is cleaned first", () =>
  withTempDir(async (dir) => {
    const instance = { service: "cache", address: "10.0.1.1", port: 11_211 };
    consul.store.register({ ...instance, id: "a" });
    consul.store.register({ ...instance, id: "b", address: "10.0.1.2", weight: 3 });
    configure({ pools: [{ name: "main", service: "cache" }] });
    const proxy = await start("p1", dir);
    const servers = () => proxy.plane.current.config.pools[0]?.placement.servers ?? [];
    expect(servers()).toMatchObject([
      { name: "a", host: "10.0.1.1" },
      { name: "b", weight: 3 },
    ]);
    await world.pass(3_000);
    consul.store.register({ ...instance, id: "a", address: "10.0.1.9" });
    await world.until(() => servers()[0]?.host === "10.0.1.9", "the new address");
    expect(servers().map(({ name }) => name)).toEqual(["a", "b"]);
    expect(proxy.plane.current.ejections).toMatchObject([{ server: "a", stage: "cleaning" }]);
    await world.until(() => proxy.plane.current.ejections.length === 0, "its cleaning");
    expect(world.server("10.0.1.9:11211").flushCount).toBe(1);
    // All instances gone at once is taken for a mistake.
    consul.store.deregister("cache", "a");
    consul.store.deregister("cache", "b");
    await world.pass(2_000);
    expect(servers().length).toBeGreaterThan(0);
    expect(proxy.log.join("")).toContain("service.emptied");
  }));

test("an instance that Consul calls critical is voted out although it answers", () =>
  withTempDir(async (dir) => {
    const instance = { service: "cache", port: 11_211 };
    consul.store.register({ ...instance, id: "a", address: "10.0.1.1" });
    consul.store.register({ ...instance, id: "b", address: "10.0.1.2" });
    configure({ pools: [{ name: "main", service: "cache" }] });
    const proxy = await start("p1", dir);
    await world.pass(4_000);
    consul.store.register({ ...instance, id: "b", address: "10.0.1.2", status: "critical" });
    await world.until(() => proxy.plane.current.ejections[0]?.server === "b", "the ejection", 10_000);
  }));

test("a move and an ejection outlive the death of all proxies", () =>
  withTempDir(async (dir) => {
    configure(pool());
    const proxies = await startThree(dir);
    await world.pass(4_000);
    const wanted = { kind: "slots", servers: proxies[0].plane.current.config.pools[0]?.placement.servers.slice(0, 2) };
    expect(
      await proxies[1].plane.order({ kind: "start-move", pool: "main", placement: wanted as never }),
    ).toMatchObject({
      ok: true,
    });
    expect(await proxies[2].plane.order({ kind: "eject", address: first })).toMatchObject({ ok: true });
    await world.until(() => proxies.every(({ plane }) => plane.current.moves.length === 1), "the move");
    const before = epochs(proxies)[0] ?? 0;
    for (const proxy of proxies) proxy.door.cut();
    await world.pass(30_000);
    expect(consul.store.sessions).toEqual([]);
    const late = await start("p4", dir);
    await world.until(() => late.plane.isLeader, "the newcomer to lead");
    expect(late.plane.current.epoch).toBeGreaterThanOrEqual(before);
    expect(late.plane.current.moves).toMatchObject([{ pool: "main", doneBelow: 0 }]);
    expect(late.plane.state.ejected).toMatchObject([{ address: first, reason: "hand" }]);
  }));

test("a proxy starts with the state it stored when Consul does not answer", () =>
  withTempDir(async (dir) => {
    configure(pool());
    const proxy = await start("p1", dir);
    await world.pass(3_000);
    const { epoch } = proxy.plane.current;
    await proxy.plane.close();
    proxy.door.cut();
    const settings = { consul: proxy.door.url, data: `${dir}/p1` };
    const again = await world.start("p1", settings);
    expect(again.plane.current).toMatchObject({ epoch, config: { pools: [{ name: "main" }] } });
    expect(again.plane.isLeader).toBe(false);
    expect(again.log.join("")).toContain("consul.start_without");
  }));
