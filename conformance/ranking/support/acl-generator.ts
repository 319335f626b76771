import type { Random } from "@kagami/clock";

/** Users of the generated commands; `default` is changed too. */
export const USERS = ["alice", "bob", "ca\xefrol", "default"];
export const PASSWORDS = ["secret", "", "p\0\xff", "hunter2"];

const HASH = "a".repeat(64);
const COMMANDS =
  "get set GET config config|get config|set acl acl|setuser client select debug mget zadd xadd sort".split(" ");
const WRONG_COMMANDS = ["nosuch", "config|nosuch", "get|", "|", "", "config|get|x", "a|b|c", "get\0set", "co\nfig"];
const CATEGORIES =
  "all read write keyspace set sortedset string admin fast slow dangerous pubsub Scripting connection nosuch".split(
    " ",
  );
const PATTERNS = ["*", "", "a", "a*", "b:?", "[x-z]*", "\xff*", "\\*", "sp ace", "z\0", "\v", "news:*"];
const PLAIN = [
  "on",
  "off",
  "ON",
  "nopass",
  "resetpass",
  "allkeys",
  "resetkeys",
  "allchannels",
  "resetchannels",
  "ResetChannels",
  "allcommands",
  "nocommands",
  "reset",
  "clearselectors",
  "sanitize-payload",
  "skip-sanitize-payload",
  "on\0off",
];
const WRONG = [
  "",
  "nonsense",
  "%~a",
  "%",
  "%RR~a",
  "%Rx~a",
  "%R",
  "#abc",
  `#${HASH.toUpperCase()}`,
  "!",
  "\0",
  ")",
  "@all",
];

/** One rule of ACL SETUSER: mostly a good one. */
function randomRule(random: Random, isInside = false): string {
  switch (random.int(0, isInside ? 6 : 9)) {
    case 0:
    case 1:
      return `${random.pick(["+", "-"])}${random.pick(random.chance(0.1) ? WRONG_COMMANDS : COMMANDS)}`;
    case 2:
      return `${random.pick(["+", "-"])}@${random.pick(CATEGORIES)}`;
    case 3:
      return `${random.pick(["~", "%R~", "%W~", "%RW~", "%wr~"])}${random.pick(PATTERNS)}`;
    case 4:
      return `&${random.pick(PATTERNS)}`;
    case 5:
      return random.pick(["resetkeys", "resetchannels", "allkeys", "nocommands", "allcommands", "&*", "~*"]);
    case 6:
      return random.chance(0.2)
        ? random.pick(WRONG)
        : `+${random.pick(["select|0", "SELECT|1", "debug|sleep", "get|a", "config|resetstat", "memory|usage"])}`;
    case 7:
      return `${random.pick([">", ">", "<"])}${random.pick(PASSWORDS)}`;
    case 8:
      return random.pick([random.pick(PLAIN), `#${HASH}`, `!${HASH}`]);
    default:
      return randomSelector(random);
  }
}

function randomSelector(random: Random): string {
  const rules = Array.from({ length: random.int(0, 4) }, () => randomRule(random, true));
  const quoted = rules.map((rule) =>
    random.chance(0.15) ? random.pick([`"${rule}"`, `'${rule}'`, `"${rule}`, `"\\x7e${rule}"`]) : rule,
  );
  return `(${quoted.join(random.pick([" ", " ", "  ", "\t"]))})`;
}

/** The rules of one ACL SETUSER; a selector may come in pieces, some of which are lost. */
export function randomRules(random: Random): string[] {
  const rules = Array.from({ length: random.int(0, 5) }, () => randomRule(random));
  return rules.flatMap((rule) =>
    rule.startsWith("(") && random.chance(0.4) ? rule.split(" ").filter(() => random.chance(0.95)) : [rule],
  );
}

/** Commands for ACL DRYRUN and for real. None blocks, subscribes or changes the session. */
export const CALLS: readonly (readonly string[])[] = [
  ["get", "a"],
  ["GET", "b:1"],
  ["get", "\xffx"],
  ["set", "a", "1"],
  ["set", "b:2", "1", "GET"],
  ["mget", "a", "b:1", "x1"],
  ["mset", "a", "1", "zz", "2"],
  ["del", "ab", "b:1"],
  ["copy", "a", "b:1"],
  ["zadd", "ab", "1", "m"],
  ["zunionstore", "x9", "2", "a", "b:2"],
  ["sort", "a"],
  ["sort", "a", "store", "b:1"],
  ["eval", "return 1", "1", "ab"],
  ["xadd", "x1", "*", "f", "v"],
  ["select", "0"],
  ["select", "1"],
  ["config", "get", "save"],
  ["config", "resetstat"],
  ["CONFIG", "Get", "maxmemory"],
  ["memory", "usage", "a"],
  ["debug", "sleep", "0"],
  ["acl", "whoami"],
  ["client", "getname"],
  ["publish", "news:1", "x"],
  ["publish", "a", "x"],
  ["spublish", "news:1", "x"],
  ["ping"],
  ["object", "encoding", "a"],
];

/** Commands for ACL DRYRUN only. */
export const DRY_CALLS: readonly (readonly string[])[] = [
  ...CALLS,
  ["subscribe", "a", "news:1", "zz"],
  ["psubscribe", "news:*"],
  ["psubscribe", "a", "*"],
  ["ssubscribe", "news:2"],
  ["unsubscribe", "anything"],
  ["blpop", "a", "b:1", "0"],
  ["auth", "x"],
  ["hello", "3"],
  ["nosuch"],
  ["config"],
  ["config", "nosuch"],
  ["config|get", "x"],
  ["get"],
  ["get", "a", "b"],
  ["set", "a"],
];
