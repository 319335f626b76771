import { describe, expect, test } from "vitest";
import {
  addHeader,
  byHeader,
  type Change,
  codeOf,
  MINUTE,
  NOW,
  replace,
  replaceHeader,
  replaceQuery,
  verify,
} from "../../../test/support/signed-requests.ts";
import { signingHashes } from "../../service/signing-hashes.ts";
import { formatAmzDate } from "../dates.ts";
import { HeaderFields } from "../header-fields.ts";
import { EMPTY_SHA256, SignatureVerifier } from "./index.ts";

describe("signatures by header", () => {
  test("a signed request is accepted, whoever remembers the signing key", () => {
    for (let again = 0; again < 3; again++) {
      expect(verify(byHeader())).toMatchObject({
        kind: "header",
        accessKeyId: "AKID",
        signedAtMs: NOW,
        expiresMs: undefined,
        payload: { kind: "exact", sha256: EMPTY_SHA256 },
        signedHeaders: ["host", "x-amz-content-sha256", "x-amz-date"],
      });
    }
  });

  const rows: { why: string; change: Change; refused: string }[] = [
    { why: "another secret", change: { signAs: { secretAccessKey: "other" } }, refused: "SignatureDoesNotMatch" },
    { why: "a key that does not exist", change: { signAs: { accessKeyId: "NOBODY" } }, refused: "InvalidAccessKeyId" },
    {
      why: "another region",
      change: { signAs: { region: "eu-west-1" } },
      refused: `AuthorizationHeaderMalformed: The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-east-1' {"Region":"us-east-1"}`,
    },
    {
      why: "a clock behind by more than 15 minutes",
      change: { signedAt: NOW - 15 * MINUTE - 1000 },
      refused: "RequestTimeTooSkewed",
    },
    {
      why: "a clock ahead by more than 15 minutes",
      change: { signedAt: NOW + 15 * MINUTE + 1000 },
      refused: "RequestTimeTooSkewed",
    },
    {
      why: "the path changed",
      change: {
        edit: replace({ path: "/media/a%20c" }),
      },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "a slash doubled",
      change: {
        edit: replace({ path: "/media//a%20b" }),
      },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "the path is not normalised",
      change: {
        edit: replace({ path: "/media/./a%20b" }),
      },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "the query changed",
      change: {
        edit: replace({ query: "" }),
      },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "the method changed",
      change: {
        edit: replace({ method: "DELETE" }),
      },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "the host changed",
      change: { edit: replaceHeader("host", () => "other") },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "the host given twice",
      change: {
        edit: addHeader("host", "other"),
      },
      refused: "InvalidRequest",
    },
    {
      why: "the payload hash changed",
      change: { edit: replaceHeader("x-amz-content-sha256", () => "UNSIGNED-PAYLOAD") },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "the payload hash given twice",
      change: {
        edit: addHeader("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
      },
      refused: "InvalidRequest",
    },
    { why: "a payload hash that is none", change: { payload: "sha256" }, refused: "InvalidArgument" },
    {
      why: "chunks signed with elliptic curves",
      change: { payload: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD" },
      refused: "NotImplemented",
    },
    {
      why: "a signed header changed",
      change: { headers: ["x-amz-meta-a", "1"], edit: replaceHeader("x-amz-meta-a", () => "2") },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "a signed header given once more",
      change: {
        headers: ["x-amz-meta-a", "1"],
        edit: addHeader("X-Amz-Meta-A", "2"),
      },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "a header of S3 that is not signed",
      change: {
        edit: addHeader("X-Amz-Copy-Source", "/secret/key"),
      },
      refused: `AccessDenied: There were headers present in the request which were not signed {"HeadersNotSigned":"x-amz-copy-source"}`,
    },
    { why: "a session token", change: { headers: ["x-amz-security-token", "t"] }, refused: "InvalidToken" },
    {
      why: "the host not signed",
      change: { edit: replaceHeader("authorization", (value) => value.replace("host;", "")) },
      refused: "AccessDenied",
    },
    {
      why: "the date not there",
      change: { edit: replaceHeader("x-amz-date", () => "") },
      refused: "AccessDenied: AWS authentication requires a valid Date",
    },
    {
      why: "the date given twice",
      change: {
        edit: addHeader("x-amz-date", formatAmzDate(NOW)),
      },
      refused: "InvalidRequest",
    },
    {
      why: "the authorization given twice",
      change: {
        edit: addHeader("authorization", "AWS a:b"),
      },
      refused: "InvalidRequest",
    },
    {
      why: "the scope of another day",
      change: { edit: replaceHeader("authorization", (value) => value.replace("20261129", "20261128")) },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "an empty day",
      change: { edit: replaceHeader("authorization", (value) => value.replace("20261129", "")) },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "another service",
      change: { edit: replaceHeader("authorization", (value) => value.replace("/s3/", "/ec2/")) },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "another terminal",
      change: { edit: replaceHeader("authorization", (value) => value.replace("aws4_request", "aws5_request")) },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "a credential of four parts",
      change: { edit: replaceHeader("authorization", (value) => value.replace("AKID/", "")) },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "a credential without key id",
      change: { edit: replaceHeader("authorization", (value) => value.replace("AKID/", "/")) },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "no signature",
      change: { edit: replaceHeader("authorization", (value) => value.replace(/, Signature.*/, "")) },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "an empty signature",
      change: { edit: replaceHeader("authorization", (value) => value.replace(/Signature=.*/, "Signature=")) },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "a signature cut short",
      change: { edit: replaceHeader("authorization", (value) => value.slice(0, -1)) },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "a component twice",
      change: { edit: replaceHeader("authorization", (value) => `${value}, Signature=a`) },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "a component without value",
      change: { edit: replaceHeader("authorization", (value) => `${value}, a`) },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "no signed headers",
      change: {
        edit: replaceHeader("authorization", (value) => value.replace(/SignedHeaders=[^,]*/, "SignedHeaders=")),
      },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "more signed headers than anyone has",
      change: { edit: replaceHeader("authorization", (value) => value.replace("host;", `host;${"a;".repeat(100)}`)) },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "the algorithm alone",
      change: { edit: replaceHeader("authorization", () => "AWS4-HMAC-SHA256") },
      refused: "AuthorizationHeaderMalformed",
    },
    {
      why: "version 2",
      change: { edit: replaceHeader("authorization", () => "AWS AKID:sig=") },
      refused: "InvalidRequest: The authorization mechanism",
    },
    {
      why: "another scheme",
      change: { edit: replaceHeader("authorization", () => "Basic abc") },
      refused: "InvalidArgument: Unsupported Authorization Type",
    },
    { why: "an empty header", change: { edit: replaceHeader("authorization", () => "") }, refused: "InvalidArgument" },
    {
      why: "a query that signs too",
      change: {
        edit: replaceQuery((query) => `${query}&X-Amz-Algorithm=AWS4-HMAC-SHA256`),
      },
      refused: "InvalidArgument: Only one auth mechanism allowed",
    },
    {
      why: "a query that signs too, in escapes",
      change: {
        edit: replaceQuery((query) => `${query}&%58-Amz-Signature=a`),
      },
      refused: "InvalidArgument: Only one auth mechanism allowed",
    },
    {
      why: "a query that signs too, with version 2",
      change: {
        edit: replaceQuery((query) => `${query}&Signature=a&AWSAccessKeyId=AKID&Expires=1`),
      },
      refused: "InvalidArgument: Only one auth mechanism allowed",
    },
  ];
  test.each(rows)("are refused for $why", ({ change, refused }) => {
    expect(codeOf(() => verify(byHeader(change)))).toContain(refused);
  });

  test.each([
    { why: "15 minutes behind", change: { signedAt: NOW - 15 * MINUTE } },
    { why: "15 minutes ahead", change: { signedAt: NOW + 15 * MINUTE } },
    {
      why: "white space around values does not matter",
      change: { headers: ["x-amz-meta-a", "a  b"], edit: replaceHeader("x-amz-meta-a", () => "  a\t  b ") },
    },
    {
      why: "an unsigned header that is not of S3",
      change: { edit: addHeader("Content-Type", "text/plain") },
    },
    {
      why: "the same path in other escapes",
      change: {
        edit: replace({ path: "/%6dedia/a%20%62" }),
      },
    },
    {
      why: "duplicates of a signed header in their order",
      change: { headers: ["x-amz-meta-a", "1", "X-Amz-Meta-A", "2"] },
    },
  ] as { why: string; change: Change }[])("are accepted: $why", ({ change }) => {
    expect(codeOf(() => verify(byHeader(change)))).toBe("accepted");
  });

  test("without the payload hash they are refused", () => {
    const sent = byHeader();
    const at = sent.rawHeaders.indexOf("x-amz-content-sha256");
    sent.rawHeaders.splice(at, 2);
    expect(codeOf(() => verify(sent))).toContain("Missing required header for this request: x-amz-content-sha256");
  });

  test("the Date header counts where x-amz-date is absent", () => {
    const sent = byHeader();
    const at = sent.rawHeaders.indexOf("x-amz-date");
    sent.rawHeaders.splice(at, 2, "Date", new Date(NOW).toUTCString());
    // Signed as empty by nobody: the signature cannot match, but the time was understood.
    expect(codeOf(() => verify(sent))).toContain("SignatureDoesNotMatch");
    expect(codeOf(() => verify(sent, NOW + 16 * MINUTE))).toContain("RequestTimeTooSkewed");
  });

  test("a mismatch shows what the server signed, and never the secret", () => {
    const text = codeOf(() => verify(byHeader({ signAs: { secretAccessKey: "other" } })));
    expect(text).toContain("CanonicalRequest");
    expect(text).toContain("StringToSign");
    expect(text).not.toContain("secret");
  });

  test("a changed secret makes the old signing key worthless at once", () => {
    let secret: string | undefined = "secret";
    const changing = new SignatureVerifier({ hashes: signingHashes, region: undefined, secretOf: () => secret });
    const sent = byHeader();
    const request = { ...sent, headers: new HeaderFields(sent.rawHeaders) };
    expect(changing.verify(request, NOW).kind).toBe("header");
    secret = "new";
    expect(codeOf(() => changing.verify(request, NOW))).toContain("SignatureDoesNotMatch");
    secret = undefined;
    expect(codeOf(() => changing.verify(request, NOW))).toContain("InvalidAccessKeyId");
  });

  test("more keys than are remembered still work", () => {
    const small = new SignatureVerifier({
      hashes: signingHashes,
      region: undefined,
      secretOf: () => "secret",
      rememberedKeys: 2,
    });
    for (const accessKeyId of ["A", "B", "C", "A", "D"]) {
      const sent = byHeader({ signAs: { accessKeyId, region: "anywhere" } });
      expect(small.verify({ ...sent, headers: new HeaderFields(sent.rawHeaders) }, NOW)).toMatchObject({ accessKeyId });
    }
  });
});
