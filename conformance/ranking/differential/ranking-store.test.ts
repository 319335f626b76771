import type { RankingServer } from "@kagami/ranking";
import { startServer } from "@kagami/ranking/testing";
import { type Reference, startRedis } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FAMILIES } from "./families/index.ts";
import { compareServers, describeDifference } from "./harness.ts";

const COMMANDS_PER_FAMILY = 2_500;
/** Families of commands that the store does not have; `refusals` calls those too. */
const ABSENT: ReadonlySet<string> = new Set(["refusals"]);

let ours: RankingServer;
let redis: Reference;

beforeAll(async () => {
  [ours, redis] = await Promise.all([startServer(), startRedis()]);
});
afterAll(() => Promise.all([ours.close(), redis.stop()]));

test.each(FAMILIES.filter(({ name }) => !ABSENT.has(name)))(
  "$name: the store replies what Redis 7.0 replies",
  async (family) => {
    const port = Number(ours.addresses.redis?.split(":")[1]);
    const { differences, commandCount } = await compareServers({
      ours: { host: "127.0.0.1", port },
      theirs: { host: "127.0.0.1", port: redis.port },
      families: [family],
      seed: 20_261,
      commandCount: COMMANDS_PER_FAMILY,
    });
    expect(differences.map(describeDifference).join("\n")).toBe("");
    expect(commandCount).toBeGreaterThanOrEqual(COMMANDS_PER_FAMILY);
  },
);
