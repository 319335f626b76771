import { findCommand, runTool } from "@kagami/testkit";
import { expect, test } from "vitest";
import { startProxied } from "./support/proxied.ts";

/** libmemcached's judge of servers; Debian's name for memcapable. */
const JUDGE = () => findCommand("memccapable", "libmemcached-tools");

test.each([
  { protocol: "ascii", flag: "-a", count: 27 },
  { protocol: "binary", flag: "-b", count: 27 },
])("memccapable passes all $count of its $protocol tests through the proxy", async ({ protocol, flag, count }) => {
  const proxied = await startProxied({ serverCount: 3 });
  try {
    const { stdout, stderr, exitCode } = await runTool(JUDGE(), ["-h", "127.0.0.1", "-p", String(proxied.port), flag], {
      timeoutMs: 15_000,
    });
    const results = stdout.split("\n").filter((line) => line.startsWith(`${protocol} `));
    expect({ exitCode, failed: results.filter((line) => !line.endsWith("[pass]")), stderr }).toMatchObject({
      exitCode: 0,
      failed: [],
    });
    expect(results).toHaveLength(count);
  } finally {
    await proxied.close();
  }
});
