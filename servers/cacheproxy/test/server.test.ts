import { readFile, writeFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { eventually, type Reference, startMemcached, withTempDir } from "@kagami/testkit";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { configReload } from "../src/control/file-source.ts";
import { startTestProxy, type TestProxy } from "./support/test-proxy.ts";
import { TextClient } from "./support/text-client.ts";

let memcached: Reference[] = [];
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  memcached = await Promise.all([startMemcached(), startMemcached(), startMemcached()]);
});
afterAll(() => Promise.all(memcached.map((server) => server.stop())));
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.close();
});

async function startProxy(...args: Parameters<typeof startTestProxy>): Promise<TestProxy> {
  const proxy = await startTestProxy(...args);
  open.push({ close: () => proxy.close(0) });
  return proxy;
}

async function client(port: number): Promise<TextClient> {
  const connected = await TextClient.connect(port);
  open.push(connected);
  return connected;
}

const ports = (): number[] => memcached.map(({ port }) => port);

/** Requests without end, `depth` of them unanswered at a time, and what was answered. */
class Load {
  readonly counts = { hits: 0, misses: 0, stored: 0, notStored: 0, lost: 0, unreachable: 0, other: 0 };
  readonly depth: number;
  readonly #client: TextClient;
  #isStopping = false;
  #waiting = 0;
  #next = 0;
  #input = "";

  constructor(client: TextClient, depth: number) {
    this.#client = client;
    this.depth = depth;
    client.socket.on("data", (bytes: Buffer) => this.#onText(bytes.toString("latin1")));
    this.#fill();
  }

  #fill(): void {
    let text = "";
    while (this.#waiting < this.depth && !this.#isStopping) {
      const i = this.#next++;
      const key = `load:${i % 97}`;
      text += i % 5 === 0 ? `set ${key} 0 0 5\r\nvalue\r\n` : `get ${key}\r\n`;
      this.#waiting++;
    }
    if (text !== "") this.#client.send(text);
  }

  #onText(text: string): void {
    const lines = (this.#input + text).split("\r\n");
    this.#input = lines.pop() ?? "";
    for (const line of lines) this.#onLine(line);
    this.#fill();
  }

  #hasValue = false;

  #onLine(line: string): void {
    if (line.startsWith("VALUE ") || line === "value") {
      this.#hasValue = true;
      return;
    }
    const { counts } = this;
    this.#waiting--;
    if (line === "END") counts[this.#hasValue ? "hits" : "misses"]++;
    else if (line === "STORED") counts.stored++;
    else if (line.includes("connection to server was lost")) counts.lost++;
    else if (line === "NOT_STORED") counts.notStored++;
    else if (line.includes("not reachable")) counts.unreachable++;
    else counts.other++;
    this.#hasValue = false;
  }

  get answered(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  async more(count: number): Promise<void> {
    const goal = this.answered + count;
    await eventually(() => this.answered >= goal, { timeoutMs: 20_000 });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await eventually(() => this.#waiting === 0, { timeoutMs: 20_000 });
  }
}

test("values of many sizes come back byte by byte, also to a client that begins to read late", async () => {
  const proxy = await startProxy(ports());
  const writer = await client(proxy.port);
  const sizes = [0, 1, 100, 5_000, 70_000, 400_000, 1_000_000];
  for (const [i, size] of sizes.entries()) {
    const value = String(i).repeat(size);
    expect(await writer.ask(`set size:${i} 0 0 ${value.length}\r\n${value}\r\n`)).toBe("STORED\r\n");
  }
  const reader = await client(proxy.port);
  reader.socket.pause();
  const rounds = 12;
  for (let round = 0; round < rounds; round++) reader.send(sizes.map((_, i) => `get size:${i}\r\n`).join(""));
  // By the time that others are answered the sockets' buffers are full, and the proxy holds what it may.
  for (let i = 0; i < 5; i++) await writer.ask("get size:6\r\n", "END\r\n");
  reader.socket.resume();
  const expected = sizes
    .map((size, i) => `VALUE size:${i} 0 ${size}\r\n${String(i).repeat(size)}\r\nEND\r\n`)
    .join("")
    .repeat(rounds);
  await eventually(() => reader.text.length >= expected.length, { timeoutMs: 15_000 });
  expect(reader.text === expected).toBe(true);
});

test("kill -9 of a server under load loses only what was in flight", async () => {
  const victim = await startMemcached();
  open.push({ close: () => victim.stop() });
  const proxy = await startProxy([...ports().slice(0, 2), victim.port], { probeMs: 50, probeTimeoutMs: 50 });
  const clients = await Promise.all(Array.from({ length: 8 }, () => client(proxy.port)));
  const loads = clients.map((connected) => new Load(connected, 8));
  await Promise.all(loads.map((load) => load.more(500)));
  process.kill(victim.pid, "SIGKILL");
  await Promise.all(loads.map((load) => load.more(2_000)));
  await eventually(() => proxy.log.some(({ event }) => event === "server.ejected"));
  await Promise.all(loads.map((load) => load.more(500)));
  await Promise.all(loads.map((load) => load.stop()));
  const sum = (pick: (load: Load) => number): number => loads.reduce((total, load) => total + pick(load), 0);
  expect(sum(({ counts }) => counts.lost)).toBeLessThanOrEqual(sum(({ depth }) => depth));
  expect(sum(({ counts }) => counts.other)).toBe(0);
  expect(sum(({ counts }) => counts.hits)).toBeGreaterThan(1_000);
  expect(clients.some(({ isClosed }) => isClosed)).toBe(false);
}, 30_000);

test("pools that change in the file while clients are busy cost no request", async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, "kagami.json");
    const write = (count: number) =>
      writeFile(
        path,
        JSON.stringify({
          cacheproxy: {
            pools: [
              {
                name: "main",
                servers: ports()
                  .slice(0, count)
                  .map((port) => `127.0.0.1:${port}`),
              },
            ],
          },
        }),
      );
    await write(2);
    const argv = ["--config", path, "--data", directory];
    const reload = configReload({ argv, env: {} });
    const config = reload?.read();
    const proxy = await startProxy([], { ...config, listen: "127.0.0.1:0", admin: "off", data: directory }, reload);
    const load = new Load(await client(proxy.port), 16);
    await load.more(500);
    // A server that joins is cleaned first, and takes no values meanwhile: those are NOT_STORED, which is no failure.
    for (const count of [3, 1, 2]) {
      const { epoch } = proxy.server.control.current;
      await write(count);
      await eventually(() => proxy.server.control.current.epoch > epoch, { timeoutMs: 5_000 });
      await load.more(500);
    }
    await load.stop();
    const { lost, unreachable, other } = load.counts;
    expect({ lost, unreachable, other }).toEqual({ lost: 0, unreachable: 0, other: 0 });
  });
});

test("worker processes share the port, and one that dies is replaced", async () => {
  const proxy = await startProxy(ports(), { workers: 2 });
  const [first] = proxy.server.workerPids;
  expect(proxy.server.workerPids.length).toBe(2);
  const pidOf = async (): Promise<number> => {
    const asking = await TextClient.connect(proxy.port);
    const pid = /STAT pid (\d+)/.exec(await asking.ask("stats\r\n", "END\r\n"))?.[1];
    asking.close();
    return Number(pid);
  };
  const seen = new Set<number>();
  await eventually(async () => seen.add(await pidOf()).size === 2);
  expect([...seen].sort()).toEqual([...proxy.server.workerPids].sort());
  process.kill(first as number, "SIGKILL");
  await eventually(() => proxy.server.workerPids.length === 2 && !proxy.server.workerPids.includes(first as number), {
    timeoutMs: 10_000,
  });
  const replaced = new Set<number>();
  await eventually(async () => replaced.add(await pidOf()).size === 2 && !replaced.has(first as number));
  expect(proxy.log.some(({ event }) => event === "worker.died")).toBe(true);
}, 30_000);

test("draining answers what was asked, closes idle clients, and leaves no handle", async () => {
  const handles = (): number => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length;
  const before = handles();
  const proxy = await startTestProxy(ports(), { drainMs: 50 });
  const idle = await TextClient.connect(proxy.port);
  const busy = await TextClient.connect(proxy.port);
  expect(await idle.ask("get a\r\n")).toBe("END\r\n");
  const closing = proxy.close(5_000);
  expect(await busy.ask("get a b\r\n")).toBe("END\r\n");
  await closing;
  await eventually(() => idle.isClosed && busy.isClosed);
  await expect(TextClient.connect(proxy.port)).rejects.toThrow("ECONNREFUSED");
  await eventually(() => handles() <= before);
});

test("TLS on both sides: clients with the certificate asked for, servers by their authority and name", async () => {
  const pem = (name: string): string =>
    new URL(`../../../libs/kit/testdata/localhost.${name}.pem`, import.meta.url).pathname;
  const [cert, key] = await Promise.all([readFile(pem("cert")), readFile(pem("key"))]);
  const backend: Server = createTlsServer({ cert, key }, (socket) => {
    const upstream = connect({ host: "127.0.0.1", port: memcached[0]?.port ?? 0 });
    socket.on("error", () => upstream.destroy());
    upstream.on("error", () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  open.push({ close: () => new Promise((resolve) => backend.close(resolve)) });
  const { port } = backend.address() as { port: number };
  const proxy = await startProxy([port], {
    tlsListen: "127.0.0.1:0",
    tlsCert: pem("cert"),
    tlsKey: pem("key"),
    tlsClientCa: pem("cert"),
    serverTls: true,
    serverTlsCa: pem("cert"),
    serverTlsName: "localhost",
  });
  const address = { host: "127.0.0.1", port: proxy.tlsPort, ca: cert, servername: "localhost" };
  const trusted = new TextClient(connectTls({ ...address, cert, key }));
  open.push(trusted);
  const value = "tls".repeat(100_000);
  expect(await trusted.ask(`set tls 0 0 ${value.length}\r\n${value}\r\n`)).toBe("STORED\r\n");
  expect(await trusted.ask("get tls\r\n", "END\r\n")).toBe(`VALUE tls 0 ${value.length}\r\n${value}\r\nEND\r\n`);
  const stranger = new TextClient(connectTls(address));
  stranger.send("get tls\r\n");
  await eventually(() => stranger.isClosed);
  expect(stranger.text).toBe("");
});

test("a server that sends what nobody asked for is disconnected, and its clients go on", async () => {
  let connectionCount = 0;
  const babbler = createServer((socket) => {
    connectionCount++;
    socket.on("error", () => undefined);
    socket.write("VALUE unasked 0 3\r\nabc\r\nEND\r\n");
  });
  await new Promise<void>((resolve) => babbler.listen(0, "127.0.0.1", resolve));
  open.push({ close: () => babbler.close() });
  const { port } = babbler.address() as { port: number };
  const proxy = await startProxy([port], { reconnectMs: 5, reconnectMaxMs: 10 });
  await eventually(() => connectionCount > 2);
  const asking = await client(proxy.port);
  expect(await asking.ask("version\r\n")).toMatch(/^VERSION /);
  expect(asking.text).toBe("");
});
