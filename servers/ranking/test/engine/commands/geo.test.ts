import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { distanceOf } from "../../../src/engine/geo/geo-shape.ts";
import { cellOf, geohashText, MAX_STEP, placeOf, scoresOf } from "../../../src/engine/geo/geohash.ts";
import { EngineDriver } from "../../support/engine-driver.ts";

describe("places as scores", () => {
  test.each([
    { longitude: 13.361389, latitude: 38.115556, score: 3_479_099_956_230_698, text: "sqc8b49rny0" },
    { longitude: 15.087269, latitude: 37.502669, score: 3_479_447_370_796_909, text: "sqdtr74hyu0" },
  ])("$longitude, $latitude is $score and $text, as Redis's documentation says", ({ score, text, ...place }) => {
    expect(scoresOf(cellOf(place, MAX_STEP)).first).toBe(score);
    expect(geohashText(score)).toBe(text);
  });

  const longitude = fc.double({ min: -180, max: 180, noNaN: true });
  const latitude = fc.double({ min: -85, max: 85, noNaN: true });

  test("a place comes back from its score within a cell, and lies in the run of every coarser cell", () => {
    fc.assert(
      fc.property(longitude, latitude, fc.integer({ min: 1, max: 25 }), (x, y, step) => {
        const place = { longitude: Math.min(x, 179.999_99), latitude: y };
        const score = scoresOf(cellOf(place, MAX_STEP)).first;
        const back = placeOf(score);
        expect(Math.abs(back.longitude - place.longitude)).toBeLessThanOrEqual(360 / 2 ** 26);
        expect(Math.abs(back.latitude - place.latitude)).toBeLessThanOrEqual(171 / 2 ** 26);
        const { first, end } = scoresOf(cellOf(place, step));
        expect(score >= first && score < end).toBe(true);
      }),
    );
  });

  test("any number at all, which ZADD can put there, is some place on the map", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (score) => {
        const place = placeOf(score);
        expect(Math.abs(place.longitude)).toBeLessThanOrEqual(180);
        expect(Math.abs(place.latitude)).toBeLessThanOrEqual(85.051_128_78);
        expect(geohashText(score)).toMatch(/^[0-9b-hjkmnp-z]{10}0$/);
      }),
    );
  });
});

test("a search finds who is inside, and nobody else, wherever it is", () => {
  const near = fc.record({
    longitude: fc.integer({ min: -1_000, max: 1_000 }).map((step) => step / 1_000),
    latitude: fc.integer({ min: -1_000, max: 1_000 }).map((step) => step / 1_000),
  });
  const middles = fc.constantFrom([139.7, 35.7], [0, 0], [-122.3, -37.8], [13.4, 60]);
  fc.assert(
    fc.property(
      middles,
      fc.array(near, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 80 }),
      (at, places, km) => {
        const driver = new EngineDriver();
        const [x = 0, y = 0] = at;
        const words = places.flatMap(({ longitude, latitude }, i) => [x + longitude, y + latitude, `m${i}`]);
        driver.do("GEOADD", "g", ...words);
        const reply = driver.do("GEOSEARCH", "g", "FROMLONLAT", x, y, "BYRADIUS", km, "km", "ASC");
        const expected = places.filter(({ longitude, latitude }) => {
          const place = placeOf(scoresOf(cellOf({ longitude: x + longitude, latitude: y + latitude }, MAX_STEP)).first);
          return distanceOf({ longitude: x, latitude: y }, place) <= km * 1_000;
        });
        expect(reply.split("\r\n")[0]).toBe(`*${expected.length}`);
      },
    ),
    { numRuns: 60 },
  );
});

test("GEOADD and what is stored are the same when the log is read again", () => {
  const driver = new EngineDriver();
  driver.do("GEOADD", "g", 139.7, 35.7, "a", 139.71, 35.71, "b", 0, 0, "c");
  expect(driver.do("GEOADD", "g", "XX", "CH", 139.8, 35.7, "a", 1, 1, "d")).toBe(":1\r\n");
  expect(driver.do("GEOSEARCHSTORE", "near", "g", "FROMMEMBER", "a", "BYRADIUS", 50, "km", "STOREDIST")).toBe(":2\r\n");
  expect(driver.do("GEORADIUS", "g", 0, 0, 1, "km", "STORE", "zero")).toBe(":1\r\n");
  driver.do("GEORADIUS", "g", 100, 0, 1, "km", "STORE", "zero");
  const other = driver.replayed();
  for (const key of ["g", "near", "zero"]) {
    expect(other.do("ZRANGE", key, 0, -1, "WITHSCORES")).toBe(driver.do("ZRANGE", key, 0, -1, "WITHSCORES"));
  }
  expect(other.do("EXISTS", "zero")).toBe(":0\r\n");
});
