import { seeds } from "@kagami/clock";
import { withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { startServer } from "./support/start-server.ts";
import { request, WireClient } from "./support/wire-client.ts";

test("requests are answered in order however the network cuts them", async () => {
  const server = await startServer();
  const client = await WireClient.open(server.address);
  const wire = Array.from(
    { length: 50 },
    (_, i) => request("SET", `k${i}`, "v".repeat(i * 40)) + request("GET", `k${i}`),
  ).join("");
  const expected = Array.from({ length: 50 }, (_, i) => `+OK\r\n$${i * 40}\r\n${"v".repeat(i * 40)}\r\n`).join("");
  client.socket.setNoDelay(true);
  for (let at = 0; at < wire.length; at += 613) client.send(wire.slice(at, at + 613));
  expect(await client.take(expected.length)).toBe(expected);
  client.close();
  await server.close();
});

test("a value of many megabytes goes in and out, and a request of many arguments is read on where it stopped", async () => {
  const server = await startServer();
  const client = await WireClient.open(server.address);
  const large = "x".repeat(5_000_000);
  expect(await client.ask(request("SET", "large", large), "+OK\r\n")).toBe("+OK\r\n");
  const expected = `$5000000\r\n${large}\r\n`;
  expect((await client.ask(request("GET", "large"), expected)) === expected).toBe(true);
  const unknown = await client.ask(
    request("NOPE", ...Array.from({ length: 100_000 }, (_, i) => `a${i}`)),
    "-ERR unknown command 'NOPE'",
  );
  expect(unknown).toBe("-ERR unknown command 'NOPE'");
  client.close();
  await server.close();
});

test.each([
  { sent: "*1\r\n+3\r\n", reply: "-ERR Protocol error: expected '$', got '+'\r\n" },
  { sent: "*1048577\r\n", reply: "-ERR Protocol error: invalid multibulk length\r\n" },
  { sent: "*1\r\n$-5\r\n", reply: "-ERR Protocol error: invalid bulk length\r\n" },
  { sent: "*1\r\n$536870913\r\n", reply: "-ERR Protocol error: invalid bulk length\r\n" },
  { sent: 'SET "a\r\n', reply: "-ERR Protocol error: unbalanced quotes in request\r\n" },
  { sent: "x".repeat(70_000), reply: "-ERR Protocol error: too big inline request\r\n" },
])("$reply, then the connection is closed", async ({ sent, reply }) => {
  const server = await startServer();
  const client = await WireClient.open(server.address);
  client.send(sent);
  expect(await client.untilClosed()).toBe(reply);
  await server.close();
});

test("inline commands are taken, empty lines are passed over", async () => {
  const server = await startServer();
  const client = await WireClient.open(server.address);
  expect(await client.ask("\r\n*0\r\nset k 'a b'\r\nGET k\r\n", "+OK\r\n$3\r\na b\r\n")).toBe("+OK\r\n$3\r\na b\r\n");
  client.close();
  await server.close();
});

test("a client that does not fetch its replies is cut off at the limit, others are served on", async () => {
  const server = await startServer({ maxOutputBytes: 1_000_000 });
  const [slow, other] = [await WireClient.open(server.address), await WireClient.open(server.address)];
  await other.ask(request("SET", "k", "x".repeat(4_000)), "+OK\r\n");
  slow.socket.pause();
  for (let i = 0; i < 20; i++) slow.send(request("GET", "k").repeat(1_000));
  const closed = new Promise((resolve) => slow.socket.once("close", resolve));
  // The kernel's own buffers take some; what is beyond them and the limit cuts it off.
  while (server.reactor.clients.size > 1) expect(await other.ask(request("PING"), "+PONG\r\n")).toBe("+PONG\r\n");
  slow.socket.resume();
  await closed;
  other.close();
  await server.close();
});

test.each(seeds(3))(
  "what was answered is there after a restart, with a compaction in between, seed %i",
  async (seed) => {
    await withTempDir(async (data) => {
      const settings = { persistence: "log", fsync: "always", data };
      let server = await startServer(settings);
      let client = await WireClient.open(server.address);
      const count = 200 + seed;
      const write = async (mark: string): Promise<void> => {
        const sent = Array.from({ length: count }, (_, i) => request("SET", `k${i}`, `${mark}${i}`)).join("");
        expect(await client.ask(sent, "+OK\r\n".repeat(count))).toBe("+OK\r\n".repeat(count));
      };
      await write("a");
      await server.persistence?.compact();
      await write("b");
      await server.persistence?.compact();
      await client.ask(request("SET", "last", "c"), "+OK\r\n");
      client.close();
      await server.close();
      server = await startServer(settings);
      client = await WireClient.open(server.address);
      for (let i = 0; i < count; i++) {
        const expected = `$${`b${i}`.length}\r\nb${i}\r\n`;
        expect(await client.ask(request("GET", `k${i}`), expected)).toBe(expected);
      }
      expect(await client.ask(request("GET", "last"), "$1\r\nc\r\n")).toBe("$1\r\nc\r\n");
      client.close();
      await server.close();
    });
  },
);

test("a store that others could reach without a password does not start", async () => {
  await expect(startServer({ listen: "0.0.0.0:0" })).rejects.toThrow("nobody is asked for a password");
});

test("a password is asked for", async () => {
  const server = await startServer({ password: "secret" });
  const client = await WireClient.open(server.address);
  const refusal = "-NOAUTH Authentication required.\r\n";
  expect(await client.ask(request("GET", "k"), refusal)).toBe(refusal);
  client.close();
  await server.close();
});
