import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOfText } from "../../src/engine/acl/index.ts";
import { LookAhead } from "../../src/engine/look-ahead.ts";
import { hashBytes } from "../../src/engine/memory/byte-hash.ts";
import { Args } from "../../src/protocol/args.ts";
import { EngineDriver } from "../support/engine-driver.ts";

function argsOf(...words: string[]): Args {
  const args = new Args();
  args.assign(words.map(bytesOfText));
  return args;
}

test("looking ahead changes nothing, whatever stands in argument 1 and however many keys there are", () => {
  for (const keyCount of [0, 1, 100, 70_000]) {
    const driver = new EngineDriver();
    for (let i = 0; i < keyCount; i += 50) {
      driver.do("MSET", ...Array.from({ length: Math.min(50, keyCount - i) }, (_, k) => [`k${i + k}`, "v"]).flat());
    }
    const { store } = driver.engine;
    const lookAhead = new LookAhead(4);
    const word = fc.oneof(
      fc.integer({ min: 0, max: 99_999 }).map((i) => `k${i}`),
      fc.string({ maxLength: 300 }),
    );
    const request = fc.oneof(fc.constant(["PING"]), fc.constant([]), fc.tuple(fc.constant("GET"), word));
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 4 }), (requests) => {
        const before = [store.hits, store.misses, store.usedBytes, store.keyspaces[0]?.size];
        lookAhead.warm(
          store,
          0,
          requests.map((words) => argsOf(...words)),
          requests.length,
        );
        expect([store.hits, store.misses, store.usedBytes, store.keyspaces[0]?.size]).toEqual(before);
      }),
      { numRuns: 50 },
    );
  }
});

test("a record that is looked ahead for is the one that is found", () => {
  const driver = new EngineDriver();
  for (let i = 0; i < 5_000; i++) driver.do("SET", `k${i}`, "v");
  const { keyspaces, hashSeed } = driver.engine.store;
  for (let i = 0; i < 5_000; i++) {
    const key = bytesOfText(`k${i}`);
    const candidate = keyspaces[0]?.table.candidate(hashBytes(key, 0, key.length, hashSeed));
    expect(candidate).toBe(keyspaces[0]?.peek(key, 0, key.length));
  }
});
