import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startServer } from "@kagami/ranking/testing";
import { eventually, runTool, withTempDir } from "@kagami/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

let server: Awaited<ReturnType<typeof startServer>>;
let port: string;

beforeAll(async () => {
  server = await startServer();
  port = server.address.slice(server.address.lastIndexOf(":") + 1);
});
afterAll(() => server.close(0));
beforeEach(() => cli("flushall"));

/** What redis-cli says, without the last line's end. */
async function cli(...args: string[]): Promise<string> {
  return (await runTool("redis-cli", ["-p", port, ...args], { mustSucceed: true })).stdout.trimEnd();
}

async function pipe(input: string): Promise<string> {
  return (await runTool("redis-cli", ["-p", port, "--pipe"], { input })).stdout;
}

function encode(...parts: string[]): string {
  return `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join("")}`;
}

describe("redis-cli", () => {
  const SHOWN = [
    { args: ["set", "k", "v"], said: "OK", reason: "a status" },
    { args: ["incr", "n"], said: "(integer) 1", reason: "an integer" },
    { args: ["get", "absent"], said: "(nil)", reason: "nothing" },
    {
      args: ["eval", "return {1,{'a',false}}", "0"],
      said: '1) (integer) 1\n2) 1) "a"\n   2) (nil)',
      reason: "nesting",
    },
    { args: ["eval", "return redis.error_reply('MY bad')", "0"], said: "(error) MY bad", reason: "an error" },
    { args: ["-3", "eval", "redis.setresp(3) return {double=1.5}", "0"], said: "(double) 1.5", reason: "a double" },
    { args: ["-3", "config", "get", "databases"], said: '1# "databases" => "16"', reason: "a map" },
    { args: ["-3", "eval", "redis.setresp(3) return true", "0"], said: "(true)", reason: "a boolean" },
    { args: ["-n", "3", "dbsize"], said: "(integer) 0", reason: "another database" },
  ];

  test.each(SHOWN)("shows $reason of $args as it does for Redis", async ({ args, said }) => {
    expect(await cli("--no-raw", ...args)).toBe(said);
  });

  test("inserts in mass from its standard input", async () => {
    const commands = Array.from({ length: 20_000 }, (_, i) => encode("SET", `mass:${i}`, `value ${i}`));
    expect(await pipe(commands.join(""))).toContain("errors: 0, replies: 20000");
    expect(await cli("dbsize")).toBe("20000");
    expect(await cli("get", "mass:19999")).toBe("value 19999");
  });

  test("counts the errors of a mass insertion and finishes it", async () => {
    const input = encode("SET", "k", "v") + encode("LPUSH", "k", "v") + encode("SET", "after", "v");
    expect(await pipe(input)).toContain("errors: 1, replies: 3");
    expect(await cli("exists", "after")).toBe("1");
  });

  test("scans all keys, and those of a pattern", async () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `scan:${i}`);
    await pipe(names.map((name) => encode("SET", name, "v")).join(""));
    expect((await cli("--scan")).split("\n").sort()).toEqual([...names].sort());
    expect((await cli("--scan", "--pattern", "scan:99?")).split("\n")).toHaveLength(10);
  });

  test("finds the big keys of each type", async () => {
    await pipe(
      encode("SET", "small", "v") +
        encode("SET", "large", "v".repeat(100)) +
        encode("RPUSH", "list", "a", "b", "c") +
        encode("HSET", "hash", "f", "v", "g", "w") +
        encode("SADD", "set", "a") +
        encode("ZADD", "ranking", "1", "a", "2", "b", "3", "c", "4", "d"),
    );
    const found = await cli("--bigkeys");
    expect(found).toContain("Sampled 6 keys in the keyspace!");
    expect(found).toContain(`Biggest string found '"large"' has 100 bytes`);
    expect(found).toContain(`Biggest   list found '"list"' has 3 items`);
    expect(found).toContain(`Biggest   hash found '"hash"' has 2 fields`);
    expect(found).toContain(`Biggest   zset found '"ranking"' has 4 members`);
  });

  test("finds the keys that take the most memory", async () => {
    await pipe(encode("SET", "small", "v") + encode("SET", "large", "v".repeat(10_000)));
    expect(await cli("--memkeys")).toMatch(/Biggest string found '"large"' has \d{5} bytes/);
  });

  test("measures the latency", async () => {
    const [min, max, average, samples] = (await cli("--raw", "--latency", "-i", "0.2")).split(" ").map(Number);
    expect(samples).toBeGreaterThan(1);
    expect(average).toBeGreaterThanOrEqual(min as number);
    expect(average).toBeLessThanOrEqual(max as number);
  });

  test("is told of the messages of its channels and patterns", async () => {
    const subscriber = runTool("redis-cli", ["-p", port, "psubscribe", "game:*"]);
    await eventually(async () => expect(await cli("pubsub", "numpat")).toBe("1"));
    expect(await cli("publish", "game:1", "goal")).toBe("1");
    await cli("client", "kill", "type", "pubsub");
    const { stdout } = await subscriber;
    expect(stdout).toBe("psubscribe\ngame:*\n1\npmessage\ngame:*\ngame:1\ngoal\n");
  });

  test("monitors the commands of others", async () => {
    const monitor = runTool("redis-cli", ["-p", port, "monitor"]);
    const id = await eventually(async () => {
      const found = /^id=(\d+) .* cmd=monitor /m.exec(await cli("client", "list"))?.[1];
      expect(found).toBeDefined();
      return found as string;
    });
    await cli("set", "seen", 'a "quoted" value');
    await cli("client", "kill", "id", id);
    const { stdout } = await monitor;
    expect(stdout).toMatch(/^\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "set" "seen" "a \\"quoted\\" value"$/m);
  });

  test("evaluates a script file with keys and arguments", async () => {
    await withTempDir(async (dir) => {
      const path = join(dir, "script.lua");
      await writeFile(path, "return {KEYS[1], ARGV[1]}");
      expect(await cli("--eval", path, "k", ",", "a")).toBe("k\na");
    });
  });

  test("takes a value from its standard input, byte for byte", async () => {
    const input = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await runTool("redis-cli", ["-p", port, "-x", "set", "bytes"], { input, mustSucceed: true });
    const { stdoutBytes } = await runTool("redis-cli", ["-p", port, "get", "bytes"]);
    expect([...stdoutBytes.subarray(0, 256)]).toEqual([...input]);
  });
});

describe("redis-benchmark", () => {
  test("runs all its tests without an error", async () => {
    const { stdout, stderr } = await runTool("redis-benchmark", ["-p", port, "-n", "1000", "--csv"], {
      mustSucceed: true,
    });
    expect(stderr).toBe("");
    const rows = stdout.trim().split("\n").slice(1);
    expect(rows).toHaveLength(20);
    for (const row of rows) expect(Number(row.split('","')[1])).toBeGreaterThan(0);
    expect(await cli("ping")).toBe("PONG");
  });
});
