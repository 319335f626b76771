import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codeOf, NOW, type Sent, signer, verify } from "../../../test/support/signed-requests.ts";
import { signingHashes } from "../../service/signing-hashes.ts";
import { formatAmzDate, parseAmzDate } from "../dates.ts";
import { HeaderFields } from "../header-fields.ts";
import { parseQuery } from "../routing/index.ts";
import { EMPTY_SHA256, equalSecrets, SignatureVerifier } from "./index.ts";

describe("requests that are not signed", () => {
  test("are anonymous", () => {
    expect(verify({ method: "GET", path: "/", query: "a=b", rawHeaders: ["Host", "h"] })).toEqual({
      kind: "anonymous",
      payload: { kind: "unsigned" },
    });
  });

  test("may send chunks with a trailer, but none that are signed", () => {
    const send = (value: string) => () =>
      verify({ method: "PUT", path: "/", query: "", rawHeaders: ["x-amz-content-sha256", value] });
    expect(send("STREAMING-UNSIGNED-PAYLOAD-TRAILER")()).toMatchObject({ payload: { kind: "unsigned-chunks" } });
    expect(codeOf(send("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"))).toContain("AccessDenied");
  });

  test.each(["X-Amz-Signature=a", "X-Amz-Credential=a", "X-Amz-Algorithm=a"])(
    "are none if the query has %s",
    (query) => {
      expect(codeOf(() => verify({ method: "GET", path: "/", query, rawHeaders: [] }))).toContain(
        "AuthorizationQueryParametersError",
      );
    },
  );
});

const FROM_BOTO: { method: string; target: string; rawHeaders: string[] }[] = JSON.parse(
  readFileSync(new URL("../../../testdata/botocore-signatures.json", import.meta.url), "utf8"),
);

test.each(FROM_BOTO)("a request of boto3 is accepted: $method $target", ({ method, target, rawHeaders }) => {
  const boto = new SignatureVerifier({
    hashes: signingHashes,
    region: "eu-west-1",
    secretOf: () => "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  });
  const [path = "", query = ""] = target.split(/\?(.*)/s);
  const headers = new HeaderFields(rawHeaders);
  const date = headers.get("x-amz-date") ?? parseQuery(query).get("X-Amz-Date") ?? "";
  expect(boto.verify({ method, path, query, headers }, parseAmzDate(date)!)).toMatchObject({
    accessKeyId: "AKIDEXAMPLE",
  });
});

test.each([
  { given: "abcd", isEqual: true, why: "it is the same" },
  { given: "xbcd", isEqual: false, why: "the first character differs" },
  { given: "abcx", isEqual: false, why: "the last one does" },
  { given: "xxxx", isEqual: false, why: "all do" },
])("comparing $given looks at every character, whether or not $why", ({ given, isEqual }) => {
  let looks = 0;
  const watched = {
    length: given.length,
    charCodeAt: (index: number) => {
      looks += 1;
      return given.charCodeAt(index);
    },
  };
  expect([equalSecrets(watched as string, "abcd"), looks]).toEqual([isEqual, 4]);
});

test("an escaped slash may be signed either way", () => {
  const request = { method: "GET", query: "", rawHeaders: ["Host", "h"] };
  for (const path of ["/media/a%2Fb", "/media/a/b"]) {
    const { rawHeaders } = signer.signHeaders({ ...request, path }, EMPTY_SHA256, NOW);
    expect(codeOf(() => verify({ ...request, path: "/media/a%2fb", rawHeaders: [...rawHeaders] }))).toBe("accepted");
  }
});

test("whatever is signed is accepted, and nothing else: one character changed is refused", () => {
  const text = fc.string({ unit: "binary-ascii", maxLength: 12 }).map((each) => each.replaceAll("\0", "0"));
  const segment = text.map((each) => encodeURIComponent(each));
  const pairs = fc.array(
    fc.tuple(segment, segment).map((pair) => pair.join("=")),
    { maxLength: 4 },
  );
  const headers = fc.array(
    fc.tuple(fc.constantFrom("x-amz-meta-a", "X-Amz-Meta-B", "range"), fc.string({ maxLength: 9 })),
    { maxLength: 4 },
  );
  const seconds = fc.integer({ min: 1, max: 604_800 });
  fc.assert(
    fc.property(segment, pairs, headers, fc.boolean(), seconds, fc.nat(), (key, query, extra, isHeader, life, at) => {
      const request = {
        method: "GET",
        path: `/m/${key}`,
        query: query.join("&"),
        rawHeaders: ["Host", "h", ...extra.flat()],
      };
      const sent: Sent = isHeader
        ? { ...request, rawHeaders: [...signer.signHeaders(request, EMPTY_SHA256, NOW).rawHeaders] }
        : { ...request, query: signer.presign(request, life, NOW) };
      expect(codeOf(() => verify(sent))).toBe("accepted");

      const text = isHeader ? sent.rawHeaders.at(-1)! : sent.query;
      const digit = text.length - 1 - (at % 64);
      const changed = `${text.slice(0, digit)}${text[digit] === "0" ? "1" : "0"}${text.slice(digit + 1)}`;
      if (isHeader) sent.rawHeaders[sent.rawHeaders.length - 1] = changed;
      else sent.query = changed;
      expect(codeOf(() => verify(sent))).toContain("SignatureDoesNotMatch");
    }),
    { numRuns: 300 },
  );
});

test("whatever is sent is accepted or refused with an error of S3", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "AWS4-HMAC-SHA256 ",
      "Credential=",
      "AKID/20261129/us-east-1/s3/aws4_request",
      ",",
      "SignedHeaders=",
      "host",
      ";",
      "Signature=",
      "=",
      "/",
      "&",
      "%",
      "X-Amz-Credential=",
      "X-Amz-Signature=",
      "X-Amz-Date=20261129T120000Z&",
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&",
      "X-Amz-Expires=60&",
      "X-Amz-SignedHeaders=host&",
    ),
    fc.string({ unit: "binary", maxLength: 5 }),
  );
  const soup = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(soup, soup, soup, fc.boolean(), (path, query, header, hasHeader) => {
      const rawHeaders = ["Host", "h", "x-amz-date", formatAmzDate(NOW), "x-amz-content-sha256", EMPTY_SHA256];
      if (hasHeader) rawHeaders.push("authorization", header);
      expect(typeof codeOf(() => verify({ method: "GET", path: `/${path}`, query, rawHeaders }))).toBe("string");
    }),
    { numRuns: 1_000 },
  );
});
