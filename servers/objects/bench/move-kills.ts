// The long form of the kills while volumes move: `node servers/objects/bench/move-kills.ts [--rounds 40]`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRandom } from "@kagami/clock";
import { MoveKills } from "../test/support/move-kills.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "40" } } });
const base = mkdtempSync(join(tmpdir(), "kagami-move-kills-"));
try {
  const kills = new MoveKills(base, createRandom(Date.now()));
  for (let round = 0; round < Number(values.rounds); round++) await kills.round();
  process.stdout.write(`${JSON.stringify(kills.counts)}\n`);
} finally {
  rmSync(base, { recursive: true });
}
