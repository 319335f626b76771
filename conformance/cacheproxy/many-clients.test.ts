import { describe, expect, test } from "vitest";
import { modelScript } from "./support/model-client.ts";
import { startProxied } from "./support/proxied.ts";
import { talk } from "./support/talk.ts";

const CLIENTS = 250;
const REQUESTS = 50;

describe.each([
  { path: "fast", isSlow: false },
  { path: "slow", isSlow: true },
])("through the $path path", ({ isSlow }) => {
  test(`${CLIENTS} clients at once over 3 servers are each told what the model says`, async () => {
    const proxied = await startProxied({ serverCount: 3, isSlow });
    try {
      const names = Array.from({ length: CLIENTS }, (_, i) => `client${i}`);
      const wrong = await Promise.all(
        names.map(async (name, i) => {
          const { send, reply } = modelScript(name, 1, REQUESTS);
          const told = await talk(proxied.port, `${send}quit\r\n`, i % 3 === 0 ? 1_500 : 0);
          return told === reply ? "" : `${name}: ${firstDifference(told, reply)}`;
        }),
      );
      expect(wrong.filter((text) => text !== "")).toEqual([]);
      const used = await Promise.all(proxied.servers.map(({ port }) => talk(port, "stats\r\nquit\r\n")));
      const counts = used.map((stats) => Number(/STAT cmd_set (\d+)/.exec(stats)?.[1]));
      expect(Math.min(...counts)).toBeGreaterThan(CLIENTS);
    } finally {
      await proxied.close();
    }
  }, 60_000);
});

function firstDifference(told: string, expected: string): string {
  let at = 0;
  while (at < told.length && told[at] === expected[at]) at++;
  const window = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 40), at + 80));
  return `told ${window(told)} instead of ${window(expected)}`;
}
