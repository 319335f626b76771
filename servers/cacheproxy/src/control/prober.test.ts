import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { createRandom } from "@kagami/clock";
import { systemClock } from "@kagami/kit";
import { eventually, startMemcached } from "@kagami/testkit";
import { afterEach, expect, test } from "vitest";
import type { Cluster } from "../engine/cluster.ts";
import { DEFAULT_SERVER_TLS } from "../server-tls.ts";
import { MemcachedConnection } from "./memcached-connection.ts";
import { Prober } from "./prober.ts";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function clusterOf(port: number): Cluster {
  const servers = [{ name: "s", host: "127.0.0.1", port, weight: 1, tls: false }];
  const options = { timeoutMs: 500, failureLimit: 2, recoveryLimit: 2 };
  const pools = [{ name: "p", placement: { kind: "slots" as const, servers }, options }];
  return { epoch: 1, config: { pools, routes: [] }, ejections: [], moves: [] };
}

function probe(port: number, probeMs = 20) {
  const votes: string[] = [];
  const prober = new Prober({
    clock: systemClock,
    random: createRandom(1),
    probeMs,
    openConnection: (server, onLost) =>
      new MemcachedConnection(server, { tls: DEFAULT_SERVER_TLS, timeoutMs: 200 }, onLost),
    onVote: (_address, vote) => votes.push(vote),
  });
  closers.push(() => prober.close());
  prober.watch(clusterOf(port));
  return { prober, votes, address: `127.0.0.1:${port}` };
}

/** A server that answers with `reply`, or not at all. */
async function serve(reply: string | undefined): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", () => reply !== undefined && socket.write(reply));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test("a real memcached is up, tells its uptime, is flushed, and is down when it was killed", async () => {
  const memcached = await startMemcached();
  closers.push(() => memcached.stop());
  const { prober, votes, address } = probe(memcached.port);
  await eventually(() => votes[0] === "up");
  expect(await prober.uptime(address)).toMatchObject({ kind: "uptime", uptimeSec: expect.any(Number) });
  const client = new MemcachedConnection(
    { name: "", host: "127.0.0.1", port: memcached.port, weight: 1, tls: false },
    { tls: DEFAULT_SERVER_TLS, timeoutMs: 1_000 },
  );
  closers.push(() => client.close());
  const isLine = (text: string) => text.endsWith("\r\n");
  expect(await client.ask("set k 0 0 1\r\nx", isLine)).toBe("STORED\r\n");
  expect(await prober.flush(address)).toEqual({ kind: "flushed" });
  expect(await client.ask("get k", isLine)).toBe("END\r\n");
  await memcached.stop();
  await eventually(() => votes[1] === "down");
  expect(await prober.flush(address)).toMatchObject({ kind: "failed" });
}, 15_000);

test("a process that ends is noticed by its connection, and voted out long before the next probe", async () => {
  const memcached = await startMemcached();
  closers.push(() => memcached.stop());
  const { prober, votes, address } = probe(memcached.port, 3_600_000);
  await eventually(() => prober.view(address)?.roundTripMs !== undefined);
  expect(votes).toEqual([]);
  await memcached.stop();
  await eventually(() => votes[0] === "down");
}, 15_000);

test("a memcached that forbids flushing says so", async () => {
  const memcached = await startMemcached(["-F"]);
  closers.push(() => memcached.stop());
  const { prober, address } = probe(memcached.port);
  expect(await prober.flush(address)).toEqual({ kind: "failed", reason: "CLIENT_ERROR flush_all not allowed" });
}, 15_000);

test.each([
  { reply: undefined, reason: "no answer within 200 ms", why: "accepts and says nothing" },
  { reply: "HTTP/1.1 400 Bad Request\r\n", reason: "it answered", why: "is no memcached" },
])("a server that $why is down", async ({ reply, reason }) => {
  const { prober, votes, address } = probe(await serve(reply));
  await eventually(() => votes[0] === "down");
  expect(prober.view(address)?.lastFailure).toContain(reason);
});

test("servers that are no longer in the cluster are not asked any more", async () => {
  const { prober, votes, address } = probe(await serve("VERSION 1\r\n"));
  await eventually(() => votes[0] === "up");
  prober.watch({ ...clusterOf(1), config: { pools: [], routes: [] } });
  expect(prober.votes()).toEqual({});
  expect(prober.view(address)).toBeUndefined();
});
