import fc from "fast-check";
import { expect, test } from "vitest";
import { codeOf } from "../../test/support/signed-requests.ts";
import { parseCopySource } from "./copy-source.ts";
import { utf8Length } from "./routing/index.ts";

test.each([
  { value: "media/a", key: "a", why: "the plain form" },
  { value: "/media/a", key: "a", why: "a slash before it" },
  { value: "media%2Fa%2Fb", key: "a/b", why: "all of it escaped" },
  { value: "%2Fmedia/a", key: "a", why: "the first slash escaped" },
  { value: "media//a", key: "/a", why: "a key that begins with a slash" },
  { value: "media/a+b%20c", key: "a+b c", why: "a plus is a plus" },
  { value: "media/\u00c3\u00a4%C3%A4", key: "ää", why: "raw and escaped UTF-8" },
  { value: "media/a%3FversionId=1", key: "a?versionId=1", why: "an escaped question mark is of the key" },
  { value: "media/a?b", key: "a?b", why: "a question mark of no version" },
])("the copy source $value: $why", ({ value, key }) => {
  expect(parseCopySource(value)).toEqual({ bucket: "media", key, versionId: undefined });
});

test("a version is named behind the key", () => {
  expect(parseCopySource("media/a?versionId=v%2B1")).toEqual({ bucket: "media", key: "a", versionId: "v+1" });
});

test.each([
  { value: "", code: "InvalidArgument", why: "nothing" },
  { value: "/", code: "InvalidArgument", why: "a slash" },
  { value: "media", code: "InvalidArgument", why: "no key" },
  { value: "media/", code: "InvalidArgument", why: "an empty key" },
  { value: "//a", code: "InvalidArgument", why: "an empty bucket" },
  { value: "media/%zz", code: "InvalidArgument", why: "a broken escape" },
  { value: "media/%ff", code: "InvalidArgument", why: "no UTF-8" },
  { value: "media/%00", code: "InvalidArgument", why: "NUL" },
  { value: "media/a?versionId=", code: "InvalidArgument", why: "an empty version" },
  { value: "../a", code: "InvalidBucketName", why: "no bucket name" },
  { value: `media/${"k".repeat(1025)}`, code: "KeyTooLongError", why: "a key too long" },
])("the copy source $value is refused with $code: $why", ({ value, code }) => {
  expect(codeOf(() => parseCopySource(value))).toContain(code);
});

test("every key can be named", () => {
  const key = fc
    .string({ unit: "grapheme", minLength: 1 })
    .filter((each) => !each.includes("\0") && utf8Length(each) <= 1024);
  fc.assert(
    fc.property(key, fc.boolean(), (text, hasVersion) => {
      const value = `media/${encodeURIComponent(text)}${hasVersion ? "?versionId=v" : ""}`;
      expect(parseCopySource(value)).toEqual({ bucket: "media", key: text, versionId: hasVersion ? "v" : undefined });
    }),
  );
});

test("any text is a source or refused with an error of S3", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      (text) => typeof codeOf(() => parseCopySource(`media/${text}`)) === "string",
    ),
  );
});
