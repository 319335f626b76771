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
import { decodeAmf0, decodeAmf0Sequence, encodeAmf0 } from "./amf0.ts";
import { encodeAmf3 } from "./amf3-encode.ts";
import { concat } from "./test-peer.ts";

const read = (hex: string, limits?: AmfLimits) => decodeAmf0(fromHex(hex), 0, limits);
const codeOf = (result: ReturnType<typeof decodeAmf0>) => (result.ok ? "ok" : result.code);

describe("values on the wire", () => {
  test.each<{ wire: string; value: AmfValue; why: string }>([
    { wire: "00 3ff0000000000000", value: 1, why: "numbers are doubles" },
    { wire: "01 01", value: true, why: "a boolean is one byte" },
    { wire: "02 0003 616263", value: "abc", why: "short strings have two bytes of length" },
    { wire: "05", value: null, why: "null is a marker" },
    { wire: "06", value: undefined, why: "so is undefined" },
    { wire: "03 0001 61 05 0000 09", value: amfObject({ a: null }), why: "an object ends with an empty key and 09" },
    {
      wire: "08 00000001 0001 61 05 0000 09",
      value: new AmfEcmaArray(amfObject({ a: null })),
      why: "an ECMA array is an object with a count",
    },
    { wire: "0a 00000002 05 06", value: [null, undefined], why: "a strict array is counted" },
    { wire: "0b 4271f71fb04cb000 0000", value: new AmfDate(1_234_567_890_123), why: "a date has a zone, unused" },
    { wire: "0f 00000004 3c612f3e", value: new AmfXml("<a/>"), why: "XML stays text" },
    {
      wire: "10 0001 43 0001 61 05 0000 09",
      value: new AmfTypedObject("C", amfObject({ a: null })),
      why: "a typed object starts with its class",
    },
  ])("$wire: $why", ({ wire, value }) => {
    const bytes = fromHex(wire);
    expect(decodeAmf0(bytes)).toEqual({ ok: true, value, end: bytes.length });
    expect(toHex(encodeAmf0(value))).toBe(toHex(bytes));
  });

  test("a string beyond 65,535 bytes is written as a long string", () => {
    const text = "x".repeat(65_536);
    const bytes = encodeAmf0(text);
    expect(toHex(bytes.subarray(0, 5))).toBe("0c00010000");
    expect(decodeAmf0(bytes)).toEqual({ ok: true, value: text, end: bytes.length });
  });

  test("the count of an ECMA array is only a hint", () => {
    expect(read("08 ffffffff 0001 61 05 0000 09")).toMatchObject({ value: { properties: { a: null } } });
  });

  test("an empty key that is not the end is a key", () => {
    expect(read("03 0000 05 0000 09")).toMatchObject({ ok: true, value: { "": null } });
  });

  test("an unsupported value reads as undefined", () => {
    expect(read("0d")).toMatchObject({ ok: true, value: undefined });
  });

  test("keys of the prototype are only keys", () => {
    const bytes = encodeAmf0(amfObject({ ["__proto__"]: amfObject({ isAdmin: true }), constructor: 1 }));
    const decoded = decodeAmf0(bytes);
    if (!decoded.ok) throw new Error(decoded.message);
    expect(Object.getPrototypeOf(decoded.value)).toBeNull();
    expect(Object.keys(decoded.value as object)).toEqual(["__proto__", "constructor"]);
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  test("byte arrays, vectors and dictionaries go through AMF3", () => {
    for (const value of [
      Uint8Array.of(1, 2),
      new AmfVector("int", [-1, 2], false),
      new AmfDictionary([["a", 1]], true),
    ]) {
      const bytes = encodeAmf0(value);
      expect(bytes[0]).toBe(0x11);
      expect(decodeAmf0(bytes)).toEqual({ ok: true, value, end: bytes.length });
    }
  });

  test("AMF3 values of one message share their reference tables", () => {
    // A string "abc" in the first value, a reference to it in the second.
    expect(decodeAmf0Sequence(fromHex("11 06 07 616263 11 06 00"))).toEqual({ ok: true, values: ["abc", "abc"] });
  });
});

describe("references", () => {
  test("name an earlier object", () => {
    expect(read("0a 00000002 03 0000 09 07 0001")).toMatchObject({ ok: true, value: [{}, {}] });
  });

  test.each([
    { wire: "07 0000", why: "there is no object" },
    { wire: "0a 00000001 07 0000", why: "the array would hold itself" },
    { wire: "03 0001 61 07 0000 0000 09", why: "the object would hold itself" },
  ])("$wire is refused: $why", ({ wire }) => {
    expect(codeOf(read(wire))).toBe("AMF_REFERENCE_INVALID");
  });

  test("that double at each step pay for what they stand for", () => {
    // Each array holds the one before twice: 24 steps would be 16 million values when written out.
    const parts = ["0a 0000001a", "0a 00000000"];
    for (let i = 1; i <= 24; i++) parts.push(`0a 00000002 07 ${hex16(i)} 07 ${hex16(i)}`);
    parts.push("05");
    expect(codeOf(read(parts.join(" ")))).toBe("AMF_ELEMENT_LIMIT");
  });

  test("that nest at each step count as nested", () => {
    const parts = ["0a 00000029", "0a 00000000"];
    for (let i = 1; i <= 40; i++) parts.push(`0a 00000001 07 ${hex16(i)}`);
    expect(codeOf(read(parts.join(" ")))).toBe("AMF_DEPTH_LIMIT");
  });
});

describe("limits", () => {
  const small: AmfLimits = { maxDepth: 2, maxElements: 4, maxStringBytes: 4, maxTotalBytes: 6 };
  test.each([
    { wire: "0a 00000001 0a 00000001 0a 00000000", code: "ok", why: "depth 2 is allowed" },
    { wire: "0a 00000001 0a 00000001 0a 00000001 05", code: "AMF_DEPTH_LIMIT", why: "depth 3 is not" },
    { wire: "0a 00000004 05 05 05 05", code: "AMF_ELEMENT_LIMIT", why: "the array counts as well" },
    { wire: "02 0005 6161616161", code: "AMF_STRING_LIMIT", why: "five bytes in one string" },
    { wire: "0a 00000002 02 0004 61616161 02 0003 616161", code: "AMF_BYTE_LIMIT", why: "seven bytes in all" },
    { wire: "03 0005 6161616161 05 0000 09", code: "AMF_STRING_LIMIT", why: "keys are strings" },
    { wire: "0c ffffffff", code: "AMF_STRING_LIMIT", why: "4 GiB announced" },
    { wire: "0a ffffffff", code: "AMF_TRUNCATED", why: "more items than bytes" },
    { wire: "0a 00000001 11 09 03 01 09 03 01 04 01", code: "AMF_DEPTH_LIMIT", why: "AMF3 inside goes on counting" },
  ])("$wire: $why", ({ wire, code }) => {
    expect(codeOf(read(wire, small))).toBe(code);
  });

  test.each([
    { unit: "0a00000001", why: "strict arrays" },
    { unit: "03000161", why: "objects" },
    { unit: "0800000000000161", why: "ECMA arrays" },
    { unit: "1000014300 0161", why: "typed objects" },
  ])("$why nested 100,000 deep are refused, not followed", ({ unit }) => {
    const bytes = fromHex(unit.repeat(100_000));
    const limits = { ...DEFAULT_AMF_LIMITS, maxDepth: 1e9, maxElements: 1e9, maxTotalBytes: 1e9 };
    expect(codeOf(decodeAmf0(bytes, 0, limits))).toBe("AMF_DEPTH_LIMIT");
  });

  test("a value nested too deep cannot be written", () => {
    let value: AmfValue = null;
    for (let i = 0; i < 40; i++) value = [value];
    expect(() => encodeAmf0(value)).toThrow(RangeError);
  });
});

describe("failures", () => {
  test.each([
    { wire: "", code: "AMF_TRUNCATED", why: "nothing there" },
    { wire: "00 3ff0", code: "AMF_TRUNCATED", why: "half a number" },
    { wire: "03 0001 61 05", code: "AMF_TRUNCATED", why: "an object without end" },
    { wire: "04", code: "AMF_MARKER_UNKNOWN", why: "movie clips were never used" },
    { wire: "09", code: "AMF_MARKER_UNKNOWN", why: "an end without object" },
    { wire: "0e", code: "AMF_MARKER_UNKNOWN", why: "record sets were never used" },
    { wire: "12", code: "AMF_MARKER_UNKNOWN", why: "there is no such marker" },
  ])("$wire: $why", ({ wire, code }) => {
    expect(codeOf(read(wire))).toBe(code);
  });

  test("say where", () => {
    expect(read("0a 00000002 05 04")).toMatchObject({ offset: 6, message: expect.stringContaining("byte 6") });
  });
});

describe("any", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 20 });
  const value = fc.letrec<{ value: AmfValue; object: AmfValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.constantFrom<AmfValue>(null, undefined, true, false),
      fc.double(),
      text,
      fc.date({ noInvalidDate: true }).map((date) => new AmfDate(date.getTime())),
      text.map((xml) => new AmfXml(xml)),
      fc.uint8Array({ maxLength: 30 }),
      fc.array(tie("value"), { maxLength: 4 }),
      tie("object"),
      tie("object").map((object) => new AmfEcmaArray(object as never)),
      fc.tuple(text, tie("object")).map(([name, object]) => new AmfTypedObject(name, object as never)),
    ),
    object: fc
      .array(
        fc.tuple(
          text.filter((key) => key !== ""),
          tie("value"),
        ),
        { maxLength: 4 },
      )
      .map((entries) => amfObject(Object.fromEntries(entries))),
  })).value;

  test("value comes back as it was", () => {
    fc.assert(
      fc.property(value, (original) => {
        const bytes = encodeAmf0(original);
        expect(decodeAmf0(bytes)).toEqual({ ok: true, value: original, end: bytes.length });
      }),
    );
  });

  test("cut of a value is refused as truncated", () => {
    fc.assert(
      fc.property(value, fc.nat(), (original, at) => {
        const bytes = encodeAmf0(original);
        const cut = bytes.subarray(0, at % bytes.length);
        expect(codeOf(decodeAmf0(cut))).toBe("AMF_TRUNCATED");
      }),
    );
  });

  test("bytes either decode to what can be written again, or are refused", () => {
    const markers = fc.constantFrom(0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 15, 16, 17);
    const soup = fc.array(fc.oneof(markers, fc.constantFrom(0, 1, 2), fc.integer({ min: 0, max: 255 })));
    fc.assert(
      fc.property(soup, (bytes) => {
        const decoded = decodeAmf0Sequence(Uint8Array.from(bytes));
        if (decoded.ok) encodeAmf0(...decoded.values);
        else expect(decoded.message).toContain("Cannot read AMF");
      }),
      { numRuns: 2000 },
    );
  });

  test("AMF3 value may stand in AMF0", () => {
    fc.assert(
      fc.property(value, (original) => {
        const bytes = concat([Uint8Array.of(0x11), encodeAmf3(original)]);
        expect(decodeAmf0(bytes)).toMatchObject({ ok: true, end: bytes.length });
      }),
    );
  });
});

function hex16(value: number): string {
  return value.toString(16).padStart(4, "0");
}
