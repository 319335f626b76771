import { FakeClock } from "@kagami/clock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { type FakeConsul, startFakeConsul } from "./fake-consul.ts";

let clock: FakeClock;
let consul: FakeConsul;

beforeEach(async () => {
  clock = new FakeClock();
  consul = await startFakeConsul(clock);
});

afterEach(() => consul.close());

async function ask(method: string, path: string, body?: string) {
  const response = await fetch(`${consul.url}/v1${path}`, { method, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  const json = isJson ? JSON.parse(text) : undefined;
  return { status: response.status, text, json, index: Number(response.headers.get("x-consul-index") ?? -1) };
}

async function session(settings: Record<string, string> = {}): Promise<string> {
  return (await ask("PUT", "/session/create", JSON.stringify(settings))).json.ID;
}

const hang = () => eventually(() => consul.hangingCount === 1, { what: "a hanging query" });

test("a key is read as it was written, in base64, and is 404 when it is not there", async () => {
  expect(await ask("PUT", "/kv/a/b?flags=7", "x y")).toMatchObject({ status: 200, json: true });
  const { json, index } = await ask("GET", "/kv/a/b");
  expect(json).toEqual([
    { LockIndex: 0, Key: "a/b", Flags: 7, Value: btoa("x y"), CreateIndex: index, ModifyIndex: index },
  ]);
  expect((await ask("GET", "/kv/a/b?raw")).text).toBe("x y");
  expect(await ask("GET", "/kv/none")).toMatchObject({ status: 404 });
  await ask("PUT", "/kv/a/c", "");
  expect((await ask("GET", "/kv/a/?keys")).json).toEqual(["a/b", "a/c"]);
  expect((await ask("GET", "/kv/a/?recurse")).json).toHaveLength(2);
  expect((await ask("GET", "/kv/a/c")).json[0].Value).toBeNull();
});

test("compare-and-set writes only over the index that was read, and 0 only where nothing is", async () => {
  expect((await ask("PUT", "/kv/k?cas=0", "1")).json).toBe(true);
  expect((await ask("PUT", "/kv/k?cas=0", "2")).json).toBe(false);
  const { index } = await ask("GET", "/kv/k");
  expect((await ask("PUT", `/kv/k?cas=${index}`, "3")).json).toBe(true);
  expect((await ask("PUT", `/kv/k?cas=${index}`, "4")).json).toBe(false);
  expect((await ask("DELETE", `/kv/k?cas=${index}`)).json).toBe(false);
  expect((await ask("GET", "/kv/k?raw")).text).toBe("3");
});

test("a value of more than 512 KiB is refused", async () => {
  expect((await ask("PUT", "/kv/k", "x".repeat(524_289))).status).toBe(413);
});

test("a lock is held by one session, counted, and free again when released", async () => {
  const [one, other] = [await session(), await session()];
  expect((await ask("PUT", `/kv/lock?acquire=${one}`, "1")).json).toBe(true);
  expect((await ask("PUT", `/kv/lock?acquire=${other}`, "2")).json).toBe(false);
  expect((await ask("PUT", `/kv/lock?acquire=${one}`, "3")).json).toBe(true);
  expect((await ask("GET", "/kv/lock")).json[0]).toMatchObject({ LockIndex: 1, Session: one, Value: btoa("3") });
  expect((await ask("PUT", `/kv/lock?release=${other}`, "")).json).toBe(false);
  expect((await ask("PUT", `/kv/lock?release=${one}`, "")).json).toBe(true);
  expect((await ask("PUT", `/kv/lock?acquire=${other}`, "4")).json).toBe(true);
  expect((await ask("GET", "/kv/lock")).json[0]).toMatchObject({ LockIndex: 2, Session: other });
  expect((await ask("PUT", "/kv/lock?acquire=nobody", "")).status).toBe(500);
});

test("a session that is not renewed ends after twice its TTL, and its lock can be had after the lock-delay", async () => {
  const one = await session({ TTL: "10s", LockDelay: "15s", Behavior: "release" });
  await ask("PUT", `/kv/lock?acquire=${one}`, "1");
  clock.advance(19_000);
  expect((await ask("PUT", `/session/renew/${one}`)).json[0]).toMatchObject({ ID: one, TTL: "10s" });
  clock.advance(19_999);
  expect((await ask("GET", "/kv/lock")).json[0].Session).toBe(one);
  clock.advance(1);
  expect((await ask("GET", "/kv/lock")).json[0].Session).toBeUndefined();
  expect((await ask("PUT", `/session/renew/${one}`)).status).toBe(404);
  const other = await session();
  expect((await ask("PUT", `/kv/lock?acquire=${other}`, "2")).json).toBe(false);
  clock.advance(15_000);
  expect((await ask("PUT", `/kv/lock?acquire=${other}`, "2")).json).toBe(true);
});

test("keys of a session that deletes vanish with it, and that raises the index of their prefix", async () => {
  const one = await session({ Behavior: "delete" });
  await ask("PUT", `/kv/p/one?acquire=${one}`, "1");
  const { index } = await ask("GET", "/kv/p/?recurse");
  await ask("PUT", `/session/destroy/${one}`);
  const after = await ask("GET", "/kv/p/?recurse");
  expect(after.status).toBe(404);
  expect(after.index).toBeGreaterThan(index);
});

test.each(["9s", "25h"])("a TTL of %s is refused", async (ttl) => {
  expect((await ask("PUT", "/session/create", JSON.stringify({ TTL: ttl }))).status).toBe(500);
});

test("a blocking query hangs until something changes below its prefix, and not for other keys", async () => {
  await ask("PUT", "/kv/p/a", "1");
  const { index } = await ask("GET", "/kv/p/?recurse");
  const waiting = ask("GET", `/kv/p/?recurse&index=${index}&wait=10s`);
  await hang();
  await ask("PUT", "/kv/other", "1");
  expect(consul.hangingCount).toBe(1);
  await ask("PUT", "/kv/p/b", "1");
  expect((await waiting).json).toHaveLength(2);
});

test("a blocking query ends with the same index after its wait and a sixteenth of it", async () => {
  await ask("PUT", "/kv/k", "1");
  const { index } = await ask("GET", "/kv/k");
  const waiting = ask("GET", `/kv/k?index=${index}&wait=16s`);
  await hang();
  clock.advance(16_999);
  expect(consul.hangingCount).toBe(1);
  clock.advance(1);
  expect((await waiting).index).toBe(index);
});

test("a restored snapshot ends waits with a smaller index", async () => {
  for (let i = 0; i < 9; i++) await ask("PUT", "/kv/k", String(i));
  const { index } = await ask("GET", "/kv/k");
  const waiting = ask("GET", `/kv/k?index=${index}&wait=16s`);
  await hang();
  consul.store.restoreSnapshot();
  expect((await waiting).index).toBeLessThan(index);
});

test("instances of a service come with their checks, pass or not, and a change ends the wait", async () => {
  consul.store.register({ service: "cache", id: "c1", address: "10.0.0.1", port: 1 });
  consul.store.register({ service: "cache", id: "c2", address: "", port: 2, status: "critical", weight: 3 });
  const { json, index } = await ask("GET", "/health/service/cache");
  expect(json[1]).toMatchObject({ Service: { ID: "c2", Address: "", Weights: { Passing: 3 } } });
  expect(json[1].Checks.map((check: { Status: string }) => check.Status)).toEqual(["passing", "critical"]);
  expect((await ask("GET", "/health/service/cache?passing")).json).toHaveLength(1);
  const waiting = ask("GET", `/health/service/cache?index=${index}`);
  await hang();
  consul.store.deregister("cache", "c1");
  expect((await waiting).json).toHaveLength(1);
});

test("a door that was cut breaks what hangs at it and refuses what is new, while others work on", async () => {
  const door = await consul.addDoor();
  await ask("PUT", "/kv/k", "1");
  const { index } = await ask("GET", "/kv/k");
  const waiting = fetch(`${door.url}/v1/kv/k?index=${index}`);
  await hang();
  door.cut();
  await expect(waiting).rejects.toThrow("fetch failed");
  await expect(fetch(`${door.url}/v1/kv/k`)).rejects.toThrow("fetch failed");
  expect((await ask("GET", "/kv/k?raw")).text).toBe("1");
  door.mend();
  expect((await fetch(`${door.url}/v1/kv/k?raw`)).status).toBe(200);
});
