import { startMemcached } from "@kagami/testkit";
import { afterEach, expect, test } from "vitest";
import { startTestProxy } from "./support/test-proxy.ts";
import { TextClient } from "./support/text-client.ts";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A client of a proxy whose one pool has these servers and splits values beyond `bigValueBytes`. */
async function clientOf(ports: readonly number[], bigValueBytes: number): Promise<TextClient> {
  const pools = [{ name: "main", servers: ports.map((port) => `127.0.0.1:${port}`), bigValueBytes }];
  const proxy = await startTestProxy([], { servers: [], pools } as unknown as Parameters<typeof startTestProxy>[1]);
  closers.push(() => proxy.close(0));
  return await connectTo(proxy.port);
}

async function connectTo(port: number): Promise<TextClient> {
  const client = await TextClient.connect(port);
  closers.push(() => client.close());
  return client;
}

test("where big values are split, small ones are read and written as they are, and big ones found behind them", async () => {
  const memcached = await startMemcached();
  closers.push(() => memcached.stop());
  const client = await clientOf([memcached.port], 1_024);
  const value = (key: string, bytes: string): string => `VALUE ${key} 5 ${bytes.length}\r\n${bytes}\r\n`;
  expect(await client.ask("set small 5 0 3\r\nabc\r\n")).toBe("STORED\r\n");
  expect(await client.ask("get small\r\n", "END\r\n")).toBe(`${value("small", "abc")}END\r\n`);
  expect(await client.ask("get small none\r\n", "END\r\n")).toBe(`${value("small", "abc")}END\r\n`);

  const big = "b".repeat(4_500);
  expect(await client.ask(`set big 5 0 ${big.length}\r\n${big}\r\n`)).toBe("STORED\r\n");
  expect(await client.ask("get big\r\n", "END\r\n")).toBe(`${value("big", big)}END\r\n`);
  // Several in one turn, merged into one get; and by one client's get of many keys, the big one first, last and amid.
  expect(await client.ask("get small\r\nget big\r\nget none\r\nget small big\r\nmn\r\n", "MN\r\n")).toBe(
    `${value("small", "abc")}END\r\n${value("big", big)}END\r\nEND\r\n${value("small", "abc")}${value("big", big)}END\r\nMN\r\n`,
  );
  expect(await client.ask("get big none small\r\n", "END\r\n")).toBe(
    `${value("big", big)}${value("small", "abc")}END\r\n`,
  );
  expect(await client.ask("gets big\r\n", "END\r\n")).toMatch(/^VALUE big 5 4500 \d+\r\nb+\r\nEND\r\n$/);
  // A change that makes it small again is seen, and one that adds to it is not passed on as it is.
  expect(await client.ask("append small 0 0 2\r\nde\r\n")).toBe("STORED\r\n");
  expect(await client.ask(`append big 0 0 1\r\nc\r\n`)).toBe("STORED\r\n");
  expect(await client.ask("get small big\r\n", "END\r\n")).toBe(
    `${value("small", "abcde")}${value("big", `${big}c`)}END\r\n`,
  );
  expect(await client.ask("set big 5 0 1\r\ns\r\n")).toBe("STORED\r\n");
  expect(await client.ask("get big\r\n", "END\r\n")).toBe(`${value("big", "s")}END\r\n`);
}, 15_000);

test("a big value of which a piece is gone is a miss, also among others", async () => {
  const servers = await Promise.all([startMemcached(), startMemcached()]);
  for (const server of servers) closers.push(() => server.stop());
  const client = await clientOf(
    servers.map(({ port }) => port),
    1_024,
  );
  const big = "b".repeat(20_000);
  expect(await client.ask(`set big 0 0 ${big.length}\r\n${big}\r\nset small 0 0 1\r\nx\r\nmn\r\n`, "MN\r\n")).toContain(
    "STORED",
  );
  for (const { port } of servers) {
    const direct = await connectTo(port);
    // Whatever was there but the manifest and the small value: its pieces begin with byte 255.
    const dump = await direct.ask("lru_crawler metadump all\r\n", "END\r\n");
    for (const [, key] of dump.matchAll(/key=(%FF\S+)/gi)) {
      await direct.ask(`delete ${Buffer.from(unescape(key as string), "latin1").toString("latin1")}\r\n`);
    }
  }
  expect(await client.ask("get small big\r\nget big\r\nmn\r\n", "MN\r\n")).toBe(
    "VALUE small 0 1\r\nx\r\nEND\r\nEND\r\nMN\r\n",
  );
}, 15_000);
