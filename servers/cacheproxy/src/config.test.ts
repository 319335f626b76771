import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, loadConfig } from "@kagami/kit";
import { withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { type CacheproxyConfig, configSchema, configuredCluster } from "./config.ts";

function load(argv: readonly string[], yaml?: string, dir = ""): CacheproxyConfig {
  const path = join(dir, "kagami.yaml");
  if (yaml !== undefined) writeFileSync(path, yaml);
  const files = yaml === undefined ? [] : [path];
  const outcome = loadConfig({ part: "cacheproxy", schema: configSchema, argv, env: {}, files });
  if (outcome.kind !== "run") throw new Error("expected a configuration");
  return outcome.config;
}

function problemsOf(argv: readonly string[], yaml?: string, dir = ""): string {
  try {
    load(argv, yaml, dir);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "none";
}

test("the quick form makes one pool with all keys; names are the addresses", () => {
  const desired = configuredCluster(load(["--servers", "10.0.0.1:11211,cache.example:11212=3", "--timeout-ms", "250"]));
  expect(desired?.routes).toEqual([{ prefix: "", pool: "main" }]);
  expect(desired?.pools[0]).toMatchObject({
    placement: {
      kind: "slots",
      servers: [
        { name: "10.0.0.1:11211", host: "10.0.0.1", port: 11_211, weight: 1, tls: false },
        { name: "cache.example:11212", weight: 3 },
      ],
    },
    options: { timeoutMs: 250, failureLimit: 3, recoveryLimit: 3 },
  });
});

test("pools and routes come from the file, with what each pool leaves out taken from the settings", () =>
  withTempDir((dir) => {
    const yaml = `cacheproxy:
  serverTls: true
  failureLimit: 5
  pools:
    - name: sessions
      placement: libmemcached-ketama
      servers:
        - 10.0.0.1:11211=2
        - { name: b, address: "10.0.0.2:11211", tls: false }
      gutter: { pool: spare }
    - { name: spare, servers: ["[::1]:11300"] }
  routes:
    - { prefix: "", pool: sessions }
`;
    const desired = configuredCluster(load([], yaml, dir));
    expect(desired?.pools[0]).toMatchObject({
      placement: {
        kind: "libmemcached-ketama",
        servers: [
          { weight: 2, tls: true },
          { name: "b", tls: false },
        ],
      },
      options: { failureLimit: 5, gutter: { pool: "spare", ttlSec: 10 } },
      move: false,
    });
    expect(desired?.pools[1]?.placement.servers[0]).toMatchObject({ name: "[::1]:11300", host: "::1" });
  }));

test("without routes the pool that is no other's gutter or shadow has all keys", () =>
  withTempDir((dir) => {
    const yaml = `cacheproxy:
  pools:
    - { name: spare, servers: ["a:1"] }
    - { name: main, servers: ["b:1"], gutter: { pool: spare } }
`;
    expect(configuredCluster(load([], yaml, dir))?.routes).toEqual([{ prefix: "", pool: "main" }]);
  }));

test.each([
  { argv: [], message: "missing setting --servers", why: "no servers at all" },
  { argv: ["--servers", "a:1=0"], message: "weight 0; write 1 to 1000", why: "a weight of 0" },
  { argv: ["--servers", "a:1=1001"], message: "weight 1001; write 1 to 1000", why: "too much weight" },
  { argv: ["--servers", "a"], message: "is not host:port or host:port=weight", why: "no port" },
  { argv: ["--servers", "a:1", "--listen", "x"], message: "--listen cannot be", why: "no address to listen at" },
  { argv: ["--servers", "a:0"], message: "has port 0", why: "port 0" },
  { argv: ["--servers", "a:1,a:1"], message: "servers[0] has that name already", why: "a server twice" },
  { argv: ["--servers", "a:1", "--consul", "http://c:8500"], message: "leave one of the two out", why: "two sources" },
  { argv: ["--consul", "c:8500"], message: "write http://host:port", why: "no URL" },
  {
    argv: ["--servers", "a:1", "--admin", ":9"],
    message: "set --admin-token, or listen on 127.0.0.1",
    why: "open admin",
  },
  { argv: ["--servers", "a:1", "--listen", ":9"], message: "say --open-access", why: "open to all" },
  {
    argv: ["--servers", "a:1", "--tls-listen", "127.0.0.1:9"],
    message: "needs --tls-cert and --tls-key",
    why: "no key",
  },
  { argv: ["--servers", "a:1", "--admin-token", "short"], message: "at least 16 characters", why: "a weak token" },
  {
    argv: ["--servers", "a:1", "--server-tls-key", "k"],
    message: "certificate and key go together",
    why: "half a pair",
  },
  { argv: ["--servers", "a:1", "--reconnect-ms", "9000"], message: "longer than reconnectMaxMs", why: "waits crossed" },
])("$argv is refused: $why", ({ argv, message }) => {
  expect(problemsOf(argv)).toContain(message);
});

test("a wrong file is refused with the line, the place and how to mend it", () =>
  withTempDir((dir) => {
    const yaml = `cacheproxy:
  pools:
    - { name: main, servers: ["a:1"] }
    - { name: main, servers: ["b:1"], shadow: { pool: nowhere, fraction: 0.5 } }
  routes:
    - { prefix: "", pool: mian }
`;
    const message = problemsOf([], yaml, dir);
    expect(message).toContain("kagami.yaml:2: pools");
    expect(message).toContain('pools[1] "main".name: pools[0] has that name already');
    expect(message).toContain('pools[1] "main".shadow.pool: there is no pool "nowhere"; there are main');
    expect(message).toContain("kagami.yaml:5: routes");
    expect(message).toContain('routes[0].pool: there is no pool "mian"');
  }));

test("a pool of a service needs Consul", () =>
  withTempDir((dir) => {
    const yaml = "cacheproxy:\n  pools: [{ name: main, service: cache }]\n";
    expect(problemsOf([], yaml, dir)).toContain("services are looked up in Consul; set --consul, or write servers");
  }));
