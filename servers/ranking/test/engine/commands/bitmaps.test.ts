import { expect, test } from "vitest";
import { type Argument, EngineDriver } from "../../support/engine-driver.ts";

function last(...commands: (readonly Argument[])[]): string {
  const driver = new EngineDriver();
  let reply = "";
  for (const command of commands) reply = driver.do(...command);
  return reply;
}

const BAD_OFFSET = "-ERR bit offset is not an integer or out of range\r\n";

test.each([
  { command: ["SETBIT", "k", "4294967296", 1], reply: BAD_OFFSET, why: "512 MB have that many bits" },
  { command: ["SETBIT", "k", 7, 2], reply: "-ERR bit is not an integer or out of range\r\n", why: "a bit is 0 or 1" },
  { command: ["GETBIT", "k", 8_000], reply: ":0\r\n", why: "beyond the end" },
  { command: ["BITCOUNT", "k", 0], reply: "-ERR syntax error\r\n", why: "one end only" },
  { command: ["BITCOUNT", "missing", 0], reply: ":0\r\n", why: "no key, so nothing is looked at" },
  { command: ["BITCOUNT", "k", 5, 30, "BIT"], reply: ":17\r\n", why: "ends inside of bytes" },
  { command: ["BITCOUNT", "k", -2, -3], reply: ":0\r\n", why: "from behind to before" },
  { command: ["BITPOS", "k", 2], reply: "-ERR The bit argument must be 1 or 0.\r\n", why: "a bit again" },
  { command: ["BITPOS", "ones", 0], reply: ":16\r\n", why: "a string goes on with zeros" },
  { command: ["BITPOS", "ones", 0, 0, -1], reply: ":-1\r\n", why: "unless its end was named" },
  { command: ["BITPOS", "ones", 1, 9, 12, "BIT"], reply: ":9\r\n", why: "in bits" },
  { command: ["BITPOS", "empty", 0], reply: ":-1\r\n", why: "an empty string has no bits" },
  {
    command: ["BITOP", "NOT", "t", "k", "ones"],
    reply: "-ERR BITOP NOT must be called with a single source key.\r\n",
    why: "one source",
  },
  { command: ["BITOP", "AND", "t", "missing"], reply: ":0\r\n", why: "nothing is stored" },
  {
    command: ["BITFIELD", "k", "GET", "u64", 0],
    reply: "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.\r\n",
    why: "a reply is signed",
  },
  {
    command: ["BITFIELD", "k", "SET", "i64", "#1", "-9223372036854775808", "GET", "i64", "#1"],
    reply: "*2\r\n:0\r\n:-9223372036854775808\r\n",
    why: "64 bits, exact",
  },
  {
    command: [
      "BITFIELD",
      "k",
      "OVERFLOW",
      "SAT",
      "INCRBY",
      "i64",
      "#1",
      "9223372036854775807",
      "INCRBY",
      "i64",
      "#1",
      1,
    ],
    reply: "*2\r\n:9223372036854775807\r\n:9223372036854775807\r\n",
    why: "full",
  },
  {
    command: ["BITFIELD", "k", "INCRBY", "u2", 100, 3, "INCRBY", "u2", 100, 1],
    reply: "*2\r\n:3\r\n:0\r\n",
    why: "wraps unless told otherwise",
  },
  { command: ["BITFIELD", "k", "OVERFLOW", "FAIL", "INCRBY", "u2", 100, 4], reply: "*1\r\n$-1\r\n", why: "refused" },
  {
    command: ["BITFIELD", "k", "OVERFLOW", "SAT", "SET", "u8", 100, -1, "GET", "u8", 100],
    reply: "*2\r\n:0\r\n:255\r\n",
    why: "-1 is a great unsigned number",
  },
  {
    command: ["BITFIELD", "k", "OVERFLOW", "SAT", "SET", "i8", 100, "-9223372036854775808", "GET", "i8", 100],
    reply: "*2\r\n:0\r\n:127\r\n",
    why: "Redis's room above wraps",
  },
  {
    command: ["BITFIELD_RO", "k", "SET", "u8", 0, 1],
    reply: "-ERR BITFIELD_RO only supports the GET subcommand\r\n",
    why: "reads only",
  },
])("$command: $why", ({ command, reply }) => {
  expect(last(["MSET", "k", "foobar", "ones", "\xff\xff", "empty", ""], command)).toBe(reply);
});

test("a refused overflow leaves the string longer, on every copy", () => {
  const driver = new EngineDriver();
  driver.do("BITFIELD", "k", "OVERFLOW", "FAIL", "INCRBY", "u1", 40, 5);
  expect(driver.do("STRLEN", "k")).toBe(":6\r\n");
  expect(driver.replayed().do("STRLEN", "k")).toBe(":6\r\n");
});

test("one bit of a big value is changed where it is", () => {
  const driver = new EngineDriver();
  driver.do("SETBIT", "k", 80_000_000, 1);
  const before = driver.engine.store.objects.get(0);
  driver.do("SETBIT", "k", 5, 1);
  driver.do("BITFIELD", "k", "INCRBY", "u8", "#99", 7);
  expect(driver.engine.store.objects.get(0)).toBe(before);
  expect(driver.do("BITCOUNT", "k")).toBe(":5\r\n");
});
