import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { S3Error } from "../errors.ts";
import {
  isBucketName,
  isNewBucketName,
  parseQuery,
  type RequestTarget,
  type Route,
  Router,
  utf8Length,
} from "./index.ts";

type Row = [operation: string, method: string, path: string, query: string, hasCopySource: boolean];

const OPERATIONS: Row[] = JSON.parse(
  readFileSync(new URL("../../../testdata/s3-operations.json", import.meta.url), "utf8"),
);
const router = new Router(["s3.example.com", "example.com"]);

function route(method: string, target: string, more: Partial<RequestTarget> = {}): Route {
  const [path = "", query = ""] = target.split(/\?(.*)/s);
  return router.route({ method, host: "localhost:9000", path, query, hasCopySource: false, ...more });
}

function failure(run: () => unknown): S3Error {
  try {
    run();
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test.each(OPERATIONS)("%s is found by %s %s?%s", (operation, method, path, query, hasCopySource) => {
  expect(route(method, `${path}?${query}`, { hasCopySource }).operation).toBe(operation);
});

test.each([
  { target: "/media/a%20b", key: "a b", why: "escapes are decoded" },
  { target: "/media/a+b", key: "a+b", why: "a plus of a path is a plus" },
  { target: "/media//a//b", key: "/a//b", why: "slashes in a row are part of the key" },
  { target: "/media/./../a/..", key: "./../a/..", why: "dots mean nothing in a key" },
  { target: "/media/a%2Fb", key: "a/b", why: "an escaped slash is a slash" },
  { target: "/media/%E2%9C%93", key: "✓", why: "escaped UTF-8" },
  { target: "/media/\u00e2\u009c\u0093", key: "✓", why: "raw UTF-8, one byte a character as node:http gives it" },
  { target: "/media/%C3%A4\u00c3\u00a4", key: "ää", why: "raw and escaped bytes together" },
  { target: "/media/%EF%BB%BFa", key: "\ufeffa", why: "a byte-order mark is kept" },
  { target: "/media/\u00ef\u00bb\u00bfa", key: "\ufeffa", why: "a raw byte-order mark too" },
  { target: "/media/", key: "", why: "a slash behind the bucket is the bucket" },
  { target: "/media", key: "", why: "the bucket alone" },
  { target: "/m%65dia/x", key: "x", why: "the bucket's name is decoded too" },
  { target: `/media/${"k".repeat(1024)}`, key: "k".repeat(1024), why: "1,024 bytes are allowed" },
])("$target names the key $key: $why", ({ target, key }) => {
  expect(route("GET", target)).toMatchObject({ bucket: "media", key });
});

test.each([
  { target: "/media/%", code: "InvalidURI", why: "an escape without digits" },
  { target: "/media/%4", code: "InvalidURI", why: "an escape cut short" },
  { target: "/media/%zz", code: "InvalidURI", why: "an escape of no digits" },
  { target: "/media/\u00e4%zz", code: "InvalidURI", why: "the same beside raw bytes" },
  { target: "/media/%FF", code: "InvalidURI", why: "not UTF-8" },
  { target: "/media/\u00ff", code: "InvalidURI", why: "raw bytes that are not UTF-8" },
  { target: "/media/%ED%A0%80", code: "InvalidURI", why: "a surrogate is not UTF-8" },
  { target: "/media/%C0%AF", code: "InvalidURI", why: "an overlong slash is not UTF-8" },
  { target: "/media/a%00b", code: "InvalidURI", why: "NUL" },
  { target: "/media/\u{1f600}", code: "InvalidURI", why: "a character that is no byte" },
  { target: "media/a", code: "InvalidURI", why: "no slash at the start" },
  { target: "", code: "InvalidURI", why: "an empty target" },
  { target: "*", code: "InvalidURI", why: "the asterisk form" },
  { target: "http://host/media", code: "InvalidURI", why: "the absolute form" },
  { target: "//a", code: "InvalidBucketName", why: "an empty bucket" },
  { target: "/Media/a", code: "InvalidBucketName", why: "upper case" },
  { target: "/..", code: "InvalidBucketName", why: "dots" },
  { target: "/a%2Fb/c", code: "InvalidBucketName", why: "a slash smuggled into the bucket" },
  { target: `/media/${"k".repeat(1025)}`, code: "KeyTooLongError", why: "1,025 bytes" },
  { target: `/media/${"%C3%A4".repeat(513)}`, code: "KeyTooLongError", why: "bytes count, not characters" },
  { target: "/media?a=%zz", code: "InvalidURI", why: "a broken escape in the query" },
  { target: `/media?${"a&".repeat(101)}`, code: "InvalidRequest", why: "over 100 parameters" },
  { target: "/media?acl&policy", code: "InvalidArgument", why: "two sub-resources" },
  { target: "/media?%61cl&policy", code: "InvalidArgument", why: "an escaped name is the same name" },
  { target: "/media?list-type=3", code: "InvalidArgument", why: "there are two list types" },
  { target: "/media/a?versionId=", code: "InvalidArgument", why: "an empty version id" },
  { target: "/media/a?policy", code: "MethodNotAllowed", why: "a sub-resource of buckets" },
])("GET $target is refused with $code: $why", ({ target, code }) => {
  expect(failure(() => route("GET", target)).code).toBe(code);
});

test.each([
  {
    method: "PUT",
    target: "/media/a?partNumber=1",
    code: "InvalidArgument",
    why: "a part without its upload is no object",
  },
  { method: "PUT", target: "/media/a?uploadId=1", code: "InvalidArgument", why: "an upload without a part number" },
  { method: "PUT", target: "/media/a?versionId=1", code: "InvalidArgument", why: "versions are not written by name" },
  { method: "POST", target: "/media/a?uploads&versionId=1", code: "InvalidArgument", why: "nor by an upload" },
  { method: "POST", target: "/.system", code: "InvalidBucketName", why: "no form leads to a place that is no bucket" },
  { method: "POST", target: "/media%2F..%2Fsystem", code: "InvalidBucketName", why: "nor around one" },
  { method: "POST", target: "/media/a", code: "MethodNotAllowed", why: "an object takes no POST" },
  { method: "POST", target: "/", code: "MethodNotAllowed", why: "the service takes GET only" },
  { method: "PATCH", target: "/media/a", code: "MethodNotAllowed", why: "S3 has no PATCH" },
  { method: "constructor", target: "/media/a", code: "MethodNotAllowed", why: "names of the language are no methods" },
  { method: "DELETE", target: "/media?versions", code: "MethodNotAllowed", why: "a listing is only read" },
  { method: "HEAD", target: "/media/a?acl", code: "MethodNotAllowed", why: "sub-resources have no HEAD" },
])("$method $target is refused with $code: $why", ({ method, target, code }) => {
  expect(failure(() => route(method, target)).code).toBe(code);
});

test("a method that is not allowed is told which are", () => {
  expect(failure(() => route("POST", "/media?acl"))).toMatchObject({
    headers: { Allow: "GET, PUT" },
    fields: { Method: "POST", ResourceType: "ACL" },
  });
});

test.each([
  {
    method: "GET",
    target: "/media/a?foo=1&x-id=GetObject",
    operation: "GetObject",
    why: "unknown parameters are passed over",
  },
  { method: "GET", target: "/media/a?partNumber=2", operation: "GetObject", why: "a part of an object can be read" },
  { method: "HEAD", target: "/media/a?partNumber=2", operation: "HeadObject", why: "and asked for" },
  { method: "GET", target: "/media/a?acl&acl", operation: "GetObjectAcl", why: "the same sub-resource twice is one" },
  {
    method: "GET",
    target: "/media?metrics",
    operation: "ListBucketMetricsConfigurations",
    why: "without an id all are listed",
  },
  { method: "GET", target: "/?prefix=a", operation: "ListBuckets", why: "arguments of the service" },
  { method: "OPTIONS", target: "/media/a", operation: "Preflight", why: "browsers ask before they send" },
  { method: "POST", target: "/media", operation: "PostObject", why: "a form" },
])("$method $target is $operation: $why", ({ method, target, operation }) => {
  expect(route(method, target).operation).toBe(operation);
});

describe("virtual-host style", () => {
  test.each([
    { host: "media.s3.example.com", target: "/a/b", bucket: "media", key: "a/b", why: "the bucket stands in the host" },
    { host: "MEDIA.S3.Example.com:9000", target: "/a", bucket: "media", key: "a", why: "case and port do not matter" },
    { host: "media.s3.example.com", target: "/", bucket: "media", key: "", why: "the bucket itself" },
    { host: "media.s3.example.com", target: "//a", bucket: "media", key: "/a", why: "the path is the key" },
    { host: "a.b.s3.example.com", target: "/k", bucket: "a.b", key: "k", why: "dots in the bucket" },
    { host: "media.example.com", target: "/k", bucket: "media", key: "k", why: "the shorter base domain" },
    { host: "s3.example.com", target: "/media/k", bucket: "media", key: "k", why: "the base domain is path style" },
    { host: "evil-s3.example.org", target: "/media/k", bucket: "media", key: "k", why: "another domain is path style" },
    { host: "127.0.0.1", target: "/media/k", bucket: "media", key: "k", why: "an address is path style" },
    { host: "", target: "/media/k", bucket: "media", key: "k", why: "no host is path style" },
  ])("$host $target is $bucket $key: $why", ({ host, target, bucket, key }) => {
    for (let again = 0; again < 2; again++) expect(route("GET", target, { host })).toMatchObject({ bucket, key });
  });

  test("a host that names no bucket is refused", () => {
    expect(failure(() => route("GET", "/", { host: "a_b.s3.example.com" })).code).toBe("InvalidBucketName");
  });

  test("invented hosts do not fill the memory, and still are routed", () => {
    for (let i = 0; i < 3_000; i++) {
      expect(route("GET", "/k", { host: `b${i}x.example.com` }).bucket).toBe(`b${i}x`);
    }
  });
});

test.each([
  { name: "abc", base: true, fresh: true, why: "three characters" },
  { name: "ab", base: false, fresh: false, why: "two are too few" },
  { name: "a".repeat(63), base: true, fresh: true, why: "63 characters" },
  { name: "a".repeat(64), base: false, fresh: false, why: "64 are too many" },
  { name: "a.b-c.9", base: true, fresh: true, why: "dots and hyphens inside" },
  { name: "a..b", base: false, fresh: false, why: "two dots in a row" },
  { name: ".abc", base: false, fresh: false, why: "a dot first" },
  { name: "abc.", base: false, fresh: false, why: "a dot last" },
  { name: "-abc", base: false, fresh: false, why: "a hyphen first" },
  { name: "abc-", base: false, fresh: false, why: "a hyphen last" },
  { name: "a_b", base: false, fresh: false, why: "an underscore" },
  { name: "abC", base: false, fresh: false, why: "upper case" },
  { name: "äbc", base: false, fresh: false, why: "no ASCII" },
  { name: "192.168.5.4", base: true, fresh: false, why: "looks like an address" },
  { name: "xn--abc", base: true, fresh: false, why: "reserved prefix" },
  { name: "abc-s3alias", base: true, fresh: false, why: "reserved suffix" },
])("bucket name $name: $why", ({ name, base, fresh }) => {
  expect([isBucketName(name), isNewBucketName(name)]).toEqual([base, fresh]);
});

test("every key that fits comes back as it was sent, however it is escaped", () => {
  const key = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 200 })
    .filter((text) => text.isWellFormed() && !text.includes("\0") && utf8Length(text) <= 1024);
  fc.assert(
    fc.property(key, fc.boolean(), (text, isRaw) => {
      const bytes = Buffer.from(text);
      const path = isRaw
        ? bytes.toString("latin1").replaceAll("%", "%25")
        : [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
      expect(
        router.route({ method: "GET", host: "", path: `/media/${path}`, query: "", hasCopySource: false }).key,
      ).toBe(text);
    }),
  );
});

test("a query comes back as it was sent", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 20 }).filter((each) => !each.includes("\0"));
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (pairs) => {
      const query = parseQuery(new URLSearchParams(pairs).toString());
      expect(query.names.map((name, index) => [name, query.values[index]])).toEqual(pairs);
    }),
  );
});

test("the count of UTF-8 bytes is that of the encoder", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.boolean(), (text, cut) => {
      const cutText = cut ? text.slice(1) : text;
      expect(utf8Length(cutText)).toBe(Buffer.byteLength(cutText));
    }),
  );
});

test("whatever is asked, it is routed or refused with an error of S3", () => {
  const raw = fc.oneof(
    fc.string({ unit: "binary-ascii" }),
    fc.string({ unit: "binary" }),
    fc
      .array(fc.constantFrom("/", "%", "%2", "%00", "a", "&", "=", "acl", "uploadId", "?", "+", "\u00ff"), {
        maxLength: 30,
      })
      .map((parts) => parts.join("")),
  );
  const method = fc.constantFrom("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "__proto__");
  fc.assert(
    fc.property(method, raw, raw, raw, fc.boolean(), (verb, host, path, query, hasCopySource) => {
      try {
        const { bucket, key } = router.route({ method: verb, host, path: `/${path}`, query, hasCopySource });
        expect(bucket === "" || isBucketName(bucket)).toBe(true);
        expect(utf8Length(key)).toBeLessThanOrEqual(1024);
        expect(key).not.toContain("\0");
      } catch (error) {
        if (!(error instanceof S3Error)) throw error;
      }
    }),
    { numRuns: 1_000 },
  );
});
