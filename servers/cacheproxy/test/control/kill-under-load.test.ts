import { eventually, freePort } from "@kagami/testkit";
import { afterEach, expect, test } from "vitest";
import type { CacheproxyConfig } from "../../src/config.ts";
import { type KillableMemcached, startKillableMemcached } from "../support/killable-memcached.ts";
import { LoadingClient } from "../support/loading-client.ts";
import { startTestProxy, type TestProxy } from "../support/test-proxy.ts";

const CLIENTS = 20;
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startMemcached(port: number): Promise<KillableMemcached> {
  const memcached = await startKillableMemcached(port);
  closers.push(memcached.kill);
  return memcached;
}

async function startProxy(ports: readonly number[], changes: Partial<CacheproxyConfig>): Promise<TestProxy> {
  const proxy = await startTestProxy(ports, changes);
  closers.push(() => proxy.close(0));
  return proxy;
}

/** Clients that go on until the end of the test. */
async function startLoad({ port }: TestProxy) {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => LoadingClient.start(port, `c${i}`)));
  closers.push(() => Promise.all(clients.map((client) => client.stop())));
  const stored = (): number => clients.reduce((total, { storedCount }) => total + storedCount, 0);
  const goOn = async (what: string): Promise<void> => {
    const before = stored();
    await eventually(() => stored() > before + 1_500, { what, timeoutMs: 15_000 });
  };
  return { clients, goOn };
}

test.each([
  { workers: 1, hasPool: true, why: "with a gutter pool" },
  { workers: 2, hasPool: false, why: "with two workers and no other pool, as --servers has it" },
])(
  "a server killed under load and started again costs only the requests that were in flight, $why",
  async ({ workers, hasPool }) => {
    const servers = await Promise.all([0, 1, 2, 3].map(async () => await startMemcached(await freePort())));
    const ports = servers.map(({ port }) => port);
    const [dying] = servers as [KillableMemcached];
    const named = ports.map((port) => `127.0.0.1:${port}`);
    const gutter = { pool: "spare", ttlSec: 60 };
    const pools = [
      { name: "main", servers: named.slice(0, 3), gutter },
      { name: "spare", servers: named.slice(3) },
    ];
    const written = { servers: [], pools } as unknown as Partial<CacheproxyConfig>;
    const proxy = await startProxy(ports, { workers, ...(hasPool ? written : {}) });
    const { clients, goOn } = await startLoad(proxy);
    await goOn("load");
    expect(clients.flatMap(({ failures }) => failures)).toEqual([]);

    await dying.kill();
    const diedAtMs = performance.now();
    const { control } = proxy.server;
    await eventually(() => control.current.ejections[0]?.stage === "down", { what: "the ejection", timeoutMs: 10_000 });
    await goOn("load with a dead server");
    await startMemcached(dying.port);
    await eventually(() => control.current.ejections.length === 0, { what: "the rejoin", timeoutMs: 15_000 });
    await goOn("load with all servers again");

    const failures = clients.flatMap((client) => client.failures);
    expect(failures.filter(({ reply }) => reply !== "SERVER_ERROR connection to server was lost\r\n")).toEqual([]);
    // They were in flight: asked before the process had ended, and no client has more than one request at a time.
    expect(failures.filter(({ askedAtMs }) => askedAtMs > diedAtMs)).toEqual([]);
    expect(clients.filter((client) => client.failures.length > 1)).toEqual([]);
    expect(clients.flatMap(({ stale }) => stale)).toEqual([]);
  },
  40_000,
);
