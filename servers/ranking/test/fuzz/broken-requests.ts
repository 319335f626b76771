import type { Random } from "@kagami/clock";
import { request } from "../support/wire-client.ts";

const LENGTHS: readonly string[] = [
  ...["-1", "-2", "0", "1", "3", "100", "1048576", "1048577", "536870913", "2147483648", "99999999999999999999"],
  ...["", "x", "1x", " 1", "+1", "1.5", "0001", "٣", "1\r", "\r\n"],
];
const LINES: readonly string[] = [
  ...[
    "PING",
    "SET a b",
    "GET a",
    "SET \"a b\" 'c'",
    'SET "a',
    "SET 'a\\'b' c",
    '"\\x41\\x"',
    "  PING  ",
    "",
    "\0",
    "\t",
  ],
  ...["GET / HTTP/1.1", "POST / HTTP/1.1", "Host: x", "*", "$", "$3", "*1", ":1", "+OK", "PING\0", "Q".repeat(70_000)],
];
const COMMANDS: readonly (readonly string[])[] = [
  ...[["PING"], ["SET", "a", "b"], ["GET", "a"], ["MULTI"], ["EXEC"], ["BLPOP", "no", "0.001"], ["HELLO", "3"], [""]],
  ...[["SUBSCRIBE", "c"], ["RESET"], ["CLIENT", "REPLY", "OFF"], ["CLIENT", "REPLY", "ON"], ["MSET", "a", "1", "b"]],
];

/** Some requests as no client should send them, as Latin-1: most of them whole, the last ones broken in some way. */
export function brokenRequests(random: Random): string {
  let text = "";
  for (let left = random.int(0, 4); left > 0; left--) text += request(...random.pick(COMMANDS));
  for (let left = random.int(1, 3); left > 0; left--) text += broken(random);
  return text;
}

function broken(random: Random): string {
  const whole = request(...random.pick(COMMANDS));
  const at = random.int(0, whole.length - 1);
  switch (random.int(0, 8)) {
    case 0:
      return whole.slice(0, at);
    case 1:
      return whole.slice(0, at) + Buffer.from(random.bytes(random.int(1, 8))).toString("latin1") + whole.slice(at + 1);
    case 2:
      return `*${random.pick(LENGTHS)}\r\n`;
    case 3:
      return `*2\r\n$3\r\nGET\r\n$${random.pick(LENGTHS)}\r\n`;
    case 4:
      return `${random.pick(LINES)}${random.pick(["\r\n", "\n", "\r", ""])}`;
    case 5:
      return whole.replaceAll("\r\n", random.pick(["\n", "\r", "\r\n\r\n", ""]));
    case 6:
      return `*3\r\n${random.pick(["*1\r\n$1\r\na\r\n", ":1\r\n", "+a\r\n", "$a\r\n"])}${whole}`;
    case 7:
      return `*${random.int(1, 4)}\r\n${"$1\r\na\r\n".repeat(random.int(0, 5))}`;
    default:
      return Buffer.from(random.bytes(random.int(1, 60))).toString("latin1");
  }
}
