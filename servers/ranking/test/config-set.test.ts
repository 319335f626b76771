import { readFile } from "node:fs/promises";
import { eventually, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { startServer } from "./support/start-server.ts";
import { request, WireClient } from "./support/wire-client.ts";

const OK = "+OK\r\n";
const set = (...pairs: string[]): string => request("CONFIG", "SET", ...pairs);

test("maxclients turns away who comes after it is reached, and tells them", async () => {
  const server = await startServer();
  const first = await WireClient.open(server.address);
  expect(await first.ask(set("maxclients", "1"), OK)).toBe(OK);
  const second = await WireClient.open(server.address);
  expect(await second.untilClosed()).toBe("-ERR max number of clients reached\r\n");
  expect(server.engine.sessions.rejectedCount).toBe(1);
  expect(await first.ask(set("maxclients", "2"), OK)).toBe(OK);
  const third = await WireClient.open(server.address);
  expect(await third.ask(request("PING"), "+PONG\r\n")).toBe("+PONG\r\n");
  const refusal = "-ERR CONFIG SET failed (possibly related to argument 'maxclients')";
  expect(await first.ask(set("maxclients", "200000"), refusal)).toBe(refusal);
  for (const client of [first, third]) client.close();
  await server.close();
});

test("timeout closes who is silent, and nobody who waits for a message or a key", async () => {
  const server = await startServer();
  const clients = [];
  for (let i = 0; i < 3; i++) clients.push(await WireClient.open(server.address));
  const [silent, subscriber, waiting] = clients as [WireClient, WireClient, WireClient];
  subscriber.send(request("SUBSCRIBE", "news"));
  waiting.send(request("BLPOP", "list", "0"));
  expect(await silent.ask(set("timeout", "1"), OK)).toBe(OK);
  expect(await silent.untilClosed()).toBe("");
  const other = await WireClient.open(server.address);
  other.send(request("PUBLISH", "news", "hello") + request("RPUSH", "list", "x"));
  const popped = "*2\r\n$4\r\nlist\r\n$1\r\nx\r\n";
  expect(await waiting.take(popped.length)).toBe(popped);
  await eventually(() => subscriber.received.endsWith("hello\r\n"));
  for (const client of [...clients, other]) client.close();
  await server.close();
});

test.runIf(process.platform === "linux")("tcp-keepalive decides whether new connections are probed", async () => {
  const server = await startServer();
  const [host, port] = server.address.split(":");
  expect(host).toBe("127.0.0.1");
  const portHex = Number(port).toString(16).toUpperCase().padStart(4, "0");
  const probed = async (): Promise<number> => {
    const lines = (await readFile("/proc/net/tcp", "latin1")).split("\n").map((line) => line.trim().split(/\s+/));
    // Established connections of the server with a timer of kind 2: keep-alive.
    return lines.filter((word) => word[1]?.endsWith(`:${portHex}`) && word[3] === "01" && word[5]?.startsWith("02:"))
      .length;
  };
  const first = await WireClient.open(server.address);
  expect(await first.ask(set("tcp-keepalive", "0"), OK)).toBe(OK);
  expect(await probed()).toBe(1);
  const second = await WireClient.open(server.address);
  expect(await second.ask(set("tcp-keepalive", "60"), OK)).toBe(OK);
  expect(await probed()).toBe(1);
  const third = await WireClient.open(server.address);
  expect(await third.ask(request("PING"), "+PONG\r\n")).toBe("+PONG\r\n");
  expect(await probed()).toBe(2);
  for (const client of [first, second, third]) client.close();
  await server.close();
});

test.each([
  { limit: "normal 300000 0 0", why: "the hard limit" },
  { limit: "normal 0 100000 1", why: "the soft limit for longer than its time" },
])("client-output-buffer-limit cuts off who does not fetch replies: $why", async ({ limit }) => {
  const server = await startServer();
  const [slow, other] = [await WireClient.open(server.address), await WireClient.open(server.address)];
  await other.ask(request("SET", "k", "x".repeat(100_000)), OK);
  expect(await other.ask(set("client-output-buffer-limit", limit), OK)).toBe(OK);
  slow.socket.pause();
  const closed = new Promise((resolve) => slow.socket.once("close", resolve));
  // About 30 MB: more than the kernel's buffers take.
  for (let i = 0; i < 300; i++) slow.send(request("GET", "k"));
  await eventually(() => server.reactor.clients.size === 1, { timeoutMs: 8_000 });
  expect(await other.ask(request("PING"), "+PONG\r\n")).toBe("+PONG\r\n");
  slow.socket.resume();
  await closed;
  other.close();
  await server.close();
});

test("CLIENT LIST tells what waits in a client's buffers", async () => {
  const server = await startServer();
  const [partial, asker] = [await WireClient.open(server.address), await WireClient.open(server.address)];
  partial.send("*2\r\n$3\r\nGET\r\n$9\r\nhalf");
  await eventually(async () => {
    asker.send(request("CLIENT", "LIST"));
    await eventually(() => asker.received.endsWith("\n\r\n"));
    const text = await asker.take(asker.received.length);
    return /qbuf=21 qbuf-free=\d{3}/.test(text);
  });
  for (const client of [partial, asker]) client.close();
  await server.close();
});

test("proto-max-bulk-len holds for connections that are there already", async () => {
  const server = await startServer();
  const client = await WireClient.open(server.address);
  expect(await client.ask(set("proto-max-bulk-len", "1mb"), OK)).toBe(OK);
  expect(await client.ask(request("SET", "k", "x".repeat(1_048_576)), OK)).toBe(OK);
  client.send("*2\r\n$3\r\nGET\r\n$1048577\r\n");
  expect(await client.untilClosed()).toBe("-ERR Protocol error: invalid bulk length\r\n");
  await server.close();
});

test("busy-reply-threshold, or lua-time-limit, ends a script that goes on for longer and has written nothing", async () => {
  const server = await startServer();
  const client = await WireClient.open(server.address);
  expect(await client.ask(set("lua-time-limit", "20"), OK)).toBe(OK);
  client.send(request("EVAL", "while true do end", "0"));
  await eventually(() => client.received.endsWith("\r\n"));
  expect(client.received).toMatch(/^-ERR Script killed by user/);
  client.close();
  await server.close();
});

test("INFO tells of scripts, and what a script logs goes into the log", async () => {
  const server = await startServer();
  const client = await WireClient.open(server.address);
  const heard: string[] = [];
  const { scripts } = server.engine;
  const before = scripts?.onLog;
  if (scripts) {
    scripts.onLog = (level, message) => {
      heard.push(`${level} ${Buffer.from(message).toString()}`);
      before?.(level, message);
    };
  }
  const source = "redis.log(redis.LOG_NOTICE, 'hello') return 1";
  expect(await client.ask(request("EVAL", source, "0"), ":1\r\n")).toBe(":1\r\n");
  expect(heard).toEqual(["2 hello"]);
  client.send(request("INFO", "memory"));
  await eventually(() => client.received.includes("number_of_cached_scripts"));
  expect(client.received).toContain(`used_memory_scripts:${source.length}\r\n`);
  expect(client.received).toContain("number_of_cached_scripts:1\r\n");
  expect(client.received).toMatch(/used_memory_lua:[1-9]\d+/);
  client.close();
  await server.close();
});

test("appendfsync takes effect: what waits for a sync is answered when syncs are no longer asked for", async () => {
  await withTempDir(async (data) => {
    const server = await startServer({ persistence: "log", fsync: "no", data });
    const client = await WireClient.open(server.address);
    const syncs = (): number => server.persistence?.log.statistics.syncCount ?? 0;
    expect(await client.ask(request("SET", "k", "1"), OK)).toBe(OK);
    expect(syncs()).toBe(0);
    expect(await client.ask(set("appendfsync", "always"), OK)).toBe(OK);
    await eventually(() => server.persistence?.log.policy === "always");
    for (let i = 0; i < 3; i++) expect(await client.ask(request("SET", "k", "2"), OK)).toBe(OK);
    const always = syncs();
    expect(always).toBeGreaterThanOrEqual(3);
    client.send(request("SET", "k", "3") + set("appendfsync", "no"));
    expect(await client.take(2 * OK.length)).toBe(OK + OK);
    await eventually(() => server.persistence?.log.policy === "no");
    const last = syncs();
    for (let i = 0; i < 3; i++) expect(await client.ask(request("SET", "k", "4"), OK)).toBe(OK);
    expect(syncs()).toBe(last);
    client.close();
    await server.close();
  });
});

test("save makes a snapshot after so many seconds with so many changes", async () => {
  await withTempDir(async (data) => {
    const server = await startServer({ persistence: "log", data });
    const client = await WireClient.open(server.address);
    expect(await client.ask(set("save", "3600 1 1 3"), OK)).toBe(OK);
    for (let i = 0; i < 2; i++) await client.ask(request("SET", `k${i}`, "1"), OK);
    expect(server.persistence?.changesSinceSnapshot).toBe(2);
    await client.ask(request("SET", "k2", "1"), OK);
    await eventually(() => server.persistence?.snapshotCount === 1, { timeoutMs: 15_000 });
    expect(server.persistence?.changesSinceSnapshot).toBe(0);
    client.close();
    await server.close();
  });
});

test("appendonly yes keeps what runs, with a log from then on; no leaves it for the next start", async () => {
  await withTempDir(async (data) => {
    let server = await startServer({ data });
    let client = await WireClient.open(server.address);
    await client.ask(request("SET", "before", "1") + request("ZADD", "z", "1", "a"), `${OK}:1\r\n`);
    // Writes of the same turn before and behind it are kept once.
    const sent = request("INCR", "n") + set("appendonly", "yes", "appendfsync", "always") + request("INCR", "n");
    expect(await client.ask(sent, `:1\r\n${OK}:2\r\n`)).toBe(`:1\r\n${OK}:2\r\n`);
    await client.ask(request("SPOP", "nothing") + request("SET", "during", "1"), `$-1\r\n${OK}`);
    expect(await client.ask(request("INCR", "n") + set("appendonly", "no"), `:3\r\n${OK}`)).toBe(`:3\r\n${OK}`);
    await eventually(() => server.persistence === undefined);
    await client.ask(request("SET", "without", "1"), OK);
    // On again: the snapshot has what was done meanwhile.
    await eventually(async () => {
      client.send(set("appendonly", "yes"));
      await eventually(() => client.received.endsWith("\r\n"));
      return (await client.take(client.received.length)) === OK;
    });
    await client.ask(request("SET", "again", "1"), OK);
    client.close();
    await server.close();

    server = await startServer({ persistence: "log", data });
    client = await WireClient.open(server.address);
    const asked = ["before", "during", "without", "again", "n"].map((key) => request("GET", key)).join("");
    const expected = `${"$1\r\n1\r\n".repeat(4)}$1\r\n3\r\n`;
    expect(await client.ask(asked, expected)).toBe(expected);
    expect(await client.ask(request("ZCARD", "z"), ":1\r\n")).toBe(":1\r\n");
    client.close();
    await server.close();
  });
});

test("appendonly yes is refused where another data set lies, which stays as it is", async () => {
  await withTempDir(async (data) => {
    let server = await startServer({ persistence: "log", data });
    let client = await WireClient.open(server.address);
    await client.ask(request("SET", "old", "1"), OK);
    client.close();
    await server.close();
    server = await startServer({ data });
    client = await WireClient.open(server.address);
    const refusal = "-ERR CONFIG SET failed (possibly related to argument 'appendonly') - Cannot begin a log in ";
    expect(await client.ask(set("appendonly", "yes"), refusal)).toBe(refusal);
    client.close();
    await server.close();
    server = await startServer({ persistence: "log", data });
    client = await WireClient.open(server.address);
    expect(await client.ask(request("GET", "old"), "$1\r\n1\r\n")).toBe("$1\r\n1\r\n");
    client.close();
    await server.close();
  });
});
