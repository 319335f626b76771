import { seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import type { Call } from "../../src/engine/call.ts";
import { EngineDriver } from "../support/engine-driver.ts";
import { digestAt, engineMaker, rebuilt } from "./engine-copy.ts";
import { EngineSimulation } from "./engine-simulation.ts";

test.each(seeds(10))(
  "copies that get the same batches have the same digest after every step, and what a crash leaves had one, seed %i",
  (seed) => {
    const simulation = new EngineSimulation({ seed });
    simulation.run(700);
    expect(simulation.batchCount).toBeGreaterThan(100);
    expect(simulation.commandNames.size).toBeGreaterThan(120);
    expect(simulation.rebuildCount + simulation.crashCount).toBeGreaterThan(0);
  },
);

/** A copy on which one command does a little more than its batches say. */
function spoiled(seed: number, name: string, also: (call: Call) => void): () => EngineDriver {
  return () => {
    const driver = new EngineDriver(seed);
    const command = driver.engine.commands.get(name)!;
    const { handler } = command;
    Object.assign(command, {
      handler: (call: Call) => {
        also(call);
        handler!(call);
      },
    });
    return driver;
  };
}

let clock = 0;

test.each([
  { name: "spop", also: (call: Call) => call.random.next(), why: "draws a number more" },
  {
    name: "expire",
    also: ({ store }: Call) => {
      clock++;
      store.nowMs += clock % 2;
    },
    why: "looks at a clock of its own",
  },
  {
    name: "sort",
    also: ({ db }: Call) => db.forEachRecord((record) => db.clearExpiry(record)),
    why: "changes what it only has to read",
  },
])("the simulation finds a handler that $why and says the seed", ({ name, also }) => {
  const run = (): void => {
    for (const seed of seeds(20))
      new EngineSimulation({ seed, makeFollower: (make) => spoiled(make, name, also) }).run(1_500);
  };
  expect(run).toThrow(/^Seed \d+, step \d+: the copy of the batches differs/);
});

/** The digests of a store, of a copy of its batches, and of one that is rebuilt from a snapshot and told `after`. */
function threeDigests(
  before: readonly (readonly (string | number)[])[],
  afterMs = 0,
  after: readonly (string | number)[] = [],
) {
  const make = engineMaker(12_345);
  const driver = make();
  for (const call of before) driver.do(...call);
  const copy = rebuilt(driver.engine, make);
  const from = driver.batches.length;
  driver.nowMs += afterMs;
  if (after.length > 0) driver.do(...after);
  for (const batch of driver.batches.slice(from)) copy.engine.apply(batch);
  return [driver, driver.replayed(), copy].map((each) => digestAt(each, driver.nowMs));
}

/** A member with score 2 and version 1, and a byte too much. */
const PART_OF_A_BOARD = "\x03\x01\0\0\0n\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\xf0\x3f!";

test.each([
  {
    why: "SETBIT that changes no bit changes what OBJECT ENCODING says",
    calls: [
      ["SET", "s", "12345678"],
      ["SETBIT", "s", 0, 0],
    ],
  },
  {
    why: "BITFIELD that changes no bit does so too",
    calls: [
      ["SET", "s", "12345678"],
      ["BITFIELD", "s", "SET", "u8", 0, 49],
    ],
  },
  {
    why: "RANK.CLOSE is refused for a sliding board and makes no period",
    calls: [
      ["RANK.CREATE", "b", "SLIDING", 600_000],
      ["RANK.CLOSE", "b"],
    ],
  },
  {
    why: "WIN.RATE that takes nothing does not round the debt",
    calls: [
      ["WIN.RATE", "r", 7, 1_000, 100, "COST", 50],
      ["WIN.RATE", "r", 9, 777, 100, "COST", 0],
    ],
  },
  {
    why: "RANK.LOAD with a bad end has taken its beginning over",
    calls: [
      ["RANK.CREATE", "b"],
      ["RANK.ADD", "m", 1, "BOARDS", 1, "b"],
      ["RANK.LOAD", "b", PART_OF_A_BOARD],
    ],
  },
])("a copy of the batches is the same: $why", ({ calls }) => {
  const [digest, replayed, copy] = threeDigests(calls);
  expect(replayed).toBe(digest);
  expect(copy).toBe(digest);
});

test("what OBJECT ENCODING says of a string outlives a restart", () => {
  const make = engineMaker(1);
  const driver = make();
  driver.do("SET", "raw", "sh");
  driver.do("APPEND", "raw", "ort");
  driver.do("INCRBYFLOAT", "text", "3");
  driver.do("SET", "int", "3");
  const copy = rebuilt(driver.engine, make);
  for (const [key, encoding] of [
    ["raw", "raw"],
    ["text", "embstr"],
    ["int", "int"],
  ] as const) {
    expect(driver.do("OBJECT", "ENCODING", key)).toContain(encoding);
    expect(copy.do("OBJECT", "ENCODING", key)).toContain(encoding);
  }
});

test("on a sliding board scores of removed members take their turn on a rebuilt copy too", () => {
  const members = Array.from({ length: 2_500 }, (_, i) => `m${i}`);
  const calls: (readonly (string | number)[])[] = [["RANK.CREATE", "b", "SLIDING", 60_000]];
  for (const member of members) calls.push(["RANK.ADD", member, 5, "BOARDS", 1, "b"]);
  for (const member of members.slice(0, 1_800)) calls.push(["RANK.REM", "b", member]);
  const [digest, replayed, copy] = threeDigests(calls, 70_000, ["RANK.ADD", "new", 1, "BOARDS", 1, "b"]);
  expect(replayed).toBe(digest);
  expect(copy).toBe(digest);
});
