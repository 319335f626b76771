import { createRandom } from "@kagami/clock";
import { withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { MoveKills } from "./support/move-kills.ts";

// The long form: bench/move-kills.ts
test("killed while volumes move and are divided, no acknowledged object is lost and each file is on one disk", async () => {
  await withTempDir(async (base) => {
    const kills = new MoveKills(base, createRandom(1));
    for (let round = 0; round < 2; round++) await kills.round();
    expect(kills.counts.volumesOnSlowDisk).toBeGreaterThan(2);
  });
}, 120_000);
