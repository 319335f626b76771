import { expect, test } from "vitest";
import { MAX_ARGS } from "../src/protocol/args.ts";
import { EngineDriver } from "./support/engine-driver.ts";
import { startServer } from "./support/start-server.ts";
import { request, WireClient } from "./support/wire-client.ts";

type Call = readonly (string | number)[];

const NAMES = Array.from({ length: 70 }, (_, i) => `n${i}`);

test.each<{ call: Call; error: string | RegExp; before?: Call[]; why: string }>([
  { call: ["SELECT", 16], error: "ERR DB index is out of range", why: "16 databases" },
  { call: ["SWAPDB", 0, 16], error: "ERR DB index is out of range", why: "16 databases" },
  { call: ["MOVE", "k", 16], error: "ERR DB index is out of range", before: [["SET", "k", 1]], why: "16 databases" },
  { call: ["SETRANGE", "s", 536_870_912, "x"], error: /^ERR string exceeds maximum allowed size/, why: "512 MiB" },
  { call: ["SETBIT", "s", 4_294_967_296, 1], error: /^ERR bit offset is not an integer/, why: "512 MiB" },
  { call: ["BITFIELD", "s", "SET", "u8", 4_294_967_296, 1], error: /^ERR bit offset/, why: "512 MiB" },
  { call: ["RANK.ADD", "m", 1, "BOARDS", 64, ...NAMES.slice(0, 64)], error: /^ERR /, why: "63 boards" },
  { call: ["RANK.ADD", "m", "1e101", "BOARDS", 1, "b"], error: /^ERR /, why: "scores up to 1e100" },
  { call: ["RANK.TOP", "b", 10_001], error: /from 1 to 10000/, why: "rows of a reply" },
  { call: ["RANK.AROUND", "b", "m", 10_001], error: /from 1 to 10000/, why: "rows of a reply" },
  {
    call: ["RANK.ADD", "m", 1, "BOARDS", 1, "b", "WITH", "AROUND", 1_001],
    error: /from 1 to 1000/,
    why: "rows around",
  },
  {
    call: ["RANK.ADD", "m", 1, "BOARDS", 1, "b", "WITH", "PASSED", 1_001],
    error: /from 0 to 1000/,
    why: "names passed",
  },
  { call: ["RANK.CREATE", "b", "KEEP", 401], error: /KEEP must be .* 400/, why: "kept periods" },
  { call: ["RANK.CREATE", "b", "CHANGES", 4_097], error: /CHANGES must be .* 4096/, why: "changes" },
  { call: ["RANK.CREATE", "b", "CAP", 100_000_001], error: /CAP must be/, why: "cap" },
  { call: ["RANK.CREATE", "b", "SLIDING", 59_999], error: /SLIDING must be/, why: "a minute at least" },
  { call: ["WIN.COUNT", "w", ...NAMES.map(() => 1_000)], error: /at most 64 windows/, why: "windows of one call" },
  { call: ["WIN.BUCKETS", "w", 1_000, 4_097], error: /^ERR /, before: [["WIN.HIT", "w"]], why: "buckets of one call" },
  {
    call: ["WIN.CREATE", "w", ...NAMES.slice(0, 9).flatMap((_, i) => ["RESOLUTION", 1_000 * 2 ** i, 4_096])],
    error: /1 to 8 resolutions/,
    why: "resolutions",
  },
  { call: ["WIN.CREATE", "w", "RESOLUTION", 1_000, 4_097], error: /from 1 to 4096/, why: "buckets of a resolution" },
  { call: ["WIN.CREATE", "w", "TOP", 1_025], error: /TOP must be from 0 to 1024/, why: "entries of the most frequent" },
  { call: ["WIN.CREATE", "w", "TOP", 5, "BUCKETS", 257], error: /from 1 to 256/, why: "buckets of the most frequent" },
  {
    call: ["WIN.HIT", "w", "MEMBER", "third"],
    before: [
      ["WIN.CREATE", "w", "MEMBERS", 2],
      ["WIN.HIT", "w", "MEMBER", "first"],
      ["WIN.HIT", "w", "MEMBER", "second"],
    ],
    error: /the window has its 2 members/,
    why: "members of a window",
  },
  { call: ["WIN.HIT", "w", "COUNT", 1_000_000_001], error: /COUNT must be/, why: "events of one hit" },
  { call: ["SRANDMEMBER", "e", -16_777_217], error: /^ERR /, before: [["SADD", "e", 1]], why: "picks" },
  { call: ["ZRANDMEMBER", "z", -10_000_001], error: /^ERR /, before: [["ZADD", "z", 1, 1]], why: "picks" },
  { call: ["HRANDFIELD", "h", -16_777_217], error: /^ERR /, before: [["HSET", "h", 1, 1]], why: "picks" },
  { call: ["CONFIG", "SET", "maxmemory-samples", 0], error: /^ERR /, why: "a setting's range" },
  { call: ["CONFIG", "SET", "hz", "x".repeat(1_000)], error: /^ERR /, why: "a setting's type" },
  { call: ["CLIENT", "SETNAME", "x y"], error: /^ERR Client names cannot contain/, why: "names of clients" },
  { call: ["EVAL", `return cjson.decode('${"[".repeat(1_001)}${"]".repeat(1_001)}')`, 0], error: /nest/, why: "JSON" },
  {
    call: ["EVAL", "local t = {} for i = 1, 1001 do t = {t} end return cjson.encode(t)", 0],
    error: /nest/,
    why: "JSON",
  },
  { call: ["EVAL", `--${"x".repeat(1_100_000)}`, 0], error: /^ERR Script is too long/, why: "1 MiB of script" },
  {
    call: ["RESTORE", "k", 0, "x".repeat(1_000)],
    error: "ERR DUMP payload version or checksum are wrong",
    why: "a payload",
  },
])("$call.0 beyond a limit is refused and changes nothing: $why", ({ call, error, before = [] }) => {
  const driver = new EngineDriver();
  for (const earlier of before) expect(driver.do(...earlier), earlier.join(" ")).not.toMatch(/^-/);
  const { length } = driver.batches;
  const reply = driver.do(...call);
  expect(reply.startsWith("-"), reply.slice(0, 200)).toBe(true);
  if (typeof error === "string") expect(reply).toBe(`-${error}\r\n`);
  else expect(reply.slice(1)).toMatch(error);
  expect(driver.batches.length).toBe(length);
  expect(driver.do("PING")).toBe("+PONG\r\n");
});

test("a pattern of more than 1,000 groups of stars matches nothing, at once", () => {
  const driver = new EngineDriver();
  driver.do("SET", "a".repeat(3_000), 1);
  expect(driver.do("KEYS", `${"*a".repeat(1_000)}*`)).toMatch(/^\*1\r\n/);
  expect(driver.do("KEYS", `${"*a".repeat(1_001)}b`)).toBe("*0\r\n");
});

test.each([
  { setting: "slowlog-max-len", most: 3, ask: ["SLOWLOG", "LEN"], why: "slow commands" },
  { setting: "acllog-max-len", most: 2, ask: ["ACL", "LOG", "99"], why: "denied commands" },
])("what is kept of $why has a length", ({ setting, most, ask }) => {
  const driver = new EngineDriver();
  driver.do("CONFIG", "SET", "slowlog-log-slower-than", 0, setting, most);
  driver.do("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~none");
  const user = driver.connect();
  driver.as(user, "AUTH", "u", "x");
  for (const name of NAMES) driver.as(user, "GET", name);
  const reply = driver.do(...ask);
  expect(Number(/^[*:](\d+)/.exec(reply)?.[1])).toBe(most);
});

test("error codes are counted by their names up to 128 of them", () => {
  const driver = new EngineDriver();
  for (let i = 0; i < 300; i++) driver.do("EVAL", `return redis.error_reply('CODE${i} x')`, 0);
  const codes = driver
    .do("INFO", "errorstats")
    .split("\r\n")
    .filter((line) => line.startsWith("errorstat_"));
  expect(codes.length).toBeLessThanOrEqual(128);
  expect(codes.length).toBeGreaterThan(100);
});

test("a heap that is nearly full refuses what needs memory, and takes what frees some", () => {
  const driver = new EngineDriver();
  const { heap } = driver.engine.store;
  heap.pageLimit = 200;
  let reply = "";
  let sets = 0;
  for (; !reply.startsWith("-") && sets < 10_000; sets++) reply = driver.do("SET", `k${sets}`, "x".repeat(4_000));
  expect(reply).toBe("-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  expect(sets).toBeGreaterThan(2_000);
  expect(driver.do("EVAL", "return redis.call('SET', 'a', 1)", 0)).toMatch(/^-OOM/);
  expect(driver.do("GET", "k0")).toMatch(/^\$4000/);
  for (let i = 0; i < 500; i++) driver.do("DEL", `k${i}`);
  expect(driver.do("SET", "again", 1)).toBe("+OK\r\n");
});

test("a reply that is too long becomes an error, and those around it in a transaction stay", () => {
  const driver = new EngineDriver();
  driver.do("SET", "big", "x".repeat(4_000));
  driver.replyLimitBytes = 10_000;
  const error = "-ERR the reply is longer than 10000 bytes: ask for less at once\r\n";
  expect(driver.do("MGET", "big", "big", "big")).toBe(error);
  driver.do("MULTI");
  driver.do("SET", "a", 1);
  driver.do("MGET", "big", "big", "big");
  driver.do("GET", "a");
  expect(driver.do("EXEC")).toBe(`*3\r\n+OK\r\n${error}$1\r\n1\r\n`);
});

test("a command that would send more messages than are kept cuts the receivers off, and its sender is served on", () => {
  const driver = new EngineDriver();
  driver.engine.messenger.byteLimit = 1_000;
  const listeners = [driver.connect(), driver.connect()];
  for (const listener of listeners) driver.as(listener, "SUBSCRIBE", "c");
  const publish = "for i = 1, 100 do redis.call('PUBLISH', 'c', 'message') end return 1";
  expect(driver.do("EVAL", publish, 0)).toBe(":1\r\n");
  for (const { sent, session } of listeners) {
    expect(sent.at(0)).toBe("<closed>");
    expect(session.isClosing).toBe(true);
    driver.engine.disconnect(session);
  }
  expect(driver.do("PUBLISH", "c", "x")).toBe(":0\r\n");
});

test.each([
  { why: "arguments", text: `*${MAX_ARGS + 1}\r\n`, error: "invalid multibulk length" },
  { why: "an argument", text: "*2\r\n$3\r\nGET\r\n$1025\r\n", error: "invalid bulk length" },
  { why: "an inline command", text: "x".repeat(66_000), error: "too big inline request" },
  { why: "a length", text: `*${"0".repeat(66_000)}`, error: "too big mbulk count string" },
  {
    why: "a request",
    text: `*${MAX_ARGS}\r\n${`$1000\r\n${"x".repeat(1_000)}\r\n`.repeat(80)}`,
    error: "request too long",
  },
])(
  "a connection that sends more than may be of $why is told and closed; others are served on",
  async ({ text, error }) => {
    const server = await startServer({ maxBulkBytes: 1_024, maxRequestBytes: 65_536 });
    const [client, other] = [await WireClient.open(server.address), await WireClient.open(server.address)];
    client.send(text);
    expect(await client.untilClosed()).toBe(`-ERR Protocol error: ${error}\r\n`);
    expect(await other.ask(request("PING"), "+PONG\r\n")).toBe("+PONG\r\n");
    other.close();
    await server.close(0);
  },
);

test("more connections than may be are turned away, and there is room again when one goes", async () => {
  const server = await startServer({ maxClients: 2 });
  const [first, second] = [await WireClient.open(server.address), await WireClient.open(server.address)];
  expect(await second.ask(request("PING"), "+PONG\r\n")).toBe("+PONG\r\n");
  const third = await WireClient.open(server.address).catch(() => undefined);
  if (third !== undefined) await third.untilClosed();
  first.socket.end();
  await first.untilClosed();
  let fourth = "";
  while (fourth !== "+PONG\r\n") {
    const client = await WireClient.open(server.address);
    fourth = await client.ask(request("PING"), "+PONG\r\n").catch(() => "");
    client.close();
  }
  second.close();
  await server.close(0);
});

test("replies of a turn have a limit: requests behind it wait until they are sent, whole and in order", async () => {
  const server = await startServer();
  const [greedy, other] = [await WireClient.open(server.address), await WireClient.open(server.address)];
  await greedy.ask(request("SET", "k", "x".repeat(1_000_000)), "+OK\r\n");
  const turns = server.reactor.turnCount;
  const count = 150;
  const sent = Array.from({ length: count }, (_, i) => request("GET", "k") + request("ECHO", `n${i}`)).join("");
  const expected = Array.from(
    { length: count },
    (_, i) => `$1000000\r\n${"x".repeat(1_000_000)}\r\n$${`n${i}`.length}\r\nn${i}\r\n`,
  );
  greedy.send(sent);
  for (const reply of expected) expect((await greedy.take(reply.length)) === reply).toBe(true);
  expect(server.reactor.turnCount - turns).toBeGreaterThan((count * 1_000_000) / (65 << 20));
  expect(await other.ask(request("PING"), "+PONG\r\n")).toBe("+PONG\r\n");
  greedy.close();
  other.close();
  await server.close(0);
});
