import { createHash, createHmac } from "node:crypto";
import { toHex } from "@kagami/bytes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hmacSha256, sha256 } from "./sha256.ts";

test("the digest of abc is the one in FIPS 180-4's examples", () => {
  expect(toHex(sha256(new TextEncoder().encode("abc")))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

test("digests agree with Node's for any parts", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (parts) => {
      const hash = createHash("sha256");
      for (const part of parts) hash.update(part);
      expect(toHex(sha256(...parts))).toBe(hash.digest("hex"));
    }),
  );
});

test("authentication codes agree with Node's for keys below, at and above a block", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 140 }), fc.uint8Array({ maxLength: 2000 }), (key, text) => {
      expect(toHex(hmacSha256(key, text))).toBe(createHmac("sha256", key).update(text).digest("hex"));
    }),
  );
});
