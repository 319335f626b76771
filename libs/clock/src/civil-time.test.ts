import fc from "fast-check";
import { expect, test } from "vitest";
import { civilOfMs, formatIsoDate, msOfCivil } from "./civil-time.ts";

const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
/** From the beginning of year 0. */
const anyMs = fc.integer({ min: -62_167_219_200_000, max: LAST_MS });

test("moments agree with the platform's calendar, a fraction of a millisecond cut off", () => {
  fc.assert(
    fc.property(anyMs, (ms) => {
      const date = new Date(ms);
      expect(formatIsoDate(ms + 0.5)).toBe(date.toISOString());
      expect(civilOfMs(ms + 0.5).weekday).toBe(date.getUTCDay());
    }),
  );
});

test("a moment from 1970 on is read back from its fields", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: LAST_MS }), (ms) => {
      const { year, month, day, hour, minute, second, millisecond } = civilOfMs(ms);
      expect((msOfCivil(year, month, day, hour, minute, second) ?? Number.NaN) + millisecond).toBe(ms);
    }),
  );
});

test.each([
  { fields: [2023, 2, 29, 0, 0, 0], why: "no leap year" },
  { fields: [2100, 2, 29, 0, 0, 0], why: "a century is none, but every fourth" },
  { fields: [2023, 13, 1, 0, 0, 0], why: "no such month" },
  { fields: [2023, 4, 31, 0, 0, 0], why: "no such day" },
  { fields: [2016, 12, 31, 23, 59, 60], why: "a leap second" },
  { fields: [1969, 12, 31, 0, 0, 0], why: "before 1970" },
  { fields: [10_000, 1, 1, 0, 0, 0], why: "behind 9999" },
  { fields: [2023, 1, 1, Number.NaN, 0, 0], why: "digits that were none" },
] as const)("there is no moment $fields: $why", ({ fields: [year, month, day, hour, minute, second] }) => {
  expect(msOfCivil(year, month, day, hour, minute, second)).toBeUndefined();
});
