import { TextClient } from "@kagami/cacheproxy/testing";
import { type Reference, startMemcached } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Proxied, startProxied } from "./support/proxied.ts";

let direct: Reference;
let proxied: Proxied;

beforeAll(async () => {
  // One thread, so that what another connection is told tells that the first one was looked at.
  [direct, proxied] = await Promise.all([startMemcached(["-t", "1"]), startProxied({ serverCount: 1 })]);
});

afterAll(async () => {
  await Promise.all([direct.stop(), proxied.close()]);
});

/** What is told after a line whose value does not come. */
async function toldAfter(port: number, line: string): Promise<string> {
  const client = await TextClient.connect(port);
  const other = await TextClient.connect(port);
  try {
    await client.ask("mn\r\n");
    client.send(`${line}\r\nx\r\nmn\r\n`);
    for (let i = 0; i < 20; i++) await other.ask("mn\r\n");
    return client.text;
  } finally {
    client.close();
    other.close();
  }
}

test.each([
  { length: "2147483645", why: "is the longest that can be told" },
  { length: "2147483647", why: "is longer" },
  { length: "2000000", why: "is beyond the limit, so that it is swallowed first" },
  { length: "99999999999", why: "is some gigabytes in 32 bits" },
  { length: "12345678901", why: "is negative in 32 bits" },
  { length: "4294967296", why: "is 0 in 32 bits" },
  { length: "-12345678901", why: "is positive in 32 bits" },
  { length: "99999999999999999999", why: "is no number of 64 bits" },
])("a set of $length bytes, which $why, is answered as memcached answers it", async ({ length }) => {
  for (const line of [`set k 0 0 ${length}`, `cas k 0 0 ${length} 1`, `ms k ${length}`]) {
    expect({ line, told: await toldAfter(proxied.port, line) }).toEqual({
      line,
      told: await toldAfter(direct.port, line),
    });
  }
});
