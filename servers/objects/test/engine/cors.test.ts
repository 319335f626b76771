import { expect, test } from "vitest";
import { answerActual, answerPreflight, type CorsRule } from "../../src/engine/cors/cors.ts";

const rule: CorsRule = {
  id: undefined,
  allowedOrigins: ["https://*.example.com"],
  allowedMethods: ["GET", "PUT"],
  allowedHeaders: ["content-*"],
  exposeHeaders: ["etag"],
  maxAgeSeconds: 60,
};
const everyone: CorsRule = { ...rule, allowedOrigins: ["*"], allowedHeaders: ["*"] };
const asked = { origin: "https://a.example.com", method: "PUT", headers: ["content-type"] };

test("a preflight that a rule allows is told what it may", () => {
  expect(answerPreflight([rule], asked)).toEqual([
    ["access-control-allow-origin", "https://a.example.com"],
    ["access-control-allow-methods", "GET, PUT"],
    ["access-control-allow-credentials", "true"],
    ["access-control-expose-headers", "etag"],
    ["vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"],
    ["access-control-allow-headers", "content-type"],
    ["access-control-max-age", "60"],
  ]);
});

test.each([
  { change: { origin: "https://example.org" }, why: "another origin" },
  { change: { origin: "https://a.example.com.evil.org" }, why: "an origin that only begins alike" },
  { change: { method: "DELETE" }, why: "another method" },
  { change: { headers: ["content-type", "x-other"] }, why: "one header too many" },
])("a preflight is refused for $why", ({ change }) => {
  expect(answerPreflight([rule], { ...asked, ...change })).toBeUndefined();
});

test("a rule for everyone answers a star and never lets credentials in", () => {
  for (const headers of [answerPreflight([everyone], asked) ?? [], answerActual([everyone], asked.origin, "GET")]) {
    const names = headers.map(([name]) => name);
    expect(headers).toContainEqual(["access-control-allow-origin", "*"]);
    expect(names).not.toContain("access-control-allow-credentials");
  }
});

test("an actual request of an origin that no rule names gets no header", () => {
  expect(answerActual([rule], "https://example.org", "GET")).toEqual([]);
  expect(answerActual([rule], "https://a.example.com", "DELETE")).toEqual([]);
});
