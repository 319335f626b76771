import { describe, expect, test } from "vitest";
import {
  addHeader,
  byQuery,
  type Change,
  codeOf,
  MINUTE,
  NOW,
  replace,
  replaceQuery,
  verify,
} from "../../../test/support/signed-requests.ts";
import { EMPTY_SHA256 } from "./index.ts";

describe("presigned URLs", () => {
  test("one is accepted from its start to its end", () => {
    expect(verify(byQuery())).toMatchObject({
      kind: "query",
      accessKeyId: "AKID",
      expiresMs: NOW + 60_000,
      payload: { kind: "unsigned" },
    });
    expect(codeOf(() => verify(byQuery(), NOW + 59_999))).toBe("accepted");
    expect(codeOf(() => verify(byQuery({}, 604_800), NOW + 604_799_000))).toBe("accepted");
  });

  const rows: { why: string; change: Change; seconds?: number; now?: number; refused: string }[] = [
    {
      why: "it has expired",
      change: {},
      now: NOW + 60_000,
      refused: `AccessDenied: Request has expired {"X-Amz-Expires":"60","Expires":"2026-11-29T12:01:00.000Z"`,
    },
    {
      why: "it is not valid yet",
      change: { signedAt: NOW + 16 * MINUTE },
      refused: "AccessDenied: Request is not yet valid",
    },
    {
      why: "it would live over a week",
      change: {},
      seconds: 604_801,
      refused: "AuthorizationQueryParametersError: X-Amz-Expires must be less than a week",
    },
    { why: "it would not live a second", change: {}, seconds: 0, refused: "AuthorizationQueryParametersError" },
    { why: "it would end before it starts", change: {}, seconds: -1, refused: "X-Amz-Expires must be non-negative" },
    { why: "its life is no number", change: {}, seconds: Number.NaN, refused: "X-Amz-Expires should be a number" },
    {
      why: "its life was changed",
      change: {
        edit: replaceQuery((query) => query.replace("Expires=60", "Expires=600")),
      },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "another region",
      change: { signAs: { region: "eu" } },
      refused:
        "AuthorizationQueryParametersError: Error parsing the X-Amz-Credential parameter; the region 'eu' is wrong",
    },
    { why: "a key that does not exist", change: { signAs: { accessKeyId: "NOBODY" } }, refused: "InvalidAccessKeyId" },
    {
      why: "a copy source was added: a write would become a read as the signer",
      change: {
        edit: addHeader("x-amz-copy-source", "/secret/key"),
      },
      refused: "AccessDenied: There were headers present",
    },
    {
      why: "metadata was added",
      change: {
        edit: addHeader("X-Amz-Meta-A", "1"),
      },
      refused: "AccessDenied: There were headers present",
    },
    {
      why: "an acl was added",
      change: {
        edit: addHeader("x-amz-acl", "public-read"),
      },
      refused: "AccessDenied: There were headers present",
    },
    {
      why: "a payload hash was added that is not signed",
      change: {
        edit: addHeader("x-amz-content-sha256", EMPTY_SHA256),
      },
      refused: "AccessDenied: There were headers present",
    },
    {
      why: "the host is not signed",
      change: {
        edit: replaceQuery((query) => query.replace("SignedHeaders=host", "SignedHeaders=range")),
      },
      refused: "AccessDenied",
    },
    {
      why: "a parameter was added",
      change: {
        edit: replaceQuery((query) => `${query}&versionId=1`),
      },
      refused: "SignatureDoesNotMatch",
    },
    {
      why: "a second signature",
      change: {
        edit: replaceQuery((query) => `${query}&X-Amz-Signature=a`),
      },
      refused: "AuthorizationQueryParametersError",
    },
    {
      why: "a second life",
      change: {
        edit: replaceQuery((query) => `${query}&X-Amz-Expires=9`),
      },
      refused: "AuthorizationQueryParametersError",
    },
    {
      why: "no signature",
      change: {
        edit: replaceQuery((query) => query.replace(/&X-Amz-Signature.*/, "")),
      },
      refused: "AuthorizationQueryParametersError: Query-string authentication version 4 requires",
    },
    {
      why: "another algorithm",
      change: {
        edit: replaceQuery((query) => query.replace("HMAC-SHA256", "HMAC-SHA1")),
      },
      refused: "AuthorizationQueryParametersError",
    },
    {
      why: "elliptic curves",
      change: {
        edit: replaceQuery((query) => query.replace("AWS4-HMAC", "AWS4-ECDSA-P256")),
      },
      refused: "InvalidRequest",
    },
    {
      why: "version 2",
      change: {
        edit: replace({ query: "AWSAccessKeyId=AKID&Signature=a&Expires=9" }),
      },
      refused: "InvalidRequest: The authorization mechanism",
    },
    {
      why: "a date that is none",
      change: {
        edit: replaceQuery((query) => query.replace(/X-Amz-Date=\d/, "X-Amz-Date=x")),
      },
      refused: "AuthorizationQueryParametersError: X-Amz-Date must be",
    },
    {
      why: "a credential that is none",
      change: {
        edit: replaceQuery((query) => query.replace("AKID%2F", "")),
      },
      refused: "AuthorizationQueryParametersError",
    },
    {
      why: "a session token",
      change: {
        edit: replaceQuery((query) => `${query}&X-Amz-Security-Token=t`),
      },
      refused: "InvalidToken",
    },
    {
      why: "an Authorization header beside",
      change: {
        edit: addHeader("Authorization", "AWS4-HMAC-SHA256 a"),
      },
      refused: "InvalidArgument: Only one auth mechanism",
    },
  ];
  test.each(rows)("are refused because $why", ({ change, seconds, now, refused }) => {
    expect(codeOf(() => verify(byQuery(change, seconds), now))).toContain(refused);
  });

  test("headers that were signed may and must be sent", () => {
    const sent = byQuery({ headers: ["x-amz-meta-a", "1"] });
    expect(codeOf(() => verify(sent))).toBe("accepted");
    expect(codeOf(() => verify({ ...sent, rawHeaders: ["Host", "h:1"] }))).toContain("SignatureDoesNotMatch");
  });
});
