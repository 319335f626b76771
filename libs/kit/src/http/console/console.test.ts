import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
import { describe, expect, test } from "vitest";

interface Point {
  readonly atMs: number;
  readonly value?: number;
}

/** What a page sees of the two scripts, as far as it needs no page. */
interface Console {
  number(value: number | null | undefined, digits?: number): string;
  plural(count: number, word: string): string;
  bytes(value: number | null | undefined): string;
  duration(seconds: number | null | undefined): string;
  visible(text: string): string;
  failure(status: number, text: string): Error & { readonly status: number };
  addPoints(news: readonly Point[]): void;
  nearest(own: readonly Point[], atMs: number | undefined): number;
  momentAt(share: number, endMs: number): number;
  scaleOf(highest: number, endMs: number): { x(atMs: number): number; y(value: number): number };
  twelveOf<T>(all: readonly T[]): T[];
  describe(chart: object, own: readonly Point[]): string;
}

/** Runs the scripts as a page does, one behind the other. Each call is a page of its own. */
function open(): { readonly page: Console; readonly points: () => number[] } {
  const context = createContext({ sessionStorage: { getItem: () => null } });
  for (const name of ["console.cjs", "charts.cjs"]) {
    runInContext(readFileSync(new URL(name, import.meta.url), "utf8"), context);
  }
  const points = () => JSON.parse(runInContext("JSON.stringify(points.map(({ atMs }) => atMs))", context)) as number[];
  return { page: context as unknown as Console, points };
}

const { page } = open();

describe("texts", () => {
  test.each([
    {
      text: page.number(1_234_567.8),
      shown: "1,234,568",
      why: "digits are in groups, without a fraction unless asked for",
    },
    { text: page.number(0.25, 1), shown: "0.3", why: "so many digits as are asked for" },
    { text: page.number(null), shown: "–", why: "JSON has null where there is no value" },
    { text: page.plural(1, "key"), shown: "1 key", why: "one" },
    { text: page.plural(0, "key"), shown: "0 keys", why: "none is not one" },
    { text: page.bytes(undefined), shown: "–", why: "no size" },
    { text: page.bytes(1023), shown: "1,023 B", why: "below the first unit" },
    { text: page.bytes(1536), shown: "1.5 KiB", why: "a fraction below ten" },
    { text: page.bytes(16 << 20), shown: "16 MiB", why: "none from ten on" },
    { text: page.bytes(2 ** 52), shown: "4,096 TiB", why: "there is no larger unit" },
    { text: page.duration(null), shown: "–", why: "no duration" },
    { text: page.duration(1.25), shown: "1.3 s", why: "a fraction below ten" },
    { text: page.duration(119), shown: "119 s", why: "below two minutes" },
    { text: page.duration(120), shown: "2 min", why: "from two minutes on" },
    { text: page.duration(7_200), shown: "2 h", why: "from two hours on" },
    { text: page.duration(172_800), shown: "2 days", why: "from two days on" },
    {
      text: page.visible("a\u202eb\n<i>\u2028"),
      shown: "a\\u{202e}b\\u{a}<i>\\u{2028}",
      why: "markup stays, the unseen is named",
    },
  ])("$shown: $why", ({ text, shown }) => {
    expect(text).toBe(shown);
  });

  test.each([
    { text: '{"error":{"message":"No such bucket"}}', message: "No such bucket", why: "our own servers say why" },
    { text: "<html>", message: "status 502", why: "what stands between may answer with anything" },
    { text: '{"error":{}}', message: "status 502", why: "there is no message" },
  ])("the error of an answer is read: $why", ({ text, message }) => {
    expect(page.failure(502, text)).toMatchObject({ message, status: 502 });
  });
});

describe("charts", () => {
  const chart = {
    title: "Calls",
    unit: "/s",
    value: ({ value }: Point) => value,
    format: (value: number) => String(value),
  };

  test("points are kept for ten minutes, and none twice", () => {
    const { page, points } = open();
    page.addPoints([{ atMs: 1_000 }, { atMs: 3_000 }]);
    page.addPoints([{ atMs: 3_000 }, { atMs: 601_000 }]);
    expect(points()).toEqual([1_000, 3_000, 601_000]);
    page.addPoints([{ atMs: 601_001 }]);
    expect(points()).toEqual([3_000, 601_000, 601_001]);
  });

  test("the last ten minutes fill the width, and 0 to the highest value the height", () => {
    const { x, y } = page.scaleOf(50, 1_000_000);
    expect([x(400_000), x(1_000_000)]).toEqual([4, 316]);
    expect([y(0), y(25), y(50)]).toEqual([94, 54, 14]);
  });

  test("the pointer picks the moment that is drawn where it is", () => {
    const { x } = page.scaleOf(1, 1_000_000);
    for (const atMs of [400_000, 700_000, 1_000_000]) {
      expect(page.momentAt(x(atMs) / 320, 1_000_000)).toBeCloseTo(atMs, 3);
    }
  });

  test.each([
    { atMs: undefined, index: 2, why: "the last one if nothing is picked" },
    { atMs: 0, index: 0, why: "before all" },
    { atMs: 24, index: 1, why: "nearer to the second" },
    { atMs: 25, index: 2, why: "the later of two that are as near" },
    { atMs: 99, index: 2, why: "behind all" },
  ])("the nearest point is picked: $why", ({ atMs, index }) => {
    expect(page.nearest([{ atMs: 10 }, { atMs: 20 }, { atMs: 30 }], atMs)).toBe(index);
    expect(page.nearest([], atMs)).toBe(-1);
  });

  test.each([0, 1, 12, 13, 300])("a table has twelve of %i values at most, the last among them", (count) => {
    const all = Array.from({ length: count }, (_, i) => i);
    const shown = page.twelveOf(all);
    expect(shown.length).toBe(count <= 12 ? count : Math.ceil(count / Math.ceil(count / 12)));
    expect(shown.length).toBeLessThanOrEqual(12);
    expect(shown.at(-1)).toBe(all.at(-1));
  });

  test("the label of a chart says what it shows", () => {
    expect(page.describe(chart, [])).toBe("Calls: no values yet");
    const own = [3, 9, 4].map((value, i) => ({ atMs: i, value }));
    expect(page.describe(chart, own)).toBe("Calls: now 4/s, lowest 3/s, highest 9/s in the last ten minutes");
  });
});
