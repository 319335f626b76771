import { expect, test } from "vitest";
import { isHeldBack } from "../../src/engine/upkeep.ts";
import { CLOSED, EngineDriver } from "../support/engine-driver.ts";

const WRONG_PASSWORD = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

/** The fields of the ACL LOG entry `index`, latest first. */
function denial(driver: EngineDriver, index = 0): Record<string, string> {
  const fields = driver.engine.observer.aclLog.latest(100)[index];
  return Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [name, String(value)]));
}

test("a password must be given once there is one, and only by who comes after", () => {
  const driver = new EngineDriver();
  expect(driver.do("CONFIG", "SET", "requirepass", "secret")).toBe("+OK\r\n");
  const late = driver.connect();
  expect(driver.as(late, "PING")).toBe("-NOAUTH Authentication required.\r\n");
  expect(driver.as(late, "HELLO", 3)).toMatch(/^-NOAUTH HELLO must be called/);
  expect(driver.as(late, "AUTH", "wrong")).toBe(WRONG_PASSWORD);
  expect(driver.as(late, "AUTH", "secret")).toBe("+OK\r\n");
  expect(driver.as(late, "PING")).toBe("+PONG\r\n");
  expect(driver.do("PING")).toBe("+PONG\r\n");
  expect(driver.do("CONFIG", "GET", "requirepass")).toBe("*2\r\n$11\r\nrequirepass\r\n$6\r\nsecret\r\n");
});

test("HELLO changes the protocol from its own reply on, and not at all if anything is wrong", () => {
  const driver = new EngineDriver();
  expect(driver.do("HELLO", 3, "SETNAME", "me")).toMatch(/^%7\r\n/);
  expect(driver.do("CLIENT", "GETNAME")).toBe("$2\r\nme\r\n");
  expect(driver.do("HELLO", 2, "AUTH", "nobody", "x", "SETNAME", "other")).toBe(WRONG_PASSWORD);
  expect(driver.do("CLIENT", "GETNAME")).toBe("$2\r\nme\r\n");
  expect(driver.do("CONFIG", "GET", "timeout")).toMatch(/^%1/);
  expect(driver.do("HELLO", 2)).toMatch(/^\*14\r\n/);
});

test("refusals are in ACL LOG with what was refused, to whom and where from", () => {
  const driver = new EngineDriver();
  driver.do("ACL", "SETUSER", "alice", "on", ">p", "+get", "+auth", "~a*");
  const alice = driver.connect();
  driver.as(alice, "AUTH", "alice", "p");
  expect(driver.as(alice, "SET", "a", "1")).toBe("-NOPERM this user has no permissions to run the 'set' command\r\n");
  expect(denial(driver)).toMatchObject({ reason: "command", object: "set", username: "alice", context: "toplevel" });
  expect(denial(driver).clientInfo).toContain(`addr=${alice.session.address}`);
  driver.as(alice, "GET", "b");
  driver.as(alice, "GET", "b");
  expect(denial(driver)).toMatchObject({ reason: "key", object: "b", count: "2" });
  driver.as(alice, "AUTH", "bob", "p");
  expect(denial(driver)).toMatchObject({ reason: "auth", object: "AUTH", username: "bob" });
  expect(driver.do("INFO", "errorstats")).toContain("errorstat_NOPERM:count=3\r\nerrorstat_WRONGPASS:count=1");
});

test("a deleted user's connections are closed, its own after the reply", () => {
  const driver = new EngineDriver();
  driver.do("ACL", "SETUSER", "alice", "on", "nopass", "+@all");
  const [first, second, other] = [driver.connect(), driver.connect(), driver.connect()];
  for (const session of [first, second]) driver.as(session, "AUTH", "alice", "");
  expect(driver.as(first, "ACL", "DELUSER", "alice", "nobody")).toBe(":1\r\n");
  expect(first.session.isClosing).toBe(true);
  expect(first.sent).toEqual([]);
  expect(second.sent).toEqual([CLOSED]);
  expect(other.session.isClosing).toBe(false);
});

test("a subscriber that may not listen any more is closed", () => {
  const driver = new EngineDriver();
  driver.do("ACL", "SETUSER", "alice", "on", "nopass", "+@all", "allchannels");
  const alice = driver.connect();
  driver.as(alice, "AUTH", "alice", "");
  const bob = driver.connect();
  driver.as(bob, "AUTH", "alice", "");
  driver.as(alice, "SUBSCRIBE", "a");
  driver.as(bob, "PSUBSCRIBE", "b*");
  alice.sent.length = 0;
  bob.sent.length = 0;
  driver.do("ACL", "SETUSER", "alice", "resetchannels", "&b*");
  expect(alice.sent).toEqual([CLOSED]);
  expect(bob.sent).toEqual([]);
});

test("users go to a file and come back from it, and who changed by that is closed", () => {
  let content = "";
  const files = {
    userFilePath: "users.acl",
    readUserFile: () => ({ content }),
    writeUserFile: (text: string) => {
      content = text;
      return "";
    },
  };
  const driver = new EngineDriver(1, { shell: files });
  driver.do("ACL", "SETUSER", "alice", "on", "nopass", "+get");
  const list = driver.do("ACL", "LIST");
  expect(driver.do("ACL", "SAVE")).toBe("+OK\r\n");
  driver.do("ACL", "SETUSER", "bob", "on", "nopass", "+@all");
  const bob = driver.connect();
  driver.as(bob, "AUTH", "bob", "");
  expect(driver.do("ACL", "LOAD")).toBe("+OK\r\n");
  expect(driver.do("ACL", "LIST")).toBe(list);
  expect(bob.sent).toEqual([CLOSED]);
  content = "user alice on nosuchrule\n";
  expect(driver.do("ACL", "LOAD")).toMatch(/^-ERR users\.acl:1: .*no change to the previously active ACL rules/);
  expect(driver.do("ACL", "LIST")).toBe(list);
});

test("ACL GENPASS takes its secret from the shell", () => {
  const driver = new EngineDriver(1, { shell: { randomBytes: (size) => new Uint8Array(size).fill(0xab) } });
  expect(driver.do("ACL", "GENPASS")).toBe(`$64\r\n${"ab".repeat(32)}\r\n`);
  expect(driver.do("ACL", "GENPASS", 5)).toBe("$2\r\nab\r\n");
});

test.each([
  { filter: ["ID", "3"], closed: [2], why: "one number" },
  { filter: ["ADDR", "127.0.0.1:40003"], closed: [2], why: "one address" },
  { filter: ["LADDR", "127.0.0.1:6379"], closed: [1, 2], why: "all came to it, and the caller is spared" },
  { filter: ["LADDR", "127.0.0.1:6379", "SKIPME", "no"], closed: [0, 1, 2], why: "the caller is not spared" },
  { filter: ["TYPE", "pubsub"], closed: [1], why: "a subscriber" },
  { filter: ["TYPE", "normal"], closed: [2], why: "no subscriber" },
  { filter: ["USER", "default", "ID", "2"], closed: [1], why: "both must fit" },
  { filter: ["TYPE", "replica"], closed: [], why: "there is none" },
])("CLIENT KILL $filter closes $closed: $why", ({ filter, closed }) => {
  const driver = new EngineDriver();
  const sessions = [driver.main, driver.connect(), driver.connect()];
  sessions[1]!.session.subscriptionCount = 1;
  expect(driver.do("CLIENT", "KILL", ...filter)).toBe(`:${closed.length}\r\n`);
  expect(sessions.flatMap(({ session }, i) => (session.isClosing ? [i] : []))).toEqual(closed);
  // The caller's connection is closed by the shell, after the reply.
  expect(driver.main.sent).toEqual([]);
});

test("CLIENT LIST describes who is there, and forgets who is gone", () => {
  const driver = new EngineDriver();
  driver.do("CLIENT", "SETNAME", "first");
  const second = driver.connect();
  driver.nowMs += 5_000;
  driver.as(second, "SELECT", 3);
  driver.nowMs += 2_000;
  const list = driver.do("CLIENT", "LIST");
  expect(list).toMatch(/id=1 addr=127\.0\.0\.1:40001 laddr=\S+ fd=\d+ name=first age=7 idle=0 flags=N db=0 /);
  expect(list).toMatch(/id=2 .* name= age=7 idle=2 flags=N db=3 .* cmd=select user=default redir=-1 resp=2\n/);
  driver.engine.sessions.remove(second.session);
  expect(driver.do("CLIENT", "LIST", "ID", 2, 1)).not.toContain("id=2");
  expect(driver.do("CLIENT", "KILL", second.session.address)).toBe("-ERR No such client\r\n");
});

test("CLIENT REPLY takes replies back: none, or only the next", () => {
  const driver = new EngineDriver();
  expect(driver.do("CLIENT", "REPLY", "SKIP")).toBe("");
  expect(driver.do("SET", "a", "1")).toBe("");
  expect(driver.do("GET", "a")).toBe("$1\r\n1\r\n");
  expect(driver.do("CLIENT", "REPLY", "OFF")).toBe("");
  expect(driver.do("GET", "a")).toBe("");
  expect(driver.do("NOSUCH")).toBe("");
  expect(driver.do("CLIENT", "REPLY", "SKIP")).toBe("");
  expect(driver.do("CLIENT", "REPLY", "ON")).toBe("+OK\r\n");
  expect(driver.do("GET", "a")).toBe("$1\r\n1\r\n");
});

test("CLIENT PAUSE holds back what it says, until its end or UNPAUSE", () => {
  const driver = new EngineDriver();
  const { engine } = driver;
  const isHeld = (...words: string[]): boolean => {
    const session = driver.connect().session;
    return isHeldBack(engine, session, driver.argsOf(...words));
  };
  expect(isHeld("SET", "a", "1")).toBe(false);
  driver.do("CLIENT", "PAUSE", 1_000, "WRITE");
  expect([isHeld("SET", "a", "1"), isHeld("GET", "a"), isHeld("NOSUCH")]).toEqual([true, false, false]);
  driver.do("CLIENT", "PAUSE", 10, "ALL");
  expect(isHeld("GET", "a")).toBe(true);
  driver.nowMs += 900;
  driver.do("PING");
  expect(isHeld("SET", "a", "1")).toBe(true);
  driver.nowMs += 200;
  driver.do("PING");
  expect(isHeld("SET", "a", "1")).toBe(false);
  driver.do("CLIENT", "PAUSE", 1_000);
  driver.do("CLIENT", "UNPAUSE");
  expect(isHeld("SET", "a", "1")).toBe(false);
});

test("CLIENT UNBLOCK wakes who waits, and says so", () => {
  const driver = new EngineDriver();
  const waiting = driver.connect();
  expect(driver.do("CLIENT", "UNBLOCK", 2)).toBe(":0\r\n");
  expect(driver.as(waiting, "BLPOP", "list", 0)).toBe("");
  expect(driver.do("INFO", "clients")).toContain("blocked_clients:1\r\n");
  expect(driver.do("CLIENT", "LIST")).toContain("flags=b ");
  expect(driver.do("CLIENT", "UNBLOCK", 2, "ERROR")).toBe(":1\r\n");
  expect(waiting.sent).toEqual(["-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"]);
  expect(driver.do("CLIENT", "UNBLOCK", 2, "ERROR")).toBe(":0\r\n");
});

test("MONITOR shows what the others do, escaped and without secrets, and nothing administrative", () => {
  const driver = new EngineDriver();
  const monitor = driver.connect();
  expect(driver.as(monitor, "MONITOR")).toBe("+OK\r\n");
  monitor.sent.length = 0;
  driver.do("SET", 'k"\\', "\r\n\x00\xff\t");
  driver.do("AUTH", "nobody", "secret");
  driver.do("CONFIG", "SET", "timeout", 1);
  driver.do("HELLO", 2, "AUTH", "a", "secret");
  driver.do("SELECT", 5);
  const from = "127.0.0.1:40001";
  expect(monitor.sent).toEqual([
    `+1700000000.000000 [0 ${from}] "SET" "k\\"\\\\" "\\r\\n\\x00\\xff\\t"\r\n`,
    `+1700000000.000000 [0 ${from}] "AUTH" "(redacted)" "(redacted)"\r\n`,
    `+1700000000.000000 [0 ${from}] "HELLO" "2" "AUTH" "(redacted)" "(redacted)"\r\n`,
    `+1700000000.000000 [5 ${from}] "SELECT" "5"\r\n`,
  ]);
  expect(driver.as(monitor, "GET", "a")).toBe("-ERR Replica can't interact with the keyspace\r\n");
  expect(driver.do("CLIENT", "LIST")).toContain("flags=O ");
  expect(driver.as(monitor, "RESET")).toBe("+RESET\r\n");
  const count = monitor.sent.length;
  driver.do("PING");
  expect(monitor.sent).toHaveLength(count);
});
