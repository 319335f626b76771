import { expect, test } from "vitest";
import { byQuery, verify } from "../../../test/support/signed-requests.ts";
import { HeaderFields } from "../header-fields.ts";
import { parseQuery } from "../routing/index.ts";
import { withHoistedHeaders } from "./index.ts";

test("headers that were moved into the query count as headers", () => {
  const query = parseQuery(
    "X-Amz-Signature=s&X-Amz-Date=d&x-amz-meta-A=%C3%A4&x-amz-acl=private&versionId=1&x-amz-copy-source=media%2Fa",
  );
  const headers = withHoistedHeaders(new HeaderFields(["Host", "h", "x-amz-acl", "public-read"]), query);
  expect(headers.names.map((name, index) => [name, headers.values[index]])).toEqual([
    ["host", "h"],
    ["x-amz-acl", "public-read"],
    ["x-amz-meta-a", "\u00c3\u00a4"],
    ["x-amz-copy-source", "media/a"],
  ]);
});

test("the checksum of an empty body in a URL is no checksum of the upload, words about checksums stay", () => {
  const query = parseQuery(
    "x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&x-amz-checksum-algorithm=SHA256&x-amz-checksum-mode=ENABLED",
  );
  expect(withHoistedHeaders(new HeaderFields([]), query).names).toEqual([
    "x-amz-checksum-algorithm",
    "x-amz-checksum-mode",
  ]);
});

test("a value in the query cannot become two headers", () => {
  const headers = withHoistedHeaders(new HeaderFields([]), parseQuery("x-amz-meta-a=1%0D%0Ax-amz-acl:%20x"));
  expect(headers.values).toEqual(["1  x-amz-acl: x"]);
});

test("without such parameters the headers stay the same", () => {
  const headers = new HeaderFields(["Host", "h"]);
  const sent = byQuery();
  expect(verify(sent).kind).toBe("query");
  expect(withHoistedHeaders(headers, parseQuery(sent.query))).toBe(headers);
});
