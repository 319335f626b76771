import { fromHex, toHex } from "@kagami/bytes";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AmfDate,
  AmfDictionary,
  AmfEcmaArray,
  type AmfLimits,
  AmfTypedObject,
  type AmfValue,
  AmfVector,
  AmfXml,
  amfObject,
  DEFAULT_AMF_LIMITS,
} from "./amf-value.ts";
import { decodeAmf3 } from "./amf3.ts";
import { encodeAmf3 } from "./amf3-encode.ts";

const read = (hex: string, limits?: AmfLimits) => decodeAmf3(fromHex(hex), 0, limits);
const codeOf = (result: ReturnType<typeof decodeAmf3>) => (result.ok ? "ok" : result.code);

describe("values on the wire", () => {
  test.each<{ wire: string; value: AmfValue; why: string }>([
    { wire: "00", value: undefined, why: "undefined is a marker" },
    { wire: "01", value: null, why: "so is null" },
    { wire: "02", value: false, why: "and false" },
    { wire: "03", value: true, why: "and true" },
    { wire: "04 7f", value: 127, why: "seven bits in one byte" },
    { wire: "04 8100", value: 128, why: "fourteen in two" },
    { wire: "04 ffff7f", value: 2_097_151, why: "twenty-one in three" },
    { wire: "04 80c08000", value: 2_097_152, why: "the fourth byte has eight" },
    { wire: "04 bfffffff", value: 268_435_455, why: "the largest integer" },
    { wire: "04 ffffffff", value: -1, why: "integers are signed" },
    { wire: "04 c0808000", value: -268_435_456, why: "the least integer" },
    { wire: "05 41b0000000000000", value: 268_435_456, why: "beyond 29 bits it is a double" },
    { wire: "05 8000000000000000", value: -0, why: "an integer has no minus zero" },
    { wire: "06 07 616263", value: "abc", why: "a string's length is shifted by its reference bit" },
    { wire: "08 01 4271f71fb04cb000", value: new AmfDate(1_234_567_890_123), why: "a date in line" },
    { wire: "09 05 01 01 03", value: [null, true], why: "a dense array has no keys" },
    { wire: "09 01 03 61 01 01", value: new AmfEcmaArray(amfObject({ a: null })), why: "keys without items" },
    { wire: "0a 0b 01 03 61 01 01", value: amfObject({ a: null }), why: "a dynamic object without class" },
    { wire: "0a 0b 03 43 01", value: new AmfTypedObject("C", amfObject({})), why: "an object with a class" },
    { wire: "0b 09 3c612f3e", value: new AmfXml("<a/>"), why: "XML stays text" },
    { wire: "0c 05 0102", value: Uint8Array.of(1, 2), why: "bytes" },
    { wire: "0d 03 00 ffffffff", value: new AmfVector("int", [-1], false), why: "a vector of integers" },
    { wire: "0e 03 01 ffffffff", value: new AmfVector("uint", [4_294_967_295], true), why: "unsigned, and fixed" },
    { wire: "0f 03 00 3ff0000000000000", value: new AmfVector("double", [1], false), why: "of doubles" },
    { wire: "10 03 00 03 43 01", value: new AmfVector("object", [null], false, "C"), why: "of objects" },
    { wire: "11 03 00 06 03 61 01", value: new AmfDictionary([["a", null]], false), why: "a dictionary" },
  ])("$wire: $why", ({ wire, value }) => {
    const bytes = fromHex(wire);
    expect(decodeAmf3(bytes)).toEqual({ ok: true, value, end: bytes.length });
    expect(toHex(encodeAmf3(value))).toBe(toHex(bytes));
  });

  test.each<{ wire: string; value: AmfValue; why: string }>([
    { wire: "09 05 01 06 03 61 06 00", value: ["a", "a"], why: "a string by reference" },
    { wire: "09 05 01 0a 0b 01 01 0a 02", value: [{}, {}], why: "an object by reference" },
    { wire: "09 05 01 0a 13 03 43 03 61 02 0a 01 03", value: [{}, {}], why: "traits by reference" },
    { wire: "09 03 03 62 02 01 03", value: { properties: { 0: true, b: false } }, why: "keys and items together" },
    { wire: "07 09 3c612f3e", value: { text: "<a/>" }, why: "the old XML marker" },
    { wire: "0a 13 03 43 03 61 03", value: { className: "C", properties: { a: true } }, why: "sealed keys" },
  ])("$wire: $why", ({ wire, value }) => {
    expect(read(wire)).toMatchObject({ ok: true, value, end: fromHex(wire).length });
  });
});

describe("refused", () => {
  test.each([
    { wire: "", code: "AMF_TRUNCATED", why: "nothing there" },
    { wire: "04 ff", code: "AMF_TRUNCATED", why: "half an integer" },
    { wire: "12 01", code: "AMF_MARKER_UNKNOWN", why: "there is no such marker" },
    { wire: "06 02", code: "AMF_REFERENCE_INVALID", why: "no such string" },
    { wire: "0a 02", code: "AMF_REFERENCE_INVALID", why: "no such object" },
    { wire: "0a 05", code: "AMF_REFERENCE_INVALID", why: "no such traits" },
    { wire: "09 03 01 09 00", code: "AMF_REFERENCE_INVALID", why: "the array would hold itself" },
    { wire: "0a 07 03 43", code: "AMF_EXTERNALIZABLE", why: "only its class could read it" },
    { wire: "09 ffffffff 01", code: "AMF_TRUNCATED", why: "more items than bytes" },
    { wire: "0a fffffffb 01", code: "AMF_TRUNCATED", why: "more keys than bytes" },
    { wire: "0f ffffffff 00", code: "AMF_TRUNCATED", why: "more doubles than bytes" },
    { wire: "11 ffffffff 00", code: "AMF_TRUNCATED", why: "more entries than bytes" },
    { wire: "0c ffffffff", code: "AMF_STRING_LIMIT", why: "256 MiB announced" },
  ])("$wire: $why", ({ wire, code }) => {
    expect(codeOf(read(wire))).toBe(code);
  });

  test("a string repeated by reference pays each time", () => {
    const limits = { ...DEFAULT_AMF_LIMITS, maxTotalBytes: 1000 };
    const repeats = (count: number) => `09 ${(count * 2 + 3).toString(16)} 01 06 ${"81 49"} ${"61".repeat(100)}`;
    expect(codeOf(read(`${repeats(9)} ${"06 00".repeat(9)}`, limits))).toBe("ok");
    expect(codeOf(read(`${repeats(10)} ${"06 00".repeat(10)}`, limits))).toBe("AMF_BYTE_LIMIT");
  });

  test("keys repeated by traits pay each time", () => {
    const limits = { ...DEFAULT_AMF_LIMITS, maxTotalBytes: 500 };
    const head = `0a 13 01 81 49 ${"61".repeat(100)} 01`;
    expect(codeOf(read(`09 0b 01 ${head} ${"0a 01 01".repeat(4)}`, limits))).toBe("AMF_BYTE_LIMIT");
  });

  test.each([
    { unit: "090301", why: "arrays" },
    { unit: "0a0b010361", why: "objects" },
    { unit: "11030004 01", why: "dictionaries" },
    { unit: "10030001", why: "vectors" },
  ])("$why nested 100,000 deep", ({ unit }) => {
    const limits = { ...DEFAULT_AMF_LIMITS, maxDepth: 1e9, maxElements: 1e9, maxTotalBytes: 1e9 };
    expect(codeOf(decodeAmf3(fromHex(unit.repeat(100_000)), 0, limits))).toBe("AMF_DEPTH_LIMIT");
  });
});

test("any bytes either decode to what can be written again, or are refused", () => {
  const soup = fc.array(fc.oneof(fc.integer({ min: 0, max: 17 }), fc.integer({ min: 0, max: 255 })), { maxLength: 60 });
  fc.assert(
    fc.property(soup, (bytes) => {
      const decoded = decodeAmf3(Uint8Array.from(bytes));
      if (decoded.ok) encodeAmf3(decoded.value);
      else expect(decoded.message).toContain("Cannot read AMF");
    }),
    { numRuns: 2000 },
  );
});
