import fc from "fast-check";
import { expect, test } from "vitest";
import { codeOf } from "../../test/support/signed-requests.ts";
import { contentRange, parseCopySourceRange, parseRange } from "./ranges.ts";

test.each([
  { header: "bytes=0-4", range: [0, 5], why: "both ends" },
  { header: "bytes=5-", range: [5, 10], why: "to the end" },
  { header: "bytes=-3", range: [7, 10], why: "the last three" },
  { header: "bytes=-99", range: [0, 10], why: "more than there are: all" },
  { header: "bytes=8-99", range: [8, 10], why: "the end is cut" },
  { header: "bytes=0-99999999999999999999", range: [0, 10], why: "numbers beyond integers" },
  { header: "BYTES=9-9", range: [9, 10], why: "case does not matter" },
  { header: " bytes=1-2 ", range: [1, 3], why: "nor does space around it" },
  { header: undefined, range: undefined, why: "no header" },
  { header: "bytes=4-2", range: undefined, why: "an end before its start is no range" },
  { header: "bytes=-", range: undefined, why: "no number" },
  { header: "bytes=0-1,4-5", range: undefined, why: "S3 gives the whole for several ranges" },
  { header: "items=0-1", range: undefined, why: "another unit" },
  { header: "bytes=a-b", range: undefined, why: "no digits" },
  { header: "", range: undefined, why: "an empty header" },
])("of 10 bytes, $header is $range: $why", ({ header, range }) => {
  const parsed = parseRange(header, 10);
  expect(parsed && [parsed.start, parsed.end]).toEqual(range);
});

test.each([
  { header: "bytes=10-", size: 10, why: "behind the last byte" },
  { header: "bytes=99999999999999999999-", size: 10, why: "far behind" },
  { header: "bytes=-0", size: 10, why: "the last none" },
  { header: "bytes=0-", size: 0, why: "an empty object" },
  { header: "bytes=-1", size: 0, why: "the last byte of an empty object" },
])("of $size bytes, $header cannot be given: $why", ({ header, size }) => {
  expect(codeOf(() => parseRange(header, size))).toBe(
    `InvalidRange: The requested range is not satisfiable {"RangeRequested":"${header}","ActualObjectSize":"${size}"}`,
  );
});

test("a range is never empty and never outside", () => {
  const number = fc.oneof(fc.constant(""), fc.nat(30).map(String));
  fc.assert(
    fc.property(number, number, fc.nat(20), (first, last, size) => {
      let range: ReturnType<typeof parseRange>;
      codeOf(() => {
        range = parseRange(`bytes=${first}-${last}`, size);
      });
      if (range !== undefined) expect(0 <= range.start && range.start < range.end && range.end <= size).toBe(true);
    }),
  );
});

test("Content-Range counts the last byte in", () => {
  expect(contentRange({ start: 7, end: 10 }, 10)).toBe("bytes 7-9/10");
});

test("a copy takes a range with both ends inside the source", () => {
  expect(parseCopySourceRange("bytes=0-9", 10)).toEqual({ start: 0, end: 10 });
  for (const header of ["bytes=0-10", "bytes=0-", "bytes=-5", "bytes=5-4", "0-4", "bytes=0-1,2-3", ""]) {
    expect(codeOf(() => parseCopySourceRange(header, 10))).toContain("InvalidArgument");
  }
});
