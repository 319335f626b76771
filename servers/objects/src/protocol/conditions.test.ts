import { expect, test } from "vitest";
import { codeOf } from "../../test/support/signed-requests.ts";
import {
  checkCopySource,
  checkRead,
  copyConditionsOf,
  isRangeWanted,
  readConditionsOf,
  writeConditionsOf,
} from "./conditions.ts";
import { HeaderFields } from "./header-fields.ts";

const MODIFIED = Date.UTC(2026, 10, 29, 12, 0, 0, 500);
const OBJECT = { etag: "e1", modifiedMs: MODIFIED };
const SAME = "Sun, 29 Nov 2026 12:00:00 GMT";
const BEFORE = "Sun, 29 Nov 2026 11:59:59 GMT";
const AFTER = "Sun, 29 Nov 2026 12:00:01 GMT";

const NAMES = { m: "If-Match", n: "If-None-Match", s: "If-Modified-Since", u: "If-Unmodified-Since" };
type Given = Partial<Record<keyof typeof NAMES, string>>;

function headersOf(given: Given, prefix = ""): HeaderFields {
  return new HeaderFields(Object.entries(given).flatMap(([name, value]) => [prefix + NAMES[name as "m"], value]));
}

const ROWS: { given: Given; read: string; why: string }[] = [
  { given: { m: '"e1"' }, read: "ok", why: "the tag is this one" },
  { given: { m: "e1" }, read: "ok", why: "without quotes too" },
  { given: { m: '"e0", "e1"' }, read: "ok", why: "one of a list" },
  { given: { m: "*" }, read: "ok", why: "any" },
  { given: { m: '"e0"' }, read: "If-Match", why: "another tag" },
  { given: { m: 'W/"e1"' }, read: "If-Match", why: "a weak tag never matches here" },
  { given: { n: '"e1"' }, read: "not-modified", why: "the client has it" },
  { given: { n: 'W/"e1"' }, read: "not-modified", why: "a weak tag is enough here" },
  { given: { n: "*" }, read: "not-modified", why: "any" },
  { given: { n: '"e0"' }, read: "ok", why: "the client has another" },
  { given: { s: SAME }, read: "not-modified", why: "not changed since, seconds count" },
  { given: { s: AFTER }, read: "not-modified", why: "not changed since" },
  { given: { s: BEFORE }, read: "ok", why: "changed since" },
  { given: { s: "yesterday" }, read: "ok", why: "no date is passed over" },
  { given: { u: SAME }, read: "ok", why: "not changed since" },
  { given: { u: BEFORE }, read: "If-Unmodified-Since", why: "changed since" },
  { given: { u: "yesterday" }, read: "ok", why: "no date is passed over" },
  { given: { m: '"e1"', u: BEFORE }, read: "ok", why: "If-Match outweighs the date" },
  { given: { m: '"e0"', u: AFTER }, read: "If-Match", why: "If-Match outweighs the date" },
  { given: { n: '"e1"', s: BEFORE }, read: "not-modified", why: "If-None-Match outweighs the date" },
  { given: { n: '"e0"', s: AFTER }, read: "ok", why: "If-None-Match outweighs the date" },
  { given: { m: '"e1"', n: '"e1"' }, read: "not-modified", why: "the first holds, the second does not" },
  { given: { m: '"e0"', n: '"e1"' }, read: "If-Match", why: "the first decides" },
  { given: { u: BEFORE, n: '"e1"' }, read: "If-Unmodified-Since", why: "the date comes before If-None-Match" },
];

test.each(ROWS)("a read with $given is $read: $why", ({ given, read }) => {
  let result = "";
  const code = codeOf(() => {
    result = checkRead(readConditionsOf(headersOf(given))!, OBJECT);
  });
  if (code === "accepted") expect(result).toBe(read);
  else
    expect(code).toBe(
      `PreconditionFailed: At least one of the pre-conditions you specified did not hold {"Condition":"${read}"}`,
    );
});

test.each(ROWS)("a copy from a source with $given fails unless it is ok: $read", ({ given, read }) => {
  const code = codeOf(() => checkCopySource(copyConditionsOf(headersOf(given, "x-amz-copy-source-"))!, OBJECT));
  expect(code.split(":")[0]).toBe(read === "ok" ? "accepted" : "PreconditionFailed");
});

test("without headers there are no conditions", () => {
  const headers = new HeaderFields(["x-amz-meta-a", "1"]);
  expect([readConditionsOf(headers), copyConditionsOf(headers), writeConditionsOf(headers)]).toEqual([
    undefined,
    undefined,
    {},
  ]);
});

test.each([
  { given: { n: "*" }, result: { absent: true } },
  { given: { m: '"e1"' }, result: { etag: "e1" } },
  { given: { m: "e1" }, result: { etag: "e1" } },
  { given: { m: "*" }, result: { etag: "*" } },
  { given: { s: SAME, u: SAME }, result: {} },
] as { given: Given; result: object }[])("a write with $given asks for $result", ({ given, result }) => {
  expect(writeConditionsOf(headersOf(given))).toEqual(result);
});

test.each([
  { rawHeaders: ["If-None-Match", '"e1"'], code: "NotImplemented", why: "only * is known" },
  { rawHeaders: ["If-None-Match", "*", "If-Match", '"e1"'], code: "NotImplemented", why: "both together" },
  { rawHeaders: ["If-Match", '"e1"', "If-Match", '"e2"'], code: "InvalidRequest", why: "one twice" },
])("a write with $rawHeaders is refused: $why", ({ rawHeaders, code }) => {
  expect(codeOf(() => writeConditionsOf(new HeaderFields(rawHeaders)))).toContain(code);
});

test.each([
  { header: undefined, wanted: true, why: "no header" },
  { header: '"e1"', wanted: true, why: "the same tag" },
  { header: '"e0"', wanted: false, why: "another tag" },
  { header: 'W/"e1"', wanted: false, why: "a weak tag" },
  { header: SAME, wanted: true, why: "the same time" },
  { header: AFTER, wanted: false, why: "another time, even a later one" },
])("with If-Range $header the range counts: $wanted, $why", ({ header, wanted }) => {
  expect(isRangeWanted(header, OBJECT)).toBe(wanted);
});
