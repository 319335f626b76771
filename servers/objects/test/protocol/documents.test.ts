import fc from "fast-check";
import { expect, test } from "vitest";
import type { CorsRule } from "../../src/engine/cors/cors.ts";
import { DAY_MS, type LifecycleRule } from "../../src/engine/lifecycle/lifecycle.ts";
import { readCors, writeCors } from "../../src/protocol/documents/cors-document.ts";
import { readLifecycle, writeLifecycle } from "../../src/protocol/documents/lifecycle-document.ts";
import { S3Error } from "../../src/protocol/errors.ts";
import { parseXml } from "../../src/protocol/xml/index.ts";

const days = fc.option(fc.integer({ min: 1, max: 36_500 }), { nil: undefined });
const text = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 });

const transitions = (byDays: boolean) =>
  ["STANDARD_IA", "GLACIER_IR"].map((storageClass, i) =>
    byDays
      ? { days: 0, dateMs: undefined, storageClass }
      : { days: undefined, dateMs: (10_000 + i) * DAY_MS, storageClass },
  );

const lifecycleRule: fc.Arbitrary<LifecycleRule> = fc
  .record({
    prefix: fc.option(text, { nil: "" }),
    tags: fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true }),
    larger: fc.option(fc.integer({ min: 0, max: 1_000 }), { nil: undefined }),
    smaller: fc.option(fc.integer({ min: 2_000, max: 9_000 }), { nil: undefined }),
    ends: fc.oneof(days, fc.constant("date" as const)),
    noncurrentDays: days,
    newer: fc.integer({ min: 0, max: 100 }),
    isEnabled: fc.boolean(),
    moves: fc.constantFrom("never", "days", "date"),
  })
  .map(({ prefix, tags, larger, smaller, ends, noncurrentDays, newer, isEnabled, moves }) => ({
    id: "",
    isEnabled,
    filter: { prefix, tags, sizeGreaterThan: larger, sizeLessThan: smaller },
    expirationDays: ends === "date" ? undefined : (ends ?? (noncurrentDays === undefined ? 1 : undefined)),
    expirationDateMs: ends === "date" ? 20_000 * DAY_MS : undefined,
    expiredObjectDeleteMarker: false,
    noncurrentDays,
    newerNoncurrentVersions: noncurrentDays === undefined ? 0 : newer,
    abortUploadDays: undefined,
    ...(moves === "never" ? {} : { transitions: transitions(moves === "days") }),
  }));

const lifecycle = fc
  .array(lifecycleRule, { minLength: 1, maxLength: 5 })
  .map((rules) => rules.map((rule, i) => ({ ...rule, id: `<rule> & ${i}` })));

test("lifecycle rules are read as they were written", () => {
  fc.assert(
    fc.property(lifecycle, (rules) => {
      expect(readLifecycle(parseXml(Buffer.from(writeLifecycle(rules))))).toEqual(rules);
    }),
  );
});

const word = fc.stringMatching(/^[a-z0-9-]{1,10}$/);
const corsRule: fc.Arbitrary<CorsRule> = fc.record({
  id: fc.option(word, { nil: undefined }),
  allowedOrigins: fc.array(
    word.map((name) => `https://*.${name}.example`),
    { minLength: 1, maxLength: 3 },
  ),
  allowedMethods: fc.uniqueArray(fc.constantFrom("GET", "PUT", "POST", "DELETE", "HEAD"), { minLength: 1 }),
  allowedHeaders: fc.array(
    word.map((name) => `${name}*`),
    { maxLength: 3 },
  ),
  exposeHeaders: fc.array(word, { maxLength: 3 }),
  maxAgeSeconds: fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: undefined }),
});

test("CORS rules are read as they were written", () => {
  fc.assert(
    fc.property(fc.array(corsRule, { minLength: 1, maxLength: 5 }), (rules) => {
      expect(readCors(parseXml(Buffer.from(writeCors(rules))))).toEqual(rules);
    }),
  );
});

test.each([
  { inside: "<AllowedOrigin>*</AllowedOrigin>", why: "no method" },
  { inside: "<AllowedMethod>GET</AllowedMethod>", why: "no origin" },
  { inside: "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>PATCH</AllowedMethod>", why: "a method S3 has not" },
  { inside: "<AllowedOrigin>http*://*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>", why: "two wildcards" },
  { inside: "<AllowedOrigin>a\nb</AllowedOrigin><AllowedMethod>GET</AllowedMethod>", why: "a line end" },
  {
    inside: "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><ExposeHeader>*</ExposeHeader>",
    why: "a wildcard that exposes",
  },
  { inside: "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><Else/>", why: "something unknown" },
])("a CORS rule is refused: $why", ({ inside }) => {
  const xml = `<CORSConfiguration><CORSRule>${inside}</CORSRule></CORSConfiguration>`;
  expect(() => readCors(parseXml(Buffer.from(xml)))).toThrow(S3Error);
});

const NAMES = [
  "Rule",
  "Filter",
  "And",
  "Tag",
  "Key",
  "Value",
  "Prefix",
  "Status",
  "Expiration",
  "Days",
  "ID",
  "CORSRule",
  "AllowedOrigin",
];

test("any document is read or refused, never anything else", () => {
  const { tree } = fc.letrec<{ tree: string }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("", "Enabled", "1", "x"),
      fc
        .tuple(fc.constantFrom(...NAMES), fc.array(tie("tree"), { maxLength: 4 }))
        .map(([name, inside]) => `<${name}>${inside.join("")}</${name}>`),
    ),
  }));
  fc.assert(
    fc.property(tree, fc.boolean(), (inside, isCors) => {
      const name = isCors ? "CORSConfiguration" : "LifecycleConfiguration";
      try {
        const root = parseXml(Buffer.from(`<${name}>${inside}</${name}>`));
        if (isCors) readCors(root);
        else readLifecycle(root);
      } catch (error) {
        expect(error).toBeInstanceOf(S3Error);
      }
    }),
    { numRuns: 500 },
  );
});
