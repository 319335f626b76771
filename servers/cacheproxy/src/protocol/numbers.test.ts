import fc from "fast-check";
import { expect, test } from "vitest";
import { ascii } from "./ascii.ts";
import { decodeBase64Key, encodeBase64Key, isPlainKey } from "./base64-key.ts";
import { isUint64, readInt32, readUint32, readUint64 } from "./numbers.ts";

const NO = Number.NaN;

test.each([
  { text: "0", int32: 0, uint32: 0, why: "plain" },
  { text: "-1", int32: -1, uint32: NO, why: "negative where read as unsigned" },
  { text: "+5", int32: 5, uint32: 5, why: "a sign is allowed" },
  { text: "\t7", int32: 7, uint32: 7, why: "blanks before are skipped" },
  { text: "7\tjunk", int32: 7, uint32: 7, why: "what follows a blank is ignored" },
  { text: "7x", int32: NO, uint32: NO, why: "what follows otherwise is not" },
  { text: "0x10", int32: NO, uint32: NO, why: "base ten only" },
  { text: "010", int32: 10, uint32: 10, why: "no octal" },
  { text: "", int32: NO, uint32: NO, why: "no digit" },
  { text: "-", int32: NO, uint32: NO, why: "no digit" },
  { text: "2147483648", int32: -2_147_483_648, uint32: 2_147_483_648, why: "32 bits are cut out" },
  { text: "4294967297", int32: 1, uint32: 1, why: "32 bits are cut out" },
  { text: "-4294967295", int32: 1, uint32: NO, why: "cut out, of a negative number too" },
  { text: "9223372036854775807", int32: -1, uint32: 4_294_967_295, why: "the largest long" },
  { text: "9223372036854775808", int32: NO, uint32: 0, why: "more than a long" },
  { text: "-9223372036854775809", int32: NO, uint32: 4_294_967_295, why: "wraps to a positive unsigned long" },
  { text: "18446744073709551616", int32: NO, uint32: NO, why: "more than 64 bits" },
])("$text is $int32 signed and $uint32 unsigned: $why", ({ text, int32, uint32 }) => {
  const bytes = ascii(`..${text}.`);
  expect(readInt32(bytes, 2, 2 + text.length)).toBe(int32);
  expect(readUint32(bytes, 2, 2 + text.length)).toBe(uint32);
  expect(isUint64(bytes, 2, 2 + text.length)).toBe(!Number.isNaN(uint32));
});

test("64-bit numbers are read whole", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      const bytes = ascii(String(value));
      expect(readUint64(bytes, 0, bytes.length)).toBe(value);
    }),
  );
});

test.each([
  { text: "YQ==", key: "a", why: "canonical" },
  { text: "YR==", key: "a", why: "unused bits are ignored" },
  { text: "Y-Q==", key: "a", why: "foreign characters are skipped" },
  { text: "YQ==YQ==", key: "a", why: "padding ends it" },
  { text: "Y=Q=", key: "`", why: "padding counts wherever it is" },
  { text: "YQ", key: "", why: "no fours" },
  { text: "Y===", key: "", why: "too much padding" },
  { text: "====", key: "", why: "no byte" },
  { text: "", key: "", why: "nothing" },
])("base64 key $text is '$key': $why", ({ text, key }) => {
  const target = new Uint8Array(192);
  const length = decodeBase64Key(ascii(text), 0, text.length, target);
  expect(String.fromCharCode(...target.subarray(0, length))).toBe(key);
});

test("base64 keys are what they were after decoding, and what Node says", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 187 }), (key) => {
      const encoded = encodeBase64Key(key);
      expect(Buffer.from(encoded).toString("latin1")).toBe(Buffer.from(key).toString("base64"));
      const target = new Uint8Array(192);
      expect(target.subarray(0, decodeBase64Key(encoded, 0, encoded.length, target))).toEqual(key);
    }),
  );
});

test.each([
  { key: "a\x01\x7f\xff", isPlain: true, why: "memcached takes control characters" },
  { key: "a b", isPlain: false, why: "a space ends a key" },
  { key: "a\r", isPlain: true, why: "only the last CR of a line belongs to its end" },
  { key: "", isPlain: false, why: "nothing" },
  { key: "k".repeat(251), isPlain: false, why: "too long" },
])("the key $key can be written as it is: $isPlain, $why", ({ key, isPlain }) => {
  expect(isPlainKey(ascii(key))).toBe(isPlain);
});
