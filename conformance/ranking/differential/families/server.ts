import { command, type Family, type Step } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";

/**
 * Parameters that both servers know and that may have any value without harm to other families, with a good one. Not among
 * them: `busy-reply-threshold`, which stops scripts here and lets others be told of them in Redis.
 */
const PARAMETERS: readonly (readonly [name: string, value: string])[] = [
  ["maxmemory-policy", "noeviction"],
  ["maxmemory-samples", "5"],
  ["maxmemory-eviction-tenacity", "10"],
  ["lfu-log-factor", "10"],
  ["lfu-decay-time", "1"],
  ["timeout", "0"],
  ["tcp-keepalive", "300"],
  ["slowlog-max-len", "128"],
  ["acllog-max-len", "128"],
  ["latency-monitor-threshold", "0"],
  ["latency-tracking", "yes"],
  ["latency-tracking-info-percentiles", "50 99"],
  ["proto-max-bulk-len", "536870912"],
  ["client-query-buffer-limit", "1gb"],
  ["auto-aof-rewrite-percentage", "100"],
  ["auto-aof-rewrite-min-size", "64mb"],
  ["appendfsync", "everysec"],
  ["no-appendfsync-on-rewrite", "no"],
  ["stop-writes-on-bgsave-error", "yes"],
  ["loglevel", "notice"],
  ["active-expire-effort", "1"],
  ["lazyfree-lazy-eviction", "no"],
  ["acl-pubsub-default", "resetchannels"],
  ["notify-keyspace-events", ""],
];
/** Names that CONFIG SET refuses. */
const REFUSED = ["NOSUCH", "", "databases", "aclfile", "enable-debug-command", "dir", "dbfilename"] as const;
const VALUES = [
  ...["yes", "no", "YES", "maybe", "0", "1", "-1", "5", "100", "101", "1mb", "1Kb", "5%", "101%", "x", "", " 1", "01"],
  ...[
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "allkeys-lru",
    "volatile-TTL",
  ],
  ...["noeviction", "always", "everysec", "notice", "debug", "50 99", "1 x", "200", "normal 1 2 3", "slave 1mb 2mb 60"],
  ...["pubsub 1 2", "normal 1 2 3 replica 4 5 6", "resetchannels", "1.5", "1048576", "nan", "10 10"],
] as const;
const NOTIFICATIONS = ["", "KEA", "Kg$", "Elshzxe", "KEm", "KEAn", "KEn", "Ktd", "AKE", "q", "K E", "xeK"] as const;
const USERS = ["default", "u1", "u2", "nobody", "", "with blank"] as const;
const RULES = [
  "on",
  "off",
  "nopass",
  ">p",
  "<p",
  "+get",
  "-@all",
  "+@read",
  "~k*",
  "%R~k*",
  "&c",
  "allkeys",
  "+nosuch",
];

function client(v: Vocabulary): readonly string[] {
  return v.one<readonly string[]>(
    ["CLIENT", "SETNAME", v.one("a", "", "a b", "x\ny", "\xff", "name-1")],
    ["CLIENT", "GETNAME"],
    ["CLIENT", "NO-EVICT", v.one("ON", "off", "x")],
    ["CLIENT", "GETREDIR"],
    ["CLIENT", "TRACKINGINFO"],
    ["CLIENT", "CACHING", v.one("yes", "no", "x")],
    ["CLIENT", "TRACKING", v.one("OFF", "x")],
    ["CLIENT", "REPLY", v.one("ON", "x")],
    ["CLIENT", "UNPAUSE", ...v.maybe(0.1, "x")],
    [
      "CLIENT",
      "PAUSE",
      v.one("0", "-1", "x", "1.5"),
      ...v.maybe(0.5, v.one("WRITE", "ALL", "x")),
      ...v.maybe(0.1, "y"),
    ],
    ["CLIENT", "UNBLOCK", v.one("999999", "x", "0", "-1"), ...v.maybe(0.5, v.one("TIMEOUT", "ERROR", "x", "1"))],
    ["CLIENT", "KILL", v.one("1.2.3.4:5", "", "x")],
    [
      ...["CLIENT", "KILL"],
      ...v
        .many(1, 3, () => [
          v.one("ID", "TYPE", "ADDR", "LADDR", "USER", "SKIPME", "MAXAGE"),
          v.one("999999", "0", "-1", "x", "master", "slave", "no", "yes", "1.2.3.4:5", "nobody"),
        ])
        .flat(),
      ...["ADDR", "1.2.3.4:5"],
    ],
    [
      "CLIENT",
      "LIST",
      ...v.one(["TYPE", v.one("master", "replica", "x", "SLAVE")], ["ID"], ["ID", "x"], ["ID", "999999"]),
    ],
    ["CLIENT", "LIST", "x"],
  );
}

/** What was set stays set in later rounds and runs: so it is set to something known first, and again at the end. */
function config(v: Vocabulary): readonly (readonly string[])[] {
  const [name, value] = v.one(...PARAMETERS);
  const spelled = v.chance(0.2) ? name.toUpperCase() : name;
  const given = name === "notify-keyspace-events" ? v.one(...NOTIFICATIONS) : v.one(...VALUES);
  const others = v.many(1, 2, () => [v.one(v.one(...PARAMETERS)[0], v.one(...REFUSED), name), v.one(...VALUES)]).flat();
  return [
    ["CONFIG", "SET", name, value],
    ["CONFIG", "SET", spelled, given],
    ["CONFIG", "GET", spelled],
    // The last parameter makes it fail, so that none of them may stay set.
    ["CONFIG", "SET", spelled, v.one(...VALUES), ...v.maybe(0.5, ...others), "databases", "x", ...v.maybe(0.1, "x")],
    ["CONFIG", "GET", name],
    ["CONFIG", "SET", name, value],
    ["CONFIG", v.one("RESETSTAT", "REWRITE")],
  ];
}

function acl(v: Vocabulary): readonly (readonly string[])[] {
  const clear = ["ACL", "DELUSER", ...USERS.filter((user) => user !== "default")];
  return [clear, ...Array.from({ length: v.random.int(1, 5) }, () => aclCommand(v)), clear];
}

function aclCommand(v: Vocabulary): readonly string[] {
  const user = v.one(...USERS);
  const named = user === "default" ? "u1" : user;
  return v.one<readonly string[]>(
    ["ACL", "WHOAMI"],
    ["ACL", "LIST"],
    ["ACL", "USERS"],
    ["ACL", "GETUSER", user],
    ["ACL", "SETUSER", named, ...v.many(0, 4, () => v.one(...RULES))],
    ["ACL", "DELUSER", user, ...v.maybe(0.3, v.one(...USERS))],
    ["ACL", "GENPASS", v.one("0", "x", "-1", "4097")],
    ["ACL", "CAT", v.one("nosuch", "", "x\ny")],
    ["ACL", "CAT", "x", "y"],
    ["ACL", "LOG", v.one("RESET", "x", "0")],
    ["ACL", "DRYRUN", user, v.one("GET", "SET", "nosuch", "CONFIG"), ...v.many(0, 2, () => v.one("k1", "x"))],
    [v.one("ACL", "acl"), v.one("LOAD", "SAVE")],
    ["AUTH", ...v.many(1, 3, () => v.one("nobody", "p", "x"))],
    ["HELLO", v.one("4", "x", "1", "-1", "")],
    ["HELLO", v.one("2", "3"), v.one("AUTH", "x"), ...v.maybe(0.7, "a b"), ...v.maybe(0.5, "x")],
  );
}

function others(v: Vocabulary): readonly string[] {
  return v.one<readonly string[]>(
    ["SLOWLOG", "GET", v.one("x", "-2", "0", "1.5")],
    ["SLOWLOG", "GET", "1", "2"],
    ["SLOWLOG", v.one("RESET", "reset")],
    ["LATENCY", v.one("HISTORY", "GRAPH", "RESET"), v.one("nosuch", "x\ny")],
    ["LATENCY", "HISTOGRAM", "nosuch"],
    ["MEMORY", "USAGE", "nosuch", ...v.maybe(0.7, "SAMPLES", v.one("5", "0", "-1", "x")), ...v.maybe(0.1, "SAMPLES")],
    ["MEMORY", "PURGE"],
    ["SHUTDOWN", v.one("x", "ABORT"), ...v.maybe(0.5, v.one("NOW", "ABORT", "x", "SAVE"))],
    ["BGSAVE", v.one("x", "SCHEDULE"), "y"],
    ["WAIT", v.one("0", "-1", "x"), v.one("1", "x", "-1")],
    ["ROLE"],
    ["REPLICAOF", "NO", v.one("ONE", "one")],
    ["COMMAND", "GETKEYS", v.one("GET", "SET", "nosuch", "PING"), ...v.many(1, 3, () => "k")],
    ["COMMAND", "GETKEYSANDFLAGS", v.one("GET", "SET", "nosuch", "CONFIG"), ...v.many(1, 3, () => v.one("k", "get"))],
    ["COMMAND", "INFO", v.one("get", "nosuch", "auth", "client|list", "PING"), ...v.maybe(0.3, "echo")],
    ["COMMAND", "DOCS", "nosuch"],
    [
      "COMMAND",
      "LIST",
      "FILTERBY",
      v.one("MODULE", "ACLCAT", "PATTERN", "x"),
      v.one("nosuch", "client|li*", "lastsa*"),
    ],
    ["COMMAND", "LIST", v.one("FILTERBY", "x")],
    ["INFO", v.one("cluster", "modules", "nosuch", "CLUSTER"), ...v.maybe(0.3, "modules")],
  );
}

/** What the server itself is asked and told, as far as neither the machine nor the clock decides the answer. */
export const SERVER: Family = {
  name: "server",
  weight: 1,
  next: (v: Vocabulary): Step[] => {
    const commands = v.one<() => readonly (readonly string[])[]>(
      () => [client(v)],
      () => [others(v)],
      () => acl(v),
      () => config(v),
    )();
    return commands.map((words) => command(...words));
  },
};
