import { readFileSync } from "node:fs";
import { fromHex } from "@kagami/bytes";
import { expect, test } from "vitest";
import { buildAvcRecord, parseAvcPps, parseAvcRecord } from "./avc-config.ts";
import { freeAvcParameterSetId, mergeAvcRecords } from "./avc-merge.ts";
import { parseAvcSps } from "./avc-sps.ts";
import { isMalformed } from "./malformed.ts";
import { videoConfigFromRecord } from "./track-config.ts";

/** x264, High at level 3.1, 1280x720, ids 0. */
const PUBLISHER = buildAvcRecord(
  [fromHex("6764001facd9405005bb011000000300100000030300f1831960")],
  [fromHex("68ebe3cb22c0")],
) as Uint8Array;
/** x264 ultrafast, Constrained Baseline at level 3.1, 720x1280, ids 5. */
const OWN = fromHex("0142c01fffe100186742c01f35a02d028684000003000400000300f23c60ca8001000568318e0fc8");

test("a merged record has the sets of both, the higher profile first and the higher level there", () => {
  const low = OWN.slice();
  low[3] = 0x33; // in the record, which nobody trusts
  low[11] = 0x33; // level 5.1 in the SPS
  for (const merged of [mergeAvcRecords(PUBLISHER, low), mergeAvcRecords(low, PUBLISHER)]) {
    if (isMalformed(merged)) throw new Error(merged.message);
    const record = parseAvcRecord(merged);
    if ("kind" in record) throw new Error(record.message);
    expect([record.profileIdc, record.levelIdc]).toEqual([100, 0x33]);
    expect(record.sps.map((nal) => parseAvcSps(nal))).toMatchObject([{ id: 0, levelIdc: 0x33 }, { id: 5 }]);
    expect(record.pps.map((nal) => parseAvcPps(nal))).toEqual([
      { id: 0, spsId: 0 },
      { id: 5, spsId: 5 },
    ]);
    expect(videoConfigFromRecord("h264", merged)).toMatchObject({ codecString: "avc1.640033", width: 1280 });
  }
});

test("two records with an id in common are refused", () => {
  expect(mergeAvcRecords(OWN, OWN)).toMatchObject({ kind: "malformed", code: "AVC_CONFIG" });
});

test.each([
  { record: PUBLISHER, id: 31, why: "the highest one, which encoders hardly take" },
  { record: OWN, id: 31, why: "5 is taken, 31 is not" },
  { record: new Uint8Array(9), id: undefined, why: "none of what cannot be read" },
])("a free id: $why", ({ record, id }) => {
  const free = freeAvcParameterSetId(record);
  expect(typeof free === "number" ? free : undefined).toBe(id);
});

test("records of every encoder in the captures can be merged with ours", () => {
  const records = JSON.parse(readFileSync(new URL("../testdata/records.json", import.meta.url), "utf8")) as unknown;
  const hexes = JSON.stringify(records).match(/"01[0-9a-f]{40,}"/g) ?? [];
  let mergedCount = 0;
  for (const quoted of hexes) {
    const record = fromHex(quoted.slice(1, -1));
    const config = videoConfigFromRecord("h264", record);
    if (config.kind === "malformed") continue;
    const merged = mergeAvcRecords(record, OWN);
    if (isMalformed(merged)) continue;
    mergedCount++;
    expect(videoConfigFromRecord("h264", merged)).toMatchObject({ kind: "video" });
  }
  expect(mergedCount).toBeGreaterThan(0);
});
