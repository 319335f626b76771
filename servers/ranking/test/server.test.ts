import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { seeds } from "@kagami/clock";
import { eventually, withTempDir } from "@kagami/testkit";
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

test.each([
  {
    why: "what comes behind QUIT is not done",
    sent: request("SET", "a", "1") + request("QUIT") + request("SET", "a", "2"),
    replies: "+OK\r\n+OK\r\n",
  },
  {
    why: "a request that is none is told after the replies to those before it",
    sent: `${request("SET", "a", "1").repeat(20)}*1\r\n+3\r\n`,
    replies: `${"+OK\r\n".repeat(20)}-ERR Protocol error: expected '$', got '+'\r\n`,
  },
])("of requests that come at once, $why", async ({ sent, replies }) => {
  const server = await startServer();
  const client = await WireClient.open(server.address);
  client.send(sent);
  expect(await client.untilClosed()).toBe(replies);
  const other = await WireClient.open(server.address);
  expect(await other.ask(request("GET", "a"), "$1\r\n1\r\n")).toBe("$1\r\n1\r\n");
  other.close();
  await server.close();
});

test("who logs in may send long requests at once behind that, and who resets no more", async () => {
  const server = await startServer({ password: "secret" });
  const client = await WireClient.open(server.address);
  const long = request("MSET", ...Array.from({ length: 12 }, (_, i) => `k${i}`));
  const expected = "+OK\r\n+OK\r\n+RESET\r\n-ERR Protocol error: unauthenticated multibulk length\r\n";
  client.send(request("AUTH", "secret") + long + request("RESET") + long + request("PING"));
  expect(await client.untilClosed()).toBe(expected);
  await server.close();
});

test("a client that waits is given what it sent behind that when its waiting is over", async () => {
  const server = await startServer();
  const [client, other] = [await WireClient.open(server.address), await WireClient.open(server.address)];
  const expected = ":0\r\n*2\r\n$1\r\nl\r\n$1\r\nx\r\n:0\r\n+PONG\r\n";
  client.send(request("LLEN", "l") + request("BLPOP", "l", "0") + request("LLEN", "l") + request("PING"));
  await eventually(() => expect(client.received).toBe(":0\r\n"));
  await other.ask(request("RPUSH", "l", "x"), ":1\r\n");
  expect(await client.take(expected.length)).toBe(expected);
  client.close();
  other.close();
  await server.close();
});

test("inline commands are taken, empty lines are passed over", async () => {
  const server = await startServer();
  const client = await WireClient.open(server.address);
  expect(await client.ask("\r\n*0\r\nset k 'a b'\r\nGET k\r\n", "+OK\r\n$3\r\na b\r\n")).toBe("+OK\r\n$3\r\na b\r\n");
  client.close();
  await server.close();
});

test.each([
  {
    why: "somebody pushes",
    wait: "0",
    wake: ["RPUSH", "k", "a"],
    woken: ":1\r\n",
    reply: "*2\r\n$1\r\nk\r\n$1\r\na\r\n",
  },
  { why: "its time is over", wait: "0.02", wake: ["PING"], woken: "+PONG\r\n", reply: "*-1\r\n" },
  { why: "another unblocks it", wait: "0", wake: ["CLIENT", "UNBLOCK", "1"], woken: ":1\r\n", reply: "*-1\r\n" },
])("what a client sent behind a command that waits is done when $why", async ({ wait, wake, woken, reply }) => {
  const server = await startServer();
  const [waiting, other] = [await WireClient.open(server.address), await WireClient.open(server.address)];
  waiting.send(request("CLIENT", "ID") + request("BLPOP", "k", wait) + request("ECHO", "behind"));
  expect(await waiting.take(4)).toBe(":1\r\n");
  waiting.send(request("ECHO", "later"));
  await eventually(() => server.engine.blocked.count === 1 || waiting.received !== "");
  expect(await other.ask(request(...wake), woken)).toBe(woken);
  const expected = `${reply}$6\r\nbehind\r\n$5\r\nlater\r\n`;
  expect(await waiting.take(expected.length)).toBe(expected);
  waiting.close();
  other.close();
  await server.close(0);
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

test("boards and windows of a time zone by name are the same after a restart, with a compaction before it", async () => {
  await withTempDir(async (data) => {
    const settings = { persistence: "log", data };
    let server = await startServer(settings);
    let client = await WireClient.open(server.address);
    const zone = ["TZ", "America/New_York"];
    const made = request("RANK.CREATE", "b", "PERIOD", "day", ...zone) + request("WIN.CREATE", "w", ...zone);
    expect(await client.ask(made, "+OK\r\n+OK\r\n")).toBe("+OK\r\n+OK\r\n");
    await client.ask(
      request("RANK.ADD", "ann", "5", "BOARDS", "1", "b") + request("WIN.HIT", "w"),
      "*1\r\n$1\r\n5\r\n:1\r\n",
    );
    const ask = async (): Promise<string> => {
      client.send(request("RANK.INFO", "b") + request("WIN.INFO", "w") + request("ECHO", "all-told"));
      await eventually(() => client.received.endsWith("all-told\r\n"));
      return await client.take(client.received.length);
    };
    const told = await ask();
    expect(told.split("America/New_York")).toHaveLength(3);
    for (const compacts of [false, true]) {
      if (compacts) await server.persistence?.compact();
      client.close();
      await server.close();
      server = await startServer(settings);
      client = await WireClient.open(server.address);
      expect(await ask()).toBe(told);
    }
    client.close();
    await server.close();
  });
});

test("after a compaction the next is due when the log has grown again, not because it reaches back to the older snapshot", {
  timeout: 60_000,
}, async () => {
  await withTempDir(async (data) => {
    const server = await startServer({ persistence: "log", fsync: "no", data, compactBytes: 8 * 1_048_576 });
    const client = await WireClient.open(server.address);
    const [persistence, value] = [server.persistence, "x".repeat(125_000)];
    const grow = async (): Promise<void> => {
      for (let i = 0; i < 70; i++) await client.ask(request("SET", `k${i}`, value), "+OK\r\n");
    };
    for (let round = 0; round < 2; round++) {
      await grow();
      await persistence?.compact();
      expect(persistence?.isCompactionDue).toBe(false);
    }
    expect(persistence?.log.statistics.sizeBytes).toBeGreaterThan(8 * 1_048_576);
    const snapshots = persistence?.snapshotCount ?? 0;
    await grow();
    await eventually(() => (persistence?.snapshotCount ?? 0) > snapshots, { timeoutMs: 30_000 });
    client.close();
    await server.close();
  });
});

test.each([
  { users: undefined, why: "there is no user at all" },
  { users: "user default on nopass ~* &* +@all\n", why: "the ACL file lets everybody in" },
])("a store that others could reach without a password does not start: $why", async ({ users }) => {
  await withTempDir(async (directory) => {
    const aclFile = users === undefined ? "" : join(directory, "users.acl");
    if (users !== undefined) await writeFile(aclFile, users);
    await expect(startServer({ listen: "0.0.0.0:0", aclFile })).rejects.toThrow("default user has no password");
  });
});

test("the ACL file's users are those who get in, and ACL SAVE writes it again", async () => {
  await withTempDir(async (directory) => {
    const aclFile = join(directory, "users.acl");
    await writeFile(aclFile, "user default off\nuser ann on >secret ~own:* +@all\n");
    const server = await startServer({ aclFile });
    const client = await WireClient.open(server.address);
    const refusal = "-NOAUTH Authentication required.\r\n";
    expect(await client.ask(request("GET", "own:k"), refusal)).toBe(refusal);
    expect(await client.ask(request("AUTH", "ann", "secret"), "+OK\r\n")).toBe("+OK\r\n");
    expect(await client.ask(request("SET", "own:k", "v"), "+OK\r\n")).toBe("+OK\r\n");
    const denial = "-NOPERM this user has no permissions to access one of the keys used as arguments\r\n";
    expect(await client.ask(request("GET", "other"), denial)).toBe(denial);
    await client.ask(request("ACL", "SETUSER", "bob", "on", ">pw"), "+OK\r\n");
    expect(await client.ask(request("ACL", "SAVE"), "+OK\r\n")).toBe("+OK\r\n");
    expect(await readFile(aclFile, "latin1")).toContain("user bob on");
    client.close();
    await server.close();
  });
});

test("an ACL file with a wrong line is refused with its place", async () => {
  await withTempDir(async (directory) => {
    const aclFile = join(directory, "users.acl");
    await writeFile(aclFile, "user ann on +nothing\n");
    await expect(startServer({ aclFile })).rejects.toMatchObject({ code: "ACL_FILE_INVALID" });
  });
});

test.each([
  { admin: "0.0.0.0:0", adminToken: "", reason: "could ask it for keys and clients" },
  { admin: "127.0.0.1:0", adminToken: "short", reason: "at least 16 characters" },
])(
  "the admin page is not served to everybody: $admin with the token '$adminToken'",
  async ({ reason, ...settings }) => {
    await expect(startServer(settings)).rejects.toThrow(reason);
  },
);

test("without a token the admin API is asked by an address of this machine only", async () => {
  const server = await startServer({ admin: "127.0.0.1:0" });
  const { admin = "" } = server.addresses;
  expect((await fetch(`http://${admin}/api/status`)).status).toBe(200);
  const client = await WireClient.open(admin);
  client.send("GET /api/status HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
  expect(await client.untilClosed()).toMatch(/^HTTP\/1.1 403 [\s\S]*HOST_REFUSED/);
  await server.close();
});

test("a password is asked for", async () => {
  const server = await startServer({ password: "secret" });
  const client = await WireClient.open(server.address);
  const refusal = "-NOAUTH Authentication required.\r\n";
  expect(await client.ask(request("GET", "k"), refusal)).toBe(refusal);
  client.close();
  await server.close();
});

test("a compaction that has just begun does not hold up the end", async () => {
  await withTempDir(async (data) => {
    const server = await startServer({ persistence: "log", data });
    const compaction = server.persistence?.compact();
    const closing = server.persistence?.close();
    await expect(compaction).rejects.toThrow("The compaction was not begun");
    await closing;
    await server.close();
  });
});
