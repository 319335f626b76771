import fc from "fast-check";
import { expect, test } from "vitest";
import { ERROR_CODES, type S3ErrorCode } from "./error-codes.ts";
import { S3Error, writeErrorXml } from "./errors.ts";

const PLACE = { resource: "/media/a&b", requestId: "R1", hostId: "H1" };

test("an error is written as S3 writes it, with the fields of its code in order", () => {
  const error = new S3Error("NoSuchKey", { fields: { Key: "a&b" } });
  expect(error.status).toBe(404);
  expect(writeErrorXml(error, PLACE)).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>' +
      "<Message>The specified key does not exist.</Message><Key>a&amp;b</Key>" +
      "<Resource>/media/a&amp;b</Resource><RequestId>R1</RequestId><HostId>H1</HostId></Error>",
  );
});

test("a message of its own takes the place of the usual one", () => {
  expect(new S3Error("InvalidRequest", { message: "no" }).message).toBe("no");
});

test.each(Object.entries(ERROR_CODES))(
  "%s has a status that is no success, and a message",
  (code, [status, message]) => {
    expect(status >= 300 && status < 600).toBe(true);
    expect(message.length).toBeGreaterThan(5);
    expect(new S3Error(code as S3ErrorCode)).toMatchObject({ code, status, message });
  },
);

test("no text of a client can break out of the XML of an error", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const xml = writeErrorXml(new S3Error("InvalidArgument", { message: text, fields: { V: text } }), {
        resource: text,
        requestId: "R",
        hostId: "H",
      });
      expect(xml.match(/[<>]/g)?.length).toBe(2 * 15);
      expect([...xml].filter((character) => character < " " && character !== "\n")).toEqual([]);
    }),
  );
});
