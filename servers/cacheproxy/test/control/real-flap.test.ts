import { createLogger } from "@kagami/kit";
import { eventually, freePort } from "@kagami/testkit";
import { afterEach, expect, test } from "vitest";
import { configSchema } from "../../src/config.ts";
import { MemcachedConnection } from "../../src/control/memcached-connection.ts";
import { type CacheproxyServer, startCacheproxyServer } from "../../src/server.ts";
import { DEFAULT_SERVER_TLS } from "../../src/server-tls.ts";
import { type KillableMemcached, startKillableMemcached } from "../support/killable-memcached.ts";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const isLine = (text: string) => text.endsWith("\r\n");

function connection(port: number): MemcachedConnection {
  const server = { name: "", host: "127.0.0.1", port, weight: 1, tls: false };
  const made = new MemcachedConnection(server, { tls: DEFAULT_SERVER_TLS, timeoutMs: 5_000 });
  closers.push(() => made.close());
  return made;
}

async function startMemcached(port: number): Promise<KillableMemcached> {
  const memcached = await startKillableMemcached(port);
  closers.push(memcached.kill);
  return memcached;
}

async function startProxy(ports: readonly number[], gutterPort: number, workers: number): Promise<CacheproxyServer> {
  const servers = ports.map((port) => `127.0.0.1:${port}`);
  const config = configSchema.parse({
    listen: "127.0.0.1:0",
    admin: "off",
    workers,
    timeoutMs: 100,
    pools: [
      { name: "main", servers, gutter: { pool: "spare", ttlSec: 60 } },
      { name: "spare", servers: [`127.0.0.1:${gutterPort}`] },
    ],
    probeMs: 50,
    probeTimeoutMs: 100,
    failureLimit: 2,
    recoveryLimit: 2,
  });
  const sink = { write: () => undefined, flush: () => Promise.resolve() };
  const server = await startCacheproxyServer(config, createLogger({ sink }));
  closers.push(() => server.close(0));
  return server;
}

const KEYS = Array.from({ length: 60 }, (_, i) => `key${i}`);

async function setAll(client: MemcachedConnection, value: string): Promise<string[]> {
  const stored: string[] = [];
  for (const key of KEYS)
    if ((await client.ask(`set ${key} 0 0 1\r\n${value}`, isLine)) === "STORED\r\n") stored.push(key);
  return stored;
}

async function valuesOf(client: MemcachedConnection): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const key of KEYS) {
    const reply = await client.ask(`get ${key}`, (text) => text.endsWith("END\r\n") || text.startsWith("SERVER_ERROR"));
    const value = /\r\n(.)\r\nEND/.exec(reply)?.[1];
    if (value !== undefined) values.set(key, value);
  }
  return values;
}

test("a real memcached that stands still and comes back with its old values gives none of them away", async () => {
  const servers = await Promise.all([0, 1, 2].map(async () => await startMemcached(await freePort())));
  const gutter = await startMemcached(await freePort());
  const [flapping] = servers;
  if (!flapping) throw new Error("there is no server");
  const proxy = await startProxy(
    servers.map(({ port }) => port),
    gutter.port,
    2,
  );
  const client = connection(Number(proxy.addresses.memcached?.split(":").at(-1)));
  await eventually(async () => (await setAll(client, "1")).length === KEYS.length, {
    what: "connections to all servers",
  });

  flapping.stop();
  const stage = () => proxy.control.current.ejections[0]?.stage;
  await eventually(() => stage() === "down", { what: "the ejection", timeoutMs: 10_000 });
  // With the gutter every key can be written and read again.
  expect(await setAll(client, "2")).toHaveLength(KEYS.length);
  const meanwhile = await valuesOf(client);
  expect([...meanwhile.values()].every((value) => value === "2")).toBe(true);
  expect(meanwhile.size).toBe(KEYS.length);

  flapping.go();
  const seen: string[] = [];
  await eventually(
    async () => {
      for (const [key, value] of await valuesOf(client)) if (value !== "2") seen.push(`${key} ${value}`);
      return proxy.control.current.ejections.length === 0;
    },
    { what: "the rejoin", timeoutMs: 15_000 },
  );
  for (const [key, value] of await valuesOf(client)) if (value !== "2") seen.push(`${key} ${value}`);
  expect(seen).toEqual([]);
  // It came back empty: its keys are misses, the others' are hits.
  const after = await valuesOf(client);
  expect(after.size).toBeGreaterThan(0);
  expect(after.size).toBeLessThan(KEYS.length);
  expect(await setAll(client, "3")).toHaveLength(KEYS.length);
  expect((await valuesOf(client)).size).toBe(KEYS.length);
}, 40_000);

test("a real memcached that was killed and started again rejoins by the proof of its restart", async () => {
  const servers = await Promise.all([0, 1].map(async () => await startMemcached(await freePort())));
  const gutter = await startMemcached(await freePort());
  const [dying] = servers;
  if (!dying) throw new Error("there is no server");
  const proxy = await startProxy(
    servers.map(({ port }) => port),
    gutter.port,
    1,
  );
  await dying.kill();
  const ejections = () => proxy.control.current.ejections;
  await eventually(() => ejections()[0]?.stage === "down", { what: "the ejection", timeoutMs: 10_000 });
  await startMemcached(dying.port);
  await eventually(() => ejections().length === 0, { what: "the rejoin", timeoutMs: 15_000 });
}, 30_000);
