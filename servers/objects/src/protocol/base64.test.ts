import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase64, encodeBase64 } from "./base64.ts";

test("base64 is that of the platform, both ways", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString("base64");
      expect(encodeBase64(bytes)).toBe(text);
      expect(decodeBase64(text)).toEqual(bytes);
    }),
  );
});

test.each([
  { text: "QQ", why: "no padding" },
  { text: "Q===", why: "too much padding" },
  { text: "QQ=A", why: "padding inside" },
  { text: "QR==", why: "bits that belong to no byte" },
  { text: "Q_==", why: "the alphabet of URLs" },
  { text: "QQ==\n", why: "a line end" },
  { text: "QÄ==", why: "no ASCII" },
])("$text is no base64: $why", ({ text }) => {
  expect(decodeBase64(text)).toBeUndefined();
});

test("a text that is read is the one that is written", () => {
  fc.assert(
    fc.property(fc.base64String(), (text) => {
      const bytes = decodeBase64(text);
      if (bytes !== undefined) expect(encodeBase64(bytes)).toBe(text);
    }),
  );
});
