import { expect, test } from "vitest";
import { runSmoke } from "../src/smoke.ts";
import { objectsPart } from "./part.ts";

const MIXED = ["put-1kb", "get-1kb", "head-1kb", "copy-1kb", "list-10", "delete"];

/** Figures that have to be there, for each peer, and be above 0. */
const EXPECTED: Readonly<
  Record<string, readonly { readonly peers: readonly string[]; readonly figures: readonly string[] }[]>
> = {
  small: [
    { peers: ["kagami", "s3rver"], figures: ["put-requests", "put-cpu", "put-p99", "get-requests", "get-cpu"] },
    { peers: ["nginx"], figures: ["get-requests", "get-cpu"] },
    { peers: ["kagami"], figures: ["put-beside-s3rver", "get-beside-s3rver", "get-beside-nginx"] },
  ],
  large: [
    { peers: ["kagami", "s3rver"], figures: ["get-rate", "get-cpu", "put-rate"] },
    { peers: ["kagami"], figures: ["get-beside-nginx", "put-beside-md5-or-disk"] },
  ],
  many: [
    { peers: ["kagami"], figures: ["index-per-object-at-1000", "rss-at-1000", "get-p99-at-100", "get-p99-at-1000"] },
  ],
  expiry: [{ peers: ["kagami"], figures: ["put-rate", "data-before", "time-until-freed"] }],
  background: [
    { peers: ["kagami"], figures: ["get-p99-quiet", "get-p99-compacting", "put-p99-quiet", "put-p99-compacting"] },
  ],
  scrub: [
    {
      peers: ["kagami"],
      figures: ["scrubbed", "get-p99-quiet", "get-p99-scrubbing", "put-p99-quiet", "put-p99-scrubbing"],
    },
  ],
  "catch-up": [
    {
      peers: ["kagami"],
      figures: ["catch-up-rate", "catch-up-cpu-replica", "behind-at-the-end", "get-p99-quiet", "get-p99-catching-up"],
    },
  ],
  mix: [{ peers: ["kagami"], figures: MIXED.flatMap((name) => [`${name}-rate`, `${name}-p99`]) }],
  kills: [{ peers: ["kagami"], figures: ["kills", "writes-acknowledged", "slowest-start"] }],
};

test("every scenario has a smoke test", () => {
  expect(objectsPart.scenarios.map(({ name }) => name).toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
});

test.each(Object.entries(EXPECTED))(
  "the short form of %s runs and gives a figure of every kind for every peer",
  { timeout: 120_000 },
  async (scenario, expected) => {
    const { lines, progress } = await runSmoke("objects", scenario);
    expect(progress).toContain(`objects ${scenario}: `);
    for (const { peers, figures } of expected) {
      for (const peer of peers) {
        for (const figure of figures) {
          const found = lines.find((line) => line.peer === peer && line.figure === figure);
          expect(found?.value, `${figure} of ${peer}`).toBeGreaterThan(0);
        }
      }
    }
    const value = (figure: string) => lines.find((line) => line.peer === "kagami" && line.figure === figure)?.value;
    // What must never be, however short the run: requests that fail, writes that are lost or torn.
    for (const figure of ["put-errors", "get-errors", "objects-lost", "objects-torn"])
      expect(value(figure) ?? 0).toBe(0);
    expect(lines.filter(({ figure }) => figure.includes("-error-"))).toEqual([]);
  },
);
