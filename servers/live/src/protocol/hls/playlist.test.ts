import fc from "fast-check";
import HLS from "hls-parser";
import { expect, test } from "vitest";
import {
  applyDelta,
  checkPlaylist,
  countSkippable,
  formatSeconds,
  type MediaPlaylist,
  PLAYLIST_RULES,
  parseMediaPlaylist,
  parsePlaylistQuery,
  renderMediaPlaylist,
  renderMultivariantPlaylist,
  tokenSuffix,
} from "./index.ts";

const segment = (msn: number, parts = 0, hasDiscontinuity = false) => ({
  uri: `seg-${msn}.m4s`,
  durationUs: 2_000_000,
  isGap: false,
  mapUri: hasDiscontinuity || msn > 11 ? "init-2.mp4" : "init-1.mp4",
  hasDiscontinuity,
  programDateTimeMs: 1_764_000_000_000 + 2_000 * msn,
  parts: Array.from({ length: parts }, (_, i) => ({
    uri: `part-${msn}.${i}.m4s`,
    durationUs: 200_000,
    isIndependent: i === 0,
  })),
});

const PLAYLIST: MediaPlaylist = {
  targetDurationS: 2,
  partTargetUs: 207_000,
  mediaSequence: 8,
  discontinuitySequence: 3,
  segments: [segment(8), segment(9), { ...segment(10), isGap: true }, segment(11, 10, true), segment(12, 10)],
  openSegment: segment(13, 2),
  preloadHintUri: "part-13.2.m4s",
  isEnded: false,
};

test("a playlist is written tag for tag", () => {
  const short = { ...PLAYLIST, segments: [segment(10), segment(11, 1, true)], openSegment: segment(12, 1) };
  expect(renderMediaPlaylist(short, { uriSuffix: "?token=a" })).toBe(`#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.621,CAN-SKIP-UNTIL=12,HOLD-BACK=6
#EXT-X-PART-INF:PART-TARGET=0.207
#EXT-X-MEDIA-SEQUENCE:8
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-MAP:URI="init-1.mp4?token=a"
#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:20.000Z
#EXTINF:2,
seg-10.m4s?token=a
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="init-2.mp4?token=a"
#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:22.000Z
#EXT-X-PART:DURATION=0.2,URI="part-11.0.m4s?token=a",INDEPENDENT=YES
#EXTINF:2,
seg-11.m4s?token=a
#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:24.000Z
#EXT-X-PART:DURATION=0.2,URI="part-12.0.m4s?token=a",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-13.2.m4s?token=a"
`);
});

test("hls-parser reads what was written", () => {
  HLS.setOptions({ strictMode: true });
  const parsed = HLS.parse(renderMediaPlaylist(PLAYLIST)) as HLS.types.MediaPlaylist;
  expect(parsed).toMatchObject({ version: 9, targetDuration: 2, partTargetDuration: 0.207, mediaSequenceBase: 8 });
  expect(parsed.lowLatencyCompatibility).toEqual({
    canBlockReload: true,
    canSkipUntil: 12,
    holdBack: 6,
    partHoldBack: 0.621,
  });
  expect(parsed.segments.map(({ uri, gap, discontinuity, parts }) => [uri, gap, discontinuity, parts.length])).toEqual([
    ["seg-8.m4s", undefined, undefined, 0],
    ["seg-9.m4s", undefined, undefined, 0],
    ["seg-10.m4s", true, undefined, 0],
    ["seg-11.m4s", undefined, true, 10],
    ["seg-12.m4s", undefined, undefined, 10],
    // The two parts of the open segment, and the hint.
    ["", undefined, undefined, 3],
  ]);
  expect(parsed.segments[3]?.map.uri).toBe("init-2.mp4");
  expect(parsed.segments[4]?.programDateTime?.getTime()).toBe(1_764_000_024_000);
});

test("a delta applied to the last playlist is the whole playlist", () => {
  const held = parseMediaPlaylist(renderMediaPlaylist({ ...PLAYLIST, openSegment: segment(13, 1) }));
  const delta = parseMediaPlaylist(renderMediaPlaylist(PLAYLIST, { skippedCount: 3 }));
  expect(delta.segments).toHaveLength(2);
  expect(applyDelta(held, delta)).toEqual(parseMediaPlaylist(renderMediaPlaylist(PLAYLIST)));
  expect(applyDelta({ ...held, mediaSequence: 9, segments: held.segments.slice(1) }, delta)).toBeUndefined();
});

test.each([
  { durationsS: [2, 2, 2, 2, 2, 2, 2], count: 0, why: "the first ends exactly at the Skip Boundary" },
  { durationsS: [2, 2, 2, 2, 2, 2, 2, 2.1], count: 2, why: "the second ends 12.1 s from the end" },
  { durationsS: [9, 9, 9], count: 1, why: "long segments" },
  { durationsS: [], count: 0, why: "nothing to skip" },
])("a delta skips $count of $durationsS: $why", ({ durationsS, count }) => {
  const segments = durationsS.map((seconds) => ({ durationUs: seconds * 1_000_000 }));
  expect(countSkippable(segments, 2)).toBe(count);
});

test("the Multivariant Playlist names codecs, size and rates", () => {
  const variant = {
    uri: "index.m3u8",
    peakBitsPerSecond: 2_100_000.4,
    averageBitsPerSecond: 2_000_000,
    codecStrings: ["avc1.64001f", "mp4a.40.2"],
    resolution: { width: 1280, height: 720 },
    frameRate: 30000 / 1001,
  };
  const text = renderMultivariantPlaylist([variant], tokenSuffix("a b&c"));
  expect(text).toContain("index.m3u8?token=a%20b%26c\n");
  const [parsed] = (HLS.parse(text) as HLS.types.MasterPlaylist).variants;
  expect(parsed).toMatchObject({
    bandwidth: 2_100_001,
    averageBandwidth: 2_000_000,
    codecs: "avc1.64001f,mp4a.40.2",
    resolution: { width: 1280, height: 720 },
    frameRate: 29.97,
  });
  expect(renderMultivariantPlaylist([{ uri: "a", peakBitsPerSecond: 0, codecStrings: [] }])).toContain("BANDWIDTH=1\n");
});

test("seconds are exact to the microsecond", () => {
  fc.assert(fc.property(fc.nat(2 ** 40), (us) => Math.round(Number(formatSeconds(us)) * 1e6) === us));
  expect(formatSeconds(2_000_000)).toBe("2");
  expect(formatSeconds(33_366.7)).toBe("0.033367");
});

test.each([
  { text: "", query: {}, why: "nothing asked" },
  { text: "_HLS_msn=12&_HLS_part=3&_HLS_skip=YES", query: { msn: 12, part: 3, skip: true }, why: "all three" },
  { text: "_HLS_skip=v2&token=a%2Fb", query: { skip: true, token: "a/b" }, why: "v2 is a delta too" },
  { text: "_HLS_skip=NO&_HLS_future=1&x", query: {}, why: "what is not known is ignored" },
  { text: "_HLS_msn=1&_HLS_msn=2", query: { msn: 1 }, why: "the first of two counts" },
  { text: "token=%zz", query: { token: "%zz" }, why: "a broken escape stays as it is" },
])("the query «$text»: $why", ({ text, query }) => {
  expect(parsePlaylistQuery(text)).toEqual({ kind: "query", query });
});

test.each([
  "_HLS_msn=-1",
  "_HLS_msn=",
  "_HLS_msn=1e3",
  "_HLS_part=0x1",
  "_HLS_msn=9999999999999999",
  "a".repeat(5_000),
])("the query «%s» is a bad request", (text) => {
  expect(parsePlaylistQuery(text).kind).toBe("bad-request");
});

test("any query is read or refused", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) =>
      ["query", "bad-request"].includes(parsePlaylistQuery(text).kind),
    ),
  );
});

const GOOD = renderMediaPlaylist(PLAYLIST);
const LATER = renderMediaPlaylist({
  ...PLAYLIST,
  mediaSequence: 9,
  segments: [...PLAYLIST.segments.slice(1), segment(13, 3)],
  openSegment: segment(14),
  preloadHintUri: "part-14.0.m4s",
});

test("the checker finds nothing wrong with good playlists", () => {
  expect(checkPlaylist(parseMediaPlaylist(GOOD))).toEqual([]);
  expect(checkPlaylist(parseMediaPlaylist(LATER), parseMediaPlaylist(GOOD))).toEqual([]);
});

/** Each row breaks a good playlist; together they show that every rule can fail. */
const BROKEN: { rule: string; from: string | RegExp; to: string; previous?: string; text?: string }[] = [
  { rule: "EXTM3U", from: "#EXTM3U", to: "#EXT" },
  { rule: "no tag is unknown", from: "#EXT-X-PART-INF", to: "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-PART-INF" },
  { rule: "EXT-X-SKIP needs version 9", from: "VERSION:9", to: "VERSION:6" },
  { rule: "EXTINF, rounded", from: "#EXTINF:2,\nseg-9", to: "#EXTINF:2.5,\nseg-9" },
  { rule: "EXT-X-PART-INF is there", from: /#EXT-X-PART-INF.*\n/, to: "" },
  { rule: "Skip Boundary", from: "UNTIL=12", to: "UNTIL=11" },
  { rule: "HOLD-BACK is at least three T", from: ",HOLD-BACK=6", to: ",HOLD-BACK=5.9" },
  { rule: "PART-HOLD-BACK", from: "PART-HOLD-BACK=0.621", to: "PART-HOLD-BACK=0.5" },
  { rule: "every segment has a map", from: /#EXT-X-MAP:URI="init-1.mp4"\n/, to: "" },
  { rule: "no part is longer", from: 'DURATION=0.2,URI="part-12.3', to: 'DURATION=0.208,URI="part-12.3' },
  { rule: "85 %", from: 'DURATION=0.2,URI="part-13.1', to: 'DURATION=0.1,URI="part-13.1' },
  { rule: "before its first part", from: "#EXTINF:2,\nseg-12", to: "#EXT-X-DISCONTINUITY\n#EXTINF:2,\nseg-12" },
  { rule: "one part is hinted", from: "part-13.2", to: "part-13.1" },
  { rule: "one part is hinted", from: /#EXT-X-PRELOAD.*\n/, to: "" },
  { rule: "dates do not overlap", from: "16:00:24.000", to: "16:00:23.000" },
  { rule: "a change of map is a discontinuity", from: "#EXT-X-DISCONTINUITY\n", to: "" },
  { rule: "no URI stands for two things", from: "part-12.3", to: "part-12.2" },
  {
    rule: "three Target Durations of the end only",
    from: "#EXTINF:2,\nseg-8",
    to: '#EXT-X-PART:DURATION=0.2,URI="x"\n#EXTINF:2,\nseg-8',
  },
  { rule: "never change", from: "TARGET=0.207", to: "TARGET=0.206", previous: GOOD },
  { rule: "never go back", from: "", to: "", previous: LATER },
  { rule: "what stays does not change", from: "seg-9.m4s", to: "seg-9.ts", previous: GOOD },
  {
    rule: "counts the tags that left",
    from: "DISCONTINUITY-SEQUENCE:3",
    to: "DISCONTINUITY-SEQUENCE:4",
    previous: GOOD,
  },
  { rule: "do not remain", from: "DURATION:2", to: "DURATION:4", previous: GOOD, text: LATER },
  { rule: "parts are only appended", from: "part-13.0", to: "part-13.9", previous: GOOD },
  { rule: "an ended playlist stays", from: "", to: "", previous: `${GOOD}#EXT-X-ENDLIST\n` },
];

test.each(BROKEN)("the checker sees that «$rule» is broken", ({ rule, from, to, previous, text }) => {
  const broken = (text ?? GOOD).replace(from, to);
  const found = checkPlaylist(
    parseMediaPlaylist(broken),
    previous === undefined ? undefined : parseMediaPlaylist(previous),
  );
  expect(
    found.some((line) => line.includes(rule)),
    `${found}`,
  ).toBe(true);
});

test("no rule is left without a playlist that breaks it", () => {
  const untested = PLAYLIST_RULES.filter(({ title }) => !BROKEN.some(({ rule }) => title.includes(rule)));
  expect(untested.map(({ title }) => title)).toEqual([]);
});
