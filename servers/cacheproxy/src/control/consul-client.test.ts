import { FakeClock } from "@kagami/clock";
import { eventually, type FakeConsul, startFakeConsul } from "@kagami/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConsulClient } from "./consul-client.ts";

let clock: FakeClock;
let consul: FakeConsul;
let client: ConsulClient;
let abort: AbortController;

beforeEach(async () => {
  clock = new FakeClock();
  consul = await startFakeConsul(clock);
  client = new ConsulClient({ url: consul.url, token: "", timeoutMs: 5_000 });
  abort = new AbortController();
});

afterEach(async () => {
  abort.abort();
  client.close();
  await consul.close();
});

const blocking = (index = 0n) => ({ index, waitMs: 10_000, signal: abort.signal });

test("what is written by compare-and-set is read back with its index", async () => {
  expect(await client.getKv("a/k")).toBeUndefined();
  expect(await client.compareAndSet("a/k", "ü", "0")).toBe(true);
  expect(await client.compareAndSet("a/k", "x", "0")).toBe(false);
  const entry = await client.getKv("a/k");
  expect(entry).toMatchObject({ key: "a/k", value: "ü", session: undefined });
  expect(await client.compareAndSet("a/k", "y", entry?.modifyIndex ?? "")).toBe(true);
});

test("a watch hangs at its index until the key changes", async () => {
  await client.compareAndSet("a/k", "1", "0");
  const first = await client.watchKv("a/k", true, blocking());
  expect(first.value).toMatchObject([{ value: "1" }]);
  const next = client.watchKv("a/k", true, blocking(first.index));
  await eventually(() => consul.hangingCount === 1);
  await client.compareAndSet("a/k", "2", first.value[0]?.modifyIndex ?? "");
  expect((await next).value).toMatchObject([{ value: "2" }]);
});

test("a watch of a prefix that has nothing yet has an index to hang at", async () => {
  const { index, value } = await client.watchKv("none/", false, blocking());
  expect(value).toEqual([]);
  expect(index).toBeGreaterThan(0n);
});

test("a watch that is aborted ends at once", async () => {
  const { index } = await client.watchKv("a/", false, blocking());
  const next = client.watchKv("a/", false, blocking(index));
  await eventually(() => consul.hangingCount === 1);
  abort.abort();
  await expect(next).rejects.toMatchObject({ code: "CONSUL_UNREACHABLE" });
  await eventually(() => consul.hangingCount === 0);
});

test("a session locks, is renewed, and takes its keys with it when it ends", async () => {
  const id = await client.createSession("test", 10_000);
  expect(await client.acquire("lock", "1", id)).toBe(true);
  expect((await client.getKv("lock"))?.session).toBe(id);
  await client.renewSession(id);
  clock.advance(20_000);
  expect(await client.getKv("lock")).toBeUndefined();
  await expect(client.renewSession(id)).rejects.toMatchObject({ code: "CONSUL_SESSION_GONE" });
});

test("instances of a service come with address, weight, metadata and whether a check is critical", async () => {
  consul.store.register({ service: "s", id: "one", address: "", port: 1, weight: 7, meta: { name: "n" } });
  consul.store.register({ service: "s", id: "two", address: "10.0.0.2", port: 2, status: "critical" });
  const { value } = await client.watchService("s", blocking());
  expect(value).toEqual([
    { id: "one", host: "127.0.0.1", port: 1, meta: { name: "n" }, weight: 7, isCritical: false },
    { id: "two", host: "10.0.0.2", port: 2, meta: {}, weight: 1, isCritical: true },
  ]);
});

test("what Consul refuses is told apart from not reaching it", async () => {
  await expect(client.compareAndSet("k", "x".repeat(600_000), "0")).rejects.toMatchObject({ code: "CONSUL_REFUSED" });
  await consul.close();
  await expect(client.getKv("k")).rejects.toMatchObject({ code: "CONSUL_UNREACHABLE" });
});
