import fc from "fast-check";
import { expect, test } from "vitest";
import { equalSecret, hashSecret, randomToken, signToken, verifyToken } from "./secrets.ts";

const key = { id: "k1", secret: "0123456789abcdef" };

test("random tokens are long, safe in URLs and never the same", () => {
  const tokens = new Set(Array.from({ length: 100 }, () => randomToken()));
  expect(tokens.size).toBe(100);
  for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(() => randomToken(8)).toThrow(RangeError);
});

test("a hash is SHA-256 in hex", () => {
  expect(hashSecret("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test.each([
  ["same", "same", true],
  ["same", "samf", false],
  ["short", "shorter", false],
  ["", "", true],
])("%s and %s are equal: %s", (given, expected, isEqual) => {
  expect(equalSecret(given, expected)).toBe(isEqual);
});

test("a signed token gives its payload back until it expires", () => {
  const token = signToken({ channel: "mirror" }, key, 2_000);
  expect(verifyToken(token, [key], 1_999)).toEqual({ ok: true, payload: { channel: "mirror" }, expiresAtMs: 2_000 });
  expect(verifyToken(token, [key], 2_000)).toEqual({ ok: false, code: "TOKEN_EXPIRED" });
});

test("a retired key is unknown, a changed one gives a wrong signature", () => {
  const token = signToken({}, key, 2_000);
  const next = { id: "k2", secret: "fedcba9876543210" };
  expect(verifyToken(token, [next], 0)).toEqual({ ok: false, code: "TOKEN_KEY_UNKNOWN" });
  expect(verifyToken(token, [next, key], 0)).toHaveProperty("ok", true);
  expect(verifyToken(token, [{ ...next, id: "k1" }], 0)).toEqual({ ok: false, code: "TOKEN_SIGNATURE_WRONG" });
});

test("a token with any character changed is refused", () => {
  const token = signToken({ channel: "mirror" }, key, 2_000);
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom("A", "z", "0", "_", ".", "!"), (at, character) => {
      fc.pre(token[at] !== character);
      expect(verifyToken(token.slice(0, at) + character + token.slice(at + 1), [key], 0).ok).toBe(false);
    }),
  );
});

test("any text is refused without an exception", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(verifyToken(text, [key], 0)).toEqual({ ok: false, code: "TOKEN_MALFORMED" });
    }),
  );
  const body = Buffer.from(JSON.stringify({ k: 1, e: "x", p: null })).toString("base64url");
  expect(verifyToken(`${body}.${"A".repeat(43)}`, [key], 0)).toEqual({ ok: false, code: "TOKEN_MALFORMED" });
  expect(verifyToken("a".repeat(2_049), [key], 0)).toEqual({ ok: false, code: "TOKEN_MALFORMED" });
});

test.each([
  { why: "the payload is too long", make: () => signToken({ text: "x".repeat(2_000) }, key, 1) },
  { why: "the key is weak", make: () => signToken({}, { id: "k", secret: "short" }, 1) },
  { why: "the key's id is odd", make: () => signToken({}, { ...key, id: "a b" }, 1) },
  { why: "it would never expire", make: () => signToken({}, key, Number.POSITIVE_INFINITY) },
])("a token is not made when $why", ({ make }) => {
  expect(make).toThrow(RangeError);
});
