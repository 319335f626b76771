import { seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import type { Call } from "../../src/engine/call.ts";
import type { EngineDriver } from "../support/engine-driver.ts";
import { CommandFuzz } from "./command-fuzz.ts";

test.each(seeds(6))(
  "commands of every kind, right and spoiled, throw nothing, reply once, agree on every copy and leave nothing, seed %i",
  (seed) => {
    const fuzz = new CommandFuzz(seed);
    fuzz.run(4_000);
    expect(fuzz.names.size).toBeGreaterThan(250);
    expect(fuzz.mostKeys).toBeGreaterThan(15);
    const share = fuzz.errorCount / fuzz.commandCount;
    expect(share > 0.2 && share < 0.8, `${share} of the replies are errors`).toBe(true);
  },
);

/** Lets a command do something else. */
function replaced(name: string, make: (original: (call: Call) => void) => (call: Call) => void) {
  return ({ engine }: EngineDriver): void => {
    const command = engine.commands.get(name)!;
    Object.assign(command, { handler: make(command.handler!) });
  };
}

test.each<{ why: string; spoil: (driver: EngineDriver) => void; finds: RegExp }>([
  {
    why: "loses a block",
    spoil: ({ engine: { store } }) => {
      const free = store.heap.free;
      let count = 0;
      store.heap.free = (pointer, size) => void (++count % 200 !== 0 && free(pointer, size));
    },
    finds: /blocks are left/,
  },
  {
    why: "frees a block with another size",
    spoil: ({ engine: { store } }) => {
      const free = store.heap.free;
      store.heap.free = (pointer, size) => free(pointer, size === 32 ? 48 : size);
    },
    finds: /is given back with|was not allocated with that size/,
  },
  {
    why: "forgets bytes outside of the heap",
    spoil: replaced("setrange", (original) => (call) => {
      original(call);
      call.store.heap.outsideBytes += 8;
    }),
    finds: /bytes outside of the heap are left/,
  },
  {
    why: "throws what is no error reply",
    spoil: replaced("zadd", () => () => {
      throw new RangeError("out of bounds");
    }),
    finds: /out of bounds/,
  },
  {
    why: "replies half an array",
    spoil: replaced(
      "lrange",
      () =>
        ({ reply }) =>
          reply.array(3),
    ),
    finds: /A reply at/,
  },
  {
    why: "changes more than it says",
    spoil: replaced("hget", (original) => (call) => {
      original(call);
      call.db.forEachRecord((record) => call.db.clearExpiry(record));
    }),
    finds: /the copy differs/,
  },
])("the fuzz finds a store that $why", ({ spoil, finds }) => {
  const run = (): void => {
    for (const seed of seeds(5)) new CommandFuzz(seed, spoil).run(4_000);
  };
  expect(run).toThrow(finds);
});
