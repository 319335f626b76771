import { readFileSync } from "node:fs";
import { BitWriter, fromHex, toHex } from "@kagami/bytes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAvcRecord } from "./avc-config.ts";
import { type AvcSps, avcMaxDpbFrames, avcReorderLimit, parseAvcSps, parseAvcSpsLayout } from "./avc-sps.ts";
import { addEmulationPrevention, removeEmulationPrevention } from "./emulation-prevention.ts";
import type { VideoConfig } from "./sample.ts";
import { rewriteAvcSps, rewriteReorderLimit } from "./sps-rewrite.ts";
import { videoConfigFromRecord } from "./track-config.ts";

interface SpsShape {
  readonly profileIdc: number;
  readonly levelIdc: number;
  readonly chromaFormatIdc: number;
  readonly scalingDeltas: readonly number[] | undefined;
  readonly picOrderCntType: number;
  readonly cycle: readonly number[];
  readonly maxNumRefFrames: number;
  readonly widthMbs: number;
  readonly heightMbs: number;
  readonly hasFrameMbsOnly: boolean;
  readonly crop: readonly [number, number, number, number] | undefined;
  readonly vui: VuiShape | undefined;
}
interface VuiShape {
  readonly aspect: readonly [number, number] | undefined;
  readonly colour: readonly [number, number, number] | undefined;
  readonly chromaLocation: number | undefined;
  readonly timing: readonly [number, number] | undefined;
  readonly hrdCpbCount: number;
  readonly restriction: readonly [number, number] | undefined;
}

const HIGH = [100, 110, 122, 244];

const vuiShape: fc.Arbitrary<VuiShape> = fc.record({
  aspect: fc.option(fc.tuple(fc.nat(65_535), fc.nat(65_535)), { nil: undefined }),
  colour: fc.option(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)), { nil: undefined }),
  chromaLocation: fc.option(fc.nat(5), { nil: undefined }),
  timing: fc.option(fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff)), { nil: undefined }),
  hrdCpbCount: fc.nat(3),
  restriction: fc.option(fc.tuple(fc.nat(16), fc.nat(16)), { nil: undefined }),
});

const spsShape: fc.Arbitrary<SpsShape> = fc.record({
  profileIdc: fc.constantFrom(66, 77, 88, ...HIGH),
  levelIdc: fc.constantFrom(9, 10, 11, 31, 40, 52),
  chromaFormatIdc: fc.nat(3),
  scalingDeltas: fc.option(fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 12, maxLength: 12 }), {
    nil: undefined,
  }),
  picOrderCntType: fc.nat(2),
  cycle: fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 4 }),
  maxNumRefFrames: fc.nat(16),
  widthMbs: fc.integer({ min: 1, max: 300 }),
  heightMbs: fc.integer({ min: 1, max: 200 }).map((value) => value * 2),
  hasFrameMbsOnly: fc.boolean(),
  crop: fc.option(fc.tuple(fc.nat(1), fc.nat(1), fc.nat(1), fc.nat(1)), { nil: undefined }),
  vui: fc.option(vuiShape, { nil: undefined }),
});

/** Writes §7.3.2.1.1 from a shape; shares no code with the parser. */
function buildSps(shape: SpsShape): Uint8Array {
  const w = new BitWriter();
  w.bits(0x67, 8);
  w.bits(shape.profileIdc, 8);
  w.bits(0, 8);
  w.bits(shape.levelIdc, 8);
  w.ue(0);
  if (HIGH.includes(shape.profileIdc)) {
    w.ue(shape.chromaFormatIdc);
    if (shape.chromaFormatIdc === 3) w.bit(0);
    w.ue(0);
    w.ue(0);
    w.bit(0);
    writeScalingLists(w, shape);
  }
  w.ue(4);
  w.ue(shape.picOrderCntType);
  if (shape.picOrderCntType === 0) w.ue(2);
  if (shape.picOrderCntType === 1) {
    w.bit(0);
    w.se(-3);
    w.se(5);
    w.ue(shape.cycle.length);
    for (const value of shape.cycle) w.se(value);
  }
  w.ue(shape.maxNumRefFrames);
  w.bit(0);
  w.ue(shape.widthMbs - 1);
  w.ue((shape.hasFrameMbsOnly ? shape.heightMbs : shape.heightMbs / 2) - 1);
  w.bit(shape.hasFrameMbsOnly ? 1 : 0);
  if (!shape.hasFrameMbsOnly) w.bit(1);
  w.bit(1);
  w.bit(shape.crop ? 1 : 0);
  for (const value of shape.crop ?? []) w.ue(value);
  w.bit(shape.vui ? 1 : 0);
  if (shape.vui) writeVui(w, shape.vui);
  w.bit(1);
  return addEmulationPrevention(w.toBytes());
}

/** Odd deltas: no list. Negative ones: a list that ends at its second entry. The others: a list of full length. */
function writeScalingLists(w: BitWriter, shape: SpsShape): void {
  w.bit(shape.scalingDeltas ? 1 : 0);
  for (let i = 0; shape.scalingDeltas && i < (shape.chromaFormatIdc === 3 ? 12 : 8); i++) {
    const delta = shape.scalingDeltas[i]!;
    w.bit(delta % 2 === 0 ? 1 : 0);
    if (delta % 2 !== 0) continue;
    const first = delta === -8 ? 9 : (8 + delta + 256) % 256; // -8 would end the list at once
    w.se(delta === -8 ? 1 : delta);
    if (delta < 0) w.se(first > 128 ? 256 - first : -first);
    else for (let entry = 1; entry < (i < 6 ? 16 : 64); entry++) w.se(0);
  }
}

function writeVui(w: BitWriter, vui: VuiShape): void {
  w.bit(vui.aspect ? 1 : 0);
  if (vui.aspect) {
    w.bits(255, 8);
    for (const value of vui.aspect) w.bits(value, 16);
  }
  w.bit(0);
  w.bit(vui.colour ? 1 : 0);
  if (vui.colour) {
    w.bits(5, 3);
    w.bits(0b11, 2);
    for (const value of vui.colour) w.bits(value, 8);
  }
  w.bit(vui.chromaLocation === undefined ? 0 : 1);
  for (let i = 0; vui.chromaLocation !== undefined && i < 2; i++) w.ue(vui.chromaLocation);
  w.bit(vui.timing ? 1 : 0);
  for (const value of vui.timing ?? []) w.bits(value, 32);
  if (vui.timing) w.bit(1);
  w.bit(vui.hrdCpbCount > 0 ? 1 : 0);
  if (vui.hrdCpbCount > 0) {
    w.ue(vui.hrdCpbCount - 1);
    w.bits(0x12, 8);
    for (let i = 0; i < vui.hrdCpbCount; i++) {
      w.ue(1000 + i);
      w.ue(2000);
      w.bit(0);
    }
    w.bits(0x12345, 20);
  }
  w.bit(0);
  if (vui.hrdCpbCount > 0) w.bit(0);
  w.bit(1);
  w.bit(vui.restriction ? 1 : 0);
  if (vui.restriction) {
    w.bit(0);
    for (const value of [3, 4, 9, 8, ...vui.restriction]) w.ue(value);
  }
}

function parse(nal: Uint8Array): AvcSps {
  const sps = parseAvcSps(nal);
  if ("kind" in sps) throw new Error(sps.message);
  return sps;
}

test("any SPS parses to what was written", () => {
  fc.assert(
    fc.property(spsShape, (shape) => {
      const sps = parse(buildSps(shape));
      const { profileIdc, levelIdc, picOrderCntType, maxNumRefFrames, widthMbs, heightMbs, hasFrameMbsOnly } = shape;
      expect(sps).toMatchObject({
        profileIdc,
        levelIdc,
        picOrderCntType,
        maxNumRefFrames,
        widthMbs,
        heightMbs,
        hasFrameMbsOnly,
      });
      const chroma = HIGH.includes(profileIdc) ? shape.chromaFormatIdc : 1;
      const [left, right, top, bottom] = shape.crop ?? [0, 0, 0, 0];
      const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
      const unitY = (chroma === 1 ? 2 : 1) * (hasFrameMbsOnly ? 1 : 2);
      expect(sps.width).toBe(widthMbs * 16 - unitX * (left + right));
      expect(sps.height).toBe(heightMbs * 16 - unitY * (top + bottom));
      const timing = shape.vui?.timing;
      expect(sps.vui?.timing).toEqual(timing && { numUnitsInTick: timing[0], timeScale: timing[1], isFixedRate: true });
      expect(sps.vui?.bitstreamRestriction?.maxNumReorderFrames).toBe(shape.vui?.restriction?.[0]);
    }),
    { numRuns: 500 },
  );
});

test("a rewritten SPS differs in nothing but the restriction", () => {
  fc.assert(
    fc.property(spsShape, fc.nat(4), (shape, wanted) => {
      const nal = buildSps(shape);
      const before = parse(nal);
      const rewritten = rewriteAvcSps(nal, wanted) as Uint8Array;
      const after = parse(rewritten);
      const noVui = { ...before.vui, hasHrd: before.vui?.hasHrd ?? false };
      expect({ ...after, vui: undefined }).toEqual({ ...before, vui: undefined });
      if (before.vui) {
        expect({ ...after.vui, bitstreamRestriction: undefined }).toEqual({
          ...noVui,
          bitstreamRestriction: undefined,
        });
      }
      const restriction = after.vui!.bitstreamRestriction!;
      const dpbFrames = Math.max(avcMaxDpbFrames(before), before.maxNumRefFrames);
      expect(restriction.maxNumReorderFrames).toBe(Math.min(wanted, dpbFrames));
      expect(restriction.maxDecFrameBuffering).toBeGreaterThanOrEqual(restriction.maxNumReorderFrames);
      expect(restriction.maxDecFrameBuffering).toBeGreaterThanOrEqual(before.maxNumRefFrames);
      // Every bit in front of the VUI, or of its last flag, is where it was.
      const layout = parseAvcSpsLayout(nal);
      const prefixBits = "sps" in layout ? (layout.restrictionFlagBits ?? layout.vuiFlagBits) : 0;
      const bits = (bytes: Uint8Array) =>
        [...removeEmulationPrevention(bytes)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
      expect(bits(rewritten).slice(0, prefixBits)).toBe(bits(nal).slice(0, prefixBits));
      // A new VUI has eight absent parts, then the restriction.
      if (!before.vui) expect(bits(rewritten).slice(prefixBits, prefixBits + 10)).toBe("1000000001");
      expect(rewriteAvcSps(rewritten, wanted)).toBe(rewritten);
    }),
    { numRuns: 500 },
  );
});

const records: { codec: string; name: string; record: string }[] = JSON.parse(
  readFileSync(new URL("../testdata/records.json", import.meta.url), "utf8"),
);

function configOf(name: string): VideoConfig {
  const row = records.find((candidate) => candidate.name === name)!;
  const config = videoConfigFromRecord(row.codec as "h264", fromHex(row.record));
  if (config.kind === "malformed") throw new Error(config.message);
  return config;
}

test("a whole configuration is rewritten, its PPS and tail untouched", () => {
  const before = configOf("high422");
  const after = rewriteReorderLimit(before, 0) as VideoConfig;
  const [old, now] = [parseAvcRecord(before.record), parseAvcRecord(after.record)];
  if ("kind" in old || "kind" in now) throw new Error("refused");
  expect(avcReorderLimit(parse(old.sps[0]!))).toBe(2);
  expect(avcReorderLimit(parse(now.sps[0]!))).toBe(0);
  expect(now.pps).toEqual(old.pps);
  expect(toHex(now.tail)).toBe(toHex(old.tail));
  expect({ ...after, record: undefined }).toEqual({ ...before, record: undefined });
});

test("a configuration that says so already, and one that is not H.264, come back as they are", () => {
  const h264 = configOf("main-bframes");
  expect(rewriteReorderLimit(h264, 2)).toBe(h264);
  const h265 = configOf("hevc-main");
  expect(rewriteReorderLimit(h265, 0)).toBe(h265);
});

test.each([
  { profileIdc: 66, picOrderCntType: 0, limit: 0, why: "Baseline has no B slices" },
  { profileIdc: 77, picOrderCntType: 2, limit: 0, why: "picture order type 2 is decoding order" },
  { profileIdc: 77, picOrderCntType: 0, limit: 9, why: "720p at level 4 has room for nine frames" },
])("without a restriction the reorder limit is $limit: $why", ({ profileIdc, picOrderCntType, limit }) => {
  const shape: SpsShape = {
    ...{ profileIdc, levelIdc: 40, chromaFormatIdc: 1, scalingDeltas: undefined, picOrderCntType, cycle: [] },
    ...{ maxNumRefFrames: 1, widthMbs: 80, heightMbs: 45, hasFrameMbsOnly: true, crop: undefined, vui: undefined },
  };
  expect(avcReorderLimit(parse(buildSps(shape)))).toBe(limit);
});

test("emulation prevention goes in and out without a trace", () => {
  const zeros = fc
    .array(fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 255), { maxLength: 40 })
    .map((list) => Uint8Array.from(list));
  fc.assert(
    fc.property(zeros, (rbsp) => {
      const nal = addEmulationPrevention(rbsp);
      expect(removeEmulationPrevention(nal)).toEqual(rbsp);
      expect(toHex(nal).match(/.{2}/g)?.join(" ") ?? "").not.toMatch(/\b00 00 0[012]\b/);
    }),
    { numRuns: 500 },
  );
});

test("a NAL unit without emulation prevention is not copied", () => {
  const nal = Uint8Array.of(0x67, 0, 1, 3);
  expect(removeEmulationPrevention(nal)).toBe(nal);
});

test("any bytes are an SPS or a refusal, and so is their rewriting", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(20), (bytes, wanted) => {
      const nal = Uint8Array.from([0x67, ...bytes]);
      const sps = parseAvcSps(nal);
      const rewritten = rewriteAvcSps(nal, wanted);
      expect("kind" in rewritten).toBe("kind" in sps);
    }),
    { numRuns: 2000 },
  );
});
