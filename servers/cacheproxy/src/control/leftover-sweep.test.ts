import { eventually, startMemcached } from "@kagami/testkit";
import { afterEach, expect, test } from "vitest";
import type { Placement, ServerSpec } from "../engine/cluster.ts";
import { PlacementCache } from "../engine/policies/placement-cache.ts";
import { DEFAULT_SERVER_TLS } from "../server-tls.ts";
import { sweepLeftovers } from "./leftover-sweep.ts";
import { MemcachedConnection } from "./memcached-connection.ts";

const closers: (() => unknown)[] = [];
const SETTINGS = { tls: DEFAULT_SERVER_TLS, timeoutMs: 5_000 };

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(args: readonly string[] = []): Promise<ServerSpec> {
  const memcached = await startMemcached(args);
  closers.push(() => memcached.stop());
  return { name: `s${memcached.port}`, host: "127.0.0.1", port: memcached.port, weight: 1, tls: false };
}

const isLine = (text: string) => text.endsWith("\r\n");

test("keys that another server owns are removed, and no others, whatever bytes they are of", async () => {
  const server = await start();
  const from: Placement = { kind: "slots", servers: [server, { ...server, name: "other", port: 1 }] };
  const connection = new MemcachedConnection(server, SETTINGS);
  closers.push(() => connection.close());
  const keys = Array.from({ length: 400 }, (_, i) =>
    Buffer.from(i % 4 === 0 ? [0, 0xff, i & 255, 32, i >> 8] : `key%20${i}`),
  );
  for (const key of keys) expect(await connection.ask(`ms ${key.toString("base64")} 1 b\r\nx`, isLine)).toBe("HD\r\n");
  // The crawler may be at work on its own, and then refuses.
  const result = await eventually(() => sweepLeftovers(server, from, SETTINGS, new AbortController().signal));
  const owners = new PlacementCache().selectorOf(from);
  const mine = keys.filter((key) => owners.select(key, 0, key.length) === 0);
  expect(result).toEqual({ keyCount: keys.length, removedCount: keys.length - mine.length });
  expect(mine.length).toBeGreaterThan(100);
  for (const key of keys) {
    const reply = await connection.ask(`mg ${key.toString("base64")} b`, isLine);
    expect(reply).toBe(mine.includes(key) ? "HD\r\n" : "EN\r\n");
  }
}, 20_000);

test("a server that lists no keys says so", async () => {
  const server = await start(["-o", "no_lru_crawler"]);
  const from: Placement = { kind: "slots", servers: [server] };
  const sweeping = sweepLeftovers(server, from, SETTINGS, new AbortController().signal);
  await expect(sweeping).rejects.toThrow("it does not list its keys: CLIENT_ERROR lru crawler disabled");
}, 15_000);

test("a sweep that is given up ends", async () => {
  const server = await start();
  const abort = new AbortController();
  const sweeping = sweepLeftovers(server, { kind: "slots", servers: [server] }, SETTINGS, abort.signal);
  abort.abort();
  await expect(sweeping).rejects.toThrow();
}, 15_000);
