import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { signingHashes } from "./signing-hashes.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
// Around the sizes of a block, of the scratch, and with every byte.
const text = fc
  .tuple(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(0, 4_000, 4_032, 4_096, 9_000))
  .map(([start, fill]) => Buffer.from(start).toString("latin1") + "x".repeat(fill));

test("HMACs and hashes are those of the platform, again and again with the same key", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(text, { maxLength: 4 }), (key, texts) => {
      for (const each of texts) {
        expect(signingHashes.hmacHex(key, each)).toBe(createHmac("sha256", key).update(bytes(each)).digest("hex"));
        expect(Buffer.from(signingHashes.hmac(key, each)).toString("hex")).toBe(signingHashes.hmacHex(key, each));
        expect(signingHashes.sha256Hex(each)).toBe(createHash("sha256").update(bytes(each)).digest("hex"));
      }
    }),
  );
});

test("a hash of pieces is that of the whole", () => {
  const running = signingHashes.startSha256();
  for (const piece of ["a", "", "bc"]) running.update(bytes(piece));
  expect(running.digestHex()).toBe(signingHashes.sha256Hex("abc"));
});
