import { expect, test } from "vitest";
import { NotifyChannel } from "../../src/engine/key-events.ts";
import { type DrivenSession, EngineDriver } from "../support/engine-driver.ts";

function listener(driver: EngineDriver, resp: 2 | 3, ...command: string[]): DrivenSession {
  const made = driver.connect();
  made.session.resp = resp;
  driver.as(made, ...command);
  return made;
}

test("a message reaches listeners of the channel and of patterns, each in its own protocol", () => {
  const driver = new EngineDriver();
  const two = listener(driver, 2, "SUBSCRIBE", "news");
  const three = listener(driver, 3, "SUBSCRIBE", "news");
  const pattern = listener(driver, 2, "PSUBSCRIBE", "n*", "x*");
  const shard = listener(driver, 2, "SSUBSCRIBE", "news");
  expect(driver.do("PUBLISH", "news", "m")).toBe(":3\r\n");
  expect(driver.do("SPUBLISH", "news", "s")).toBe(":1\r\n");
  expect(two.sent).toEqual(["*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nm\r\n"]);
  expect(three.sent).toEqual([">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nm\r\n"]);
  expect(pattern.sent).toEqual(["*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$1\r\nm\r\n"]);
  expect(shard.sent).toEqual(["*3\r\n$8\r\nsmessage\r\n$4\r\nnews\r\n$1\r\ns\r\n"]);
  expect(driver.batches).toHaveLength(0);
});

test("subscriptions are counted in the replies, shard channels apart", () => {
  const driver = new EngineDriver();
  expect(driver.do("SUBSCRIBE", "a", "a")).toBe(
    "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n",
  );
  expect(driver.do("PSUBSCRIBE", "p")).toBe("*3\r\n$10\r\npsubscribe\r\n$1\r\np\r\n:2\r\n");
  expect(driver.do("SSUBSCRIBE", "s")).toBe("*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n");
  expect(driver.do("UNSUBSCRIBE")).toBe("*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n");
  expect(driver.do("UNSUBSCRIBE")).toBe("*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:1\r\n");
});

test("while subscribed in RESP2 only some commands are allowed; in RESP3 all are", () => {
  const driver = new EngineDriver();
  driver.do("SUBSCRIBE", "a");
  expect(driver.do("GET", "k")).toBe(
    "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n",
  );
  expect(driver.do("PING")).toBe("*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  expect(driver.do("RESET")).toBe("+RESET\r\n");
  expect(driver.do("GET", "k")).toBe("$-1\r\n");
  const three = listener(driver, 3, "SUBSCRIBE", "a");
  expect(driver.as(three, "GET", "k")).toBe("_\r\n");
});

test("who publishes to itself gets the message in front of the reply", () => {
  const driver = new EngineDriver();
  const three = listener(driver, 3, "SUBSCRIBE", "a");
  expect(driver.as(three, "PUBLISH", "a", "m")).toBe(">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nm\r\n:1\r\n");
});

test("PUBSUB tells of channels, patterns and listeners", () => {
  const driver = new EngineDriver();
  listener(driver, 2, "SUBSCRIBE", "a1", "b1");
  listener(driver, 2, "SUBSCRIBE", "a1");
  listener(driver, 2, "PSUBSCRIBE", "a*");
  listener(driver, 2, "SSUBSCRIBE", "s");
  expect(driver.do("PUBSUB", "CHANNELS", "a*")).toBe("*1\r\n$2\r\na1\r\n");
  expect(driver.do("PUBSUB", "NUMSUB", "a1", "none")).toBe("*4\r\n$2\r\na1\r\n:2\r\n$4\r\nnone\r\n:0\r\n");
  expect(driver.do("PUBSUB", "NUMPAT")).toBe(":1\r\n");
  expect(driver.do("PUBSUB", "SHARDCHANNELS")).toBe("*1\r\n$1\r\ns\r\n");
  expect(driver.do("PUBSUB", "SHARDNUMSUB", "s")).toBe("*2\r\n$1\r\ns\r\n:1\r\n");
});

test.each([
  { limits: { topics: 2, nameBytes: 100 }, command: ["SUBSCRIBE", "b", "c"], error: /^-ERR Cannot listen to 2 more/ },
  { limits: { topics: 9, nameBytes: 3 }, command: ["PSUBSCRIBE", "long"], error: /names would take 5 bytes/ },
])("a connection that listens to too much is refused, all or nothing: $error", ({ limits, command, error }) => {
  const driver = new EngineDriver();
  driver.engine.pubsub.limits = limits;
  driver.do("SUBSCRIBE", "a");
  expect(driver.do(...command)).toMatch(error);
  expect(driver.main.session.subscriptionCount).toBe(1);
  expect(driver.do("SUBSCRIBE", "a", "a", "a")).not.toMatch(/^-/);
});

test("a session that lost its channels is found", () => {
  const driver = new EngineDriver();
  driver.do("SUBSCRIBE", "a1");
  const { engine, main } = driver;
  const result = engine.users.setUser("u", ["resetchannels", "&a*"]);
  expect(result.error).toBeUndefined();
  const kept = engine.users.find("u")!.root.channelPatterns;
  expect(engine.pubsub.isWithin(main.session, kept)).toBe(true);
  driver.do("PSUBSCRIBE", "a1*");
  expect(engine.pubsub.isWithin(main.session, kept)).toBe(false);
});

test.each([
  { bits: "KEA", command: ["SET", "k", "v"], events: ["set"] },
  { bits: "KE$n", command: ["SET", "k", "v"], events: ["new", "set"] },
  { bits: "KEm", command: ["GET", "none"], events: ["keymiss"] },
  { bits: "KE$", command: ["LPUSH", "l", "v"], events: [] },
  { bits: "KEl", command: ["LPUSH", "l", "v"], events: ["lpush"] },
])("with $bits, $command is notified as $events", ({ bits, command, events }) => {
  const driver = new EngineDriver();
  driver.do("CONFIG", "SET", "notify-keyspace-events", bits);
  expect(driver.engine.notifiedClasses & NotifyChannel.keyevent).not.toBe(0);
  const ear = listener(driver, 2, "PSUBSCRIBE", "__keyevent@0__:*");
  driver.do(...command);
  expect(ear.sent.map((text) => /__:(\w+)\r\n/.exec(text)?.[1])).toEqual(events);
});

test("K and E say over which channels a change is told", () => {
  const driver = new EngineDriver();
  const ear = listener(driver, 2, "PSUBSCRIBE", "__key*");
  driver.do("CONFIG", "SET", "notify-keyspace-events", "K$");
  driver.do("SET", "k", "v");
  expect(ear.sent).toEqual(["*4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$16\r\n__keyspace@0__:k\r\n$3\r\nset\r\n"]);
});

test("a change of its own is told to a session behind the reply, which is whole", () => {
  const driver = new EngineDriver();
  driver.do("CONFIG", "SET", "notify-keyspace-events", "EA");
  const three = listener(driver, 3, "PSUBSCRIBE", "__key*");
  const reply = driver.as(three, "MSET", "a", "1", "b", "2");
  expect(reply).toMatch(/^\+OK\r\n>4\r\n.*\r\na\r\n>4\r\n.*\r\nb\r\n$/s);
});
