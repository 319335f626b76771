import { describe, expect, test } from "vitest";
import type { Sighting } from "./banner-finder.ts";
import { BannerTracker } from "./banner-tracker.ts";
import { type CellBox, type Grid, layOutGrid } from "./grid.ts";
import { coverOf, TRACKING } from "./track.ts";

const FRAME_US = 33_333;
const UPRIGHT = layOutGrid({ x: 0, y: 0, width: 720, height: 1280 }) as Grid;
const ASIDE = layOutGrid({ x: 0, y: 0, width: 1280, height: 720 }) as Grid;
const CARD: CellBox = { left: 2, top: 6, right: 58, bottom: 18 };

const seen = (box: Partial<CellBox>, logOdds: number): Sighting => ({ ...CARD, ...box, logOdds });

/** A tracker and a clock: each call is the next picture. */
class Bench {
  readonly tracker = new BannerTracker();
  readonly grid: Grid;
  timeUs = 0;

  constructor(grid: Grid = UPRIGHT) {
    this.grid = grid;
  }

  see(sightings: readonly Sighting[], isStill = false, isSettled = true, isScrolled = false) {
    this.timeUs += FRAME_US;
    return this.tracker.follow(
      sightings,
      this.grid,
      this.timeUs,
      () => isStill,
      isSettled,
      () => isScrolled,
    );
  }

  /** A banner that has been there for a while. */
  rest(): void {
    for (let i = 0; i < 30; i++) this.see([seen({}, 5)]);
  }

  get cover(): CellBox | undefined {
    const [track] = this.tracker.tracks;
    return track && coverOf(track, this.grid);
  }
}

describe("a banner begins", () => {
  test.each([
    { why: "one picture that leaves no doubt", pictures: [TRACKING.enterAlone], isSettled: true, starts: true },
    { why: "one that leaves some", pictures: [TRACKING.enterAlone - 0.1], isSettled: true, starts: false },
    { why: "two together", pictures: [TRACKING.enterTogether, 0], isSettled: true, starts: true },
    { why: "two, of which one says no", pictures: [-0.6, TRACKING.enterAlone - 0.1], isSettled: true, starts: false },
    { why: "no past to compare with", pictures: [TRACKING.enterAlone], isSettled: false, starts: false },
    { why: "no past, and hardly any doubt", pictures: [TRACKING.enterUnsettled], isSettled: false, starts: true },
  ])("or does not, with $why", ({ pictures, isSettled, starts }) => {
    const bench = new Bench();
    const said = pictures.map((logOdds) => bench.see([seen({}, logOdds)], false, isSettled));
    expect(said.some(({ hasStarted }) => hasStarted)).toBe(starts);
    expect(bench.tracker.tracks.length).toBe(starts ? 1 : 0);
  });

  test.each([
    { why: "beside the middle", grid: UPRIGHT, box: { left: 20, right: 58 }, can: false },
    { why: "too far down", grid: UPRIGHT, box: { top: 17, bottom: 29 }, can: false },
    { why: "narrow, below the island's place", grid: UPRIGHT, box: { left: 20, right: 40 }, can: false },
    { why: "narrow, as an island grows", grid: UPRIGHT, box: { left: 20, top: 1, right: 40, bottom: 5 }, can: true },
    { why: "in the middle of a long screen", grid: ASIDE, box: { left: 27, top: 1, right: 79, bottom: 12 }, can: true },
    { why: "as wide as a long screen", grid: ASIDE, box: { left: 0, top: 1, right: 106, bottom: 12 }, can: false },
  ])("only where one can be: $why", ({ grid, box, can }) => {
    const bench = new Bench(grid);
    expect(bench.see([seen(box, 9)]).hasStarted).toBe(can);
    expect(bench.see([seen(box, TRACKING.unsure)]).isUnsure).toBe(false);
  });

  test("not with a page that is scrolled, however much it looks like one", () => {
    const bench = new Bench();
    expect(bench.see([seen({}, 9)], false, true, true).hasStarted).toBe(false);
    expect(bench.see([seen({}, 9)]).hasStarted).toBe(true);
  });

  test.each([
    { why: "the right part beside the left one", other: { left: 38, right: 96 }, logOdds: 2, starts: true },
    { why: "a right part that is hardly seen", other: { left: 38, right: 96 }, logOdds: 0.9, starts: false },
    {
      why: "another card further down",
      other: { left: 38, top: 20, right: 96, bottom: 32 },
      logOdds: 2,
      starts: false,
    },
    { why: "a gap between them", other: { left: 80, right: 96 }, logOdds: 2, starts: false },
  ])("also where a wide card is seen in two parts, neither in the middle: $why", ({ other, logOdds, starts }) => {
    const bench = new Bench(ASIDE);
    const left = seen({ left: 10, right: 78 }, 3);
    expect(bench.see([left, seen(other, logOdds)]).hasStarted).toBe(starts);
    if (starts) expect(bench.tracker.tracks[0]?.box).toMatchObject({ left: 10, right: 96 });
  });

  test("a weak sighting holds pictures back, also while the picture stays the same, and hides nothing", () => {
    const bench = new Bench();
    expect(bench.see([seen({}, TRACKING.unsure)])).toEqual({ hasStarted: false, isUnsure: true });
    expect(bench.tracker.stay(bench.timeUs + FRAME_US)).toEqual({ hasStarted: false, isUnsure: true });
    expect(bench.tracker.tracks).toEqual([]);
    expect(bench.see([])).toEqual({ hasStarted: false, isUnsure: false });
  });
});

describe("what is hidden", () => {
  test("is the card and little more once it rests", () => {
    const bench = new Bench();
    bench.rest();
    const margin = TRACKING.margin * bench.grid.unit;
    const { left = 0, top = 0, right = 0, bottom = 0 } = bench.cover ?? {};
    expect([left, top, right, bottom].map((edge) => Number(edge.toFixed(6)))).toEqual(
      [2 - margin, 6 - margin, 58 + margin, 18 + margin].map((edge) => Number(edge.toFixed(6))),
    );
    expect(bench.tracker.bannerCount).toBe(1);
  });

  test("at first reaches to the upper edge, from where it comes", () => {
    const bench = new Bench();
    bench.see([seen({}, 9)]);
    expect(bench.cover?.top).toBeLessThanOrEqual(0);
    expect(bench.cover?.bottom).toBeGreaterThan(18 + 2);
  });

  test("is not made smaller by a part that looks likelier than the whole", () => {
    const bench = new Bench();
    bench.rest();
    for (let i = 0; i < 20; i++) bench.see([seen({ right: 40, bottom: 12 }, 6), seen({}, 2)]);
    expect(bench.cover?.right).toBeGreaterThan(58);
    expect(bench.cover?.bottom).toBeGreaterThan(18);
  });

  test("is the whole width when the card leaves sideways, before it is lost", () => {
    const bench = new Bench();
    bench.rest();
    bench.see([seen({ left: 8 }, 4)]);
    expect(bench.cover).toMatchObject({ left: 0 });
    expect(bench.cover?.right).toBeGreaterThanOrEqual(bench.grid.columns);
  });

  test("takes in a second card that comes over the first", () => {
    const bench = new Bench();
    bench.rest();
    for (let i = 0; i < 10; i++) bench.see([seen({ bottom: 16 }, 5), seen({ bottom: 26 }, 1)]);
    expect(bench.cover?.bottom).toBeGreaterThan(26);
  });
});

describe("a banner ends", () => {
  test("some time after it was seen last", () => {
    const bench = new Bench();
    bench.rest();
    const goneUs = bench.timeUs;
    while (bench.tracker.tracks.length > 0) bench.see([]);
    expect(bench.timeUs - goneUs).toBeGreaterThan(TRACKING.holdUs);
    expect(bench.timeUs - goneUs).toBeLessThanOrEqual(TRACKING.holdUs + FRAME_US);
  });

  test("not while nothing moves where it is, whatever it looks like", () => {
    const bench = new Bench();
    bench.rest();
    for (let i = 0; i < 100; i++) bench.see([], true);
    expect(bench.tracker.tracks.length).toBe(1);
  });

  test("although nothing moves where it was, if it had gone before", () => {
    const bench = new Bench();
    bench.rest();
    bench.see([]);
    for (let i = 0; i < 20; i++) bench.see([], true);
    expect(bench.tracker.tracks).toEqual([]);
  });

  test("as one of two that came to be the same", () => {
    const bench = new Bench(ASIDE);
    const low = { left: 27, top: 14, right: 79, bottom: 24 };
    bench.see([seen({ left: 27, top: 1, right: 79, bottom: 11 }, 9), seen(low, 9)]);
    expect(bench.tracker.tracks.length).toBe(2);
    for (let i = 0; i < 5; i++) bench.see([seen({ left: 27, top: 4, right: 79, bottom: 22 }, 9)]);
    expect(bench.tracker.tracks.length).toBe(1);
  });
});

describe("a second, thorough look", () => {
  const inDoubt = (bench: Bench, sightings: readonly Sighting[], isStill = false): boolean =>
    bench.tracker.isInDoubt(sightings, bench.grid, () => isStill);

  test.each([
    { why: "nothing was seen", sightings: [], isNeeded: false },
    { why: "something may begin", sightings: [seen({}, TRACKING.doubt)], isNeeded: true },
    { why: "where no banner can be", sightings: [seen({ left: 30 }, 5)], isNeeded: false },
  ])("is needed or not: $why", ({ sightings, isNeeded }) => {
    expect(inDoubt(new Bench(), sightings)).toBe(isNeeded);
  });

  test("is needed for a banner that is new or not clearly there, unless it stands still", () => {
    const bench = new Bench();
    bench.see([seen({}, 9)]);
    expect(inDoubt(bench, [seen({}, 9)])).toBe(true);
    bench.rest();
    expect(inDoubt(bench, [seen({}, TRACKING.clear)])).toBe(false);
    expect(inDoubt(bench, [seen({}, TRACKING.clear - 0.1)])).toBe(true);
    expect(inDoubt(bench, [], true)).toBe(false);
  });
});
