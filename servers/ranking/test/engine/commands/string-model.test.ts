import fc from "fast-check";
import { expect, test } from "vitest";
import { EngineDriver } from "../../support/engine-driver.ts";

const KEYS = ["a", "b", "c"] as const;
/** Around the sizes at which a string leaves its key's record, and at which it gets spare room. */
const SIZES = fc.oneof(
  fc.integer({ min: 0, max: 60 }),
  fc.integer({ min: 4_000, max: 4_200 }),
  fc.integer({ min: 8_000, max: 20_000 }),
);

type Change = (driver: EngineDriver, model: Map<string, Buffer>) => void;

function grown(model: Map<string, Buffer>, key: string, size: number): Buffer {
  const old = model.get(key) ?? Buffer.alloc(0);
  const value = Buffer.alloc(Math.max(size, old.length));
  old.copy(value);
  model.set(key, value);
  return value;
}

const key = fc.constantFrom(...KEYS);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ key, size: SIZES, byte: fc.integer({ min: 1, max: 255 }) }).map(
    ({ key, size, byte }): Change =>
      (driver, model) => {
        const value = Buffer.alloc(size, byte);
        driver.do("SET", key, value);
        model.set(key, value);
      },
  ),
  fc.record({ key, size: SIZES }).map(
    ({ key, size }): Change =>
      (driver, model) => {
        driver.do("APPEND", key, "+".repeat(size));
        const before = model.get(key)?.length ?? 0;
        grown(model, key, before + size).fill("+", before);
      },
  ),
  fc.record({ key, offset: SIZES, size: fc.integer({ min: 1, max: 90 }) }).map(
    ({ key, offset, size }): Change =>
      (driver, model) => {
        driver.do("SETRANGE", key, offset, "*".repeat(size));
        grown(model, key, offset + size).fill("*", offset, offset + size);
      },
  ),
  fc.record({ key, byte: SIZES, bit: fc.integer({ min: 0, max: 7 }) }).map(
    ({ key, byte, bit }): Change =>
      (driver, model) => {
        driver.do("SETBIT", key, 8 * byte + bit, 1);
        const value = grown(model, key, byte + 1);
        value[byte] = (value[byte] ?? 0) | (0x80 >> bit);
      },
  ),
  fc.record({ key, at: SIZES, value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }).map(
    ({ key, at, value }): Change =>
      (driver, model) => {
        driver.do("BITFIELD", key, "SET", "i64", 8 * at, String(value));
        grown(model, key, at + 8).writeBigInt64BE(value, at);
      },
  ),
  fc.record({ from: key, to: key, name: fc.constantFrom("RENAME", "COPY") }).map(
    ({ from, to, name }): Change =>
      (driver, model) => {
        driver.do(name, from, to, ...(name === "COPY" ? ["REPLACE"] : []));
        const value = model.get(from);
        if (value === undefined || from === to) return;
        if (name === "RENAME") model.delete(from);
        model.set(to, Buffer.from(value));
      },
  ),
  key.map(
    (key): Change =>
      (driver, model) => {
        driver.do("DEL", key);
        model.delete(key);
      },
  ),
);

function stateOf(driver: EngineDriver): string[] {
  return KEYS.map((key) => driver.do("GET", key));
}

test("strings hold what was written, on every copy, and give all memory back", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const driver = new EngineDriver();
      const emptyBytes = driver.engine.store.usedBytes;
      const model = new Map<string, Buffer>();
      for (const apply of changes) apply(driver, model);
      const expected = KEYS.map((key) => {
        const value = model.get(key);
        return value === undefined ? "$-1\r\n" : `$${value.length}\r\n${value.toString("latin1")}\r\n`;
      });
      expect(stateOf(driver)).toEqual(expected);
      expect(stateOf(driver.replayed())).toEqual(expected);
      driver.do("FLUSHALL");
      expect(driver.engine.store.usedBytes).toBe(emptyBytes);
    }),
    { numRuns: 30 },
  );
});
