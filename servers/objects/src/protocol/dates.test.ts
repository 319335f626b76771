import { formatIsoDate } from "@kagami/clock";
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatAmzDate, formatHttpDate, parseAmzDate, parseHttpDate, parseIsoDate } from "./dates.ts";

const anyTime = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) });

test("times are written as the platform writes them, from 1970 to 9999", () => {
  fc.assert(
    fc.property(anyTime, (ms) => {
      const date = new Date(ms);
      expect(formatHttpDate(ms)).toBe(date.toUTCString());
      expect(formatAmzDate(ms)).toBe(date.toISOString().replaceAll(/[-:]|\.\d{3}/g, ""));
    }),
    { numRuns: 500 },
  );
});

test("times are read back as they were written", () => {
  fc.assert(
    fc.property(anyTime, (ms) => {
      const second = Math.floor(ms / 1000) * 1000;
      expect(parseIsoDate(formatIsoDate(ms))).toBe(ms);
      expect(parseHttpDate(formatHttpDate(ms))).toBe(second);
      expect(parseAmzDate(formatAmzDate(ms))).toBe(second);
    }),
    { numRuns: 500 },
  );
});

test.each([
  {
    text: "Sunday, 06-Nov-94 08:49:37 GMT",
    ms: Date.UTC(2094, 10, 6, 8, 49, 37),
    why: "the old form, of this century",
  },
  { text: "Sun Nov  6 08:49:37 1994", ms: Date.UTC(1994, 10, 6, 8, 49, 37), why: "the form of asctime" },
  { text: "Sun, 06 Nov 1994 08:49:37 GMT", ms: Date.UTC(1994, 10, 6, 8, 49, 37), why: "the form of today" },
  { text: "Sun, 06 Nov 1994 08:49:37 +0000", ms: Date.UTC(1994, 10, 6, 8, 49, 37), why: "as mail programs write it" },
  { text: "Sun, 29 Feb 2023 00:00:00 GMT", ms: undefined, why: "no such day" },
  { text: "Sun, 06 Abc 2023 00:00:00 GMT", ms: undefined, why: "no such month" },
  { text: "Sun, 06 Nov 2023 24:00:00 GMT", ms: undefined, why: "no such hour" },
  { text: "2023-11-06", ms: undefined, why: "another form" },
  { text: "", ms: undefined, why: "nothing" },
])("the HTTP date $text: $why", ({ text, ms }) => {
  expect(parseHttpDate(text)).toBe(ms);
});

test.each([
  { text: "20130524T000000Z", ms: Date.UTC(2013, 4, 24), why: "the form" },
  { text: "20130524T000000", ms: undefined, why: "no zone" },
  { text: "20131324T000000Z", ms: undefined, why: "no such month" },
  { text: "19690101T000000Z", ms: undefined, why: "before 1970" },
])("the date of a signature $text: $why", ({ text, ms }) => {
  expect(parseAmzDate(text)).toBe(ms);
});

test("any text is a time or none", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const parse of [parseHttpDate, parseIsoDate, parseAmzDate])
        expect(["number", "undefined"]).toContain(typeof parse(text));
    }),
  );
});
