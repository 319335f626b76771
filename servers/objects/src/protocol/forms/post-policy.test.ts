import fc from "fast-check";
import { expect, test } from "vitest";
import { codeOf } from "../../../test/support/signed-requests.ts";
import { signingHashes } from "../../service/signing-hashes.ts";
import { SignatureVerifier, signPolicy } from "../sigv4/index.ts";
import { checkFileSize, checkPostPolicy, formReply, MAX_POLICY_CONDITIONS, parsePostPolicy } from "./index.ts";

const NOW = Date.UTC(2026, 10, 29);
const base64 = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64");
const policyOf = (...conditions: unknown[]) => base64({ expiration: "2026-11-29T00:00:01Z", conditions });

function check(fields: Record<string, string>, ...conditions: unknown[]) {
  return checkPostPolicy(parsePostPolicy(policyOf(...conditions)), new Map(Object.entries(fields)), "media", NOW);
}

test.each([
  {
    fields: { key: "a/1" },
    conditions: [["starts-with", "$key", "a/"]],
    code: "accepted",
    why: "the key begins as it must",
  },
  {
    fields: { key: "b/1" },
    conditions: [["starts-with", "$key", "a/"]],
    code: 'Policy Condition failed: ["starts-with", "$key", "a/"]',
    why: "the key does not",
  },
  { fields: { key: "a" }, conditions: [{ key: "a" }, { bucket: "media" }], code: "accepted", why: "exact" },
  {
    fields: { key: "a" },
    conditions: [["EQ", "$Key", "a"]],
    code: "accepted",
    why: "case of names and operators does not matter",
  },
  { fields: { key: "A" }, conditions: [{ key: "a" }], code: "Policy Condition failed", why: "case of values does" },
  {
    fields: { key: "a" },
    conditions: [{ key: "a" }, { bucket: "other" }],
    code: "Policy Condition failed",
    why: "the bucket of the request is another",
  },
  {
    fields: { key: "a", bucket: "other" },
    conditions: [{ key: "a" }, { bucket: "other" }],
    code: "Policy Condition failed",
    why: "a field cannot say which bucket it is",
  },
  { fields: {}, conditions: [{ key: "a" }], code: "Policy Condition failed", why: "a field is missing" },
  {
    fields: { "content-type": "image/png" },
    conditions: [["starts-with", "$Content-Type", ""]],
    code: "accepted",
    why: "anything begins with nothing",
  },
  {
    fields: { key: "a", acl: "public-read" },
    conditions: [{ key: "a" }],
    code: "Extra input fields: acl",
    why: "a field that no condition names",
  },
  {
    fields: { key: "a", "x-amz-meta-evil": "1" },
    conditions: [{ key: "a" }],
    code: "Extra input fields: x-amz-meta-evil",
    why: "metadata too",
  },
  {
    fields: { policy: "p", "x-amz-signature": "s", "x-ignore-me": "1" },
    conditions: [],
    code: "accepted",
    why: "some fields are free",
  },
  {
    fields: { "x-amz-credential": "c" },
    conditions: [],
    code: "Extra input fields: x-amz-credential",
    why: "credentials must be in the policy",
  },
])("a policy: $why", ({ fields, conditions, code }) => {
  expect(codeOf(() => check(fields as Record<string, string>, ...conditions)).replaceAll('","', '", "')).toContain(
    code,
  );
});

test("a policy is good until it expires", () => {
  const policy = parsePostPolicy(policyOf());
  expect(codeOf(() => checkPostPolicy(policy, new Map(), "media", NOW + 999))).toBe("accepted");
  expect(codeOf(() => checkPostPolicy(policy, new Map(), "media", NOW + 1_000))).toContain(
    "AccessDenied: Invalid according to Policy: Policy expired.",
  );
});

test("the size of the file has limits, and the narrowest count", () => {
  const range = check({}, ["content-length-range", 1, 10], ["content-length-range", "2", 20]);
  expect(range).toEqual({ minBytes: 2, maxBytes: 10 });
  const judge = (bytes: number, isWhole: boolean) => codeOf(() => checkFileSize(range, bytes, isWhole)).split(":")[0];
  expect([judge(1, false), judge(1, true), judge(2, true), judge(10, true), judge(11, false)]).toEqual([
    "accepted",
    "EntityTooSmall",
    "accepted",
    "accepted",
    "EntityTooLarge",
  ]);
  expect(check({})).toEqual({ minBytes: 0, maxBytes: Number.MAX_SAFE_INTEGER });
});

test.each([
  { text: "!", why: "no base64" },
  { text: base64("{"), why: "no JSON" },
  { text: Buffer.from([0x7b, 0xff]).toString("base64"), why: "no UTF-8" },
  { text: base64([]), why: "no object" },
  { text: base64("null"), why: "null" },
  { text: base64({ conditions: [] }), why: "no expiration" },
  { text: base64({ expiration: "tomorrow", conditions: [] }), why: "an expiration that is no date" },
  { text: base64({ expiration: "2026-11-29T00:00:01Z" }), why: "no conditions" },
  { text: policyOf("key"), why: "a text as condition" },
  { text: policyOf(null), why: "null as condition" },
  { text: policyOf({}), why: "an empty object" },
  { text: policyOf({ key: "a", acl: "b" }), why: "two fields in one" },
  { text: policyOf({ key: 1 }), why: "a number as value" },
  { text: policyOf(["eq", "$key"]), why: "two parts" },
  { text: policyOf(["eq", "key", "a"]), why: "no $" },
  { text: policyOf(["eq", "$key", 1]), why: "a number as value in a list" },
  { text: policyOf(["ends-with", "$key", "a"]), why: "an unknown operator" },
  { text: policyOf(["content-length-range", -1, 1]), why: "a negative size" },
  { text: policyOf(["content-length-range", "a", 1]), why: "a size that is none" },
  { text: policyOf(["content-length-range", 0, 1e300]), why: "a size beyond integers" },
  {
    text: policyOf(...Array.from({ length: MAX_POLICY_CONDITIONS + 1 }, () => ({ key: "a" }))),
    why: "too many conditions",
  },
])("a policy document is refused: $why", ({ text }) => {
  expect(codeOf(() => parsePostPolicy(text))).toContain("InvalidPolicyDocument: Invalid Policy:");
});

test("any JSON is a policy or refused with an error of S3", () => {
  const conditions = fc.array(
    fc.oneof(
      fc.array(fc.oneof(fc.constantFrom("eq", "starts-with", "$key", "content-length-range"), fc.jsonValue()), {
        maxLength: 4,
      }),
      fc.jsonValue(),
    ),
  );
  fc.assert(
    fc.property(conditions, (list) => {
      const result = codeOf(() => check({ key: "a" }, ...list));
      expect(result).toMatch(/^(accepted|InvalidPolicyDocument|AccessDenied)/);
    }),
  );
});

const KEY_ID = "AKIAIOSFODNN7EXAMPLE";
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const verifier = new SignatureVerifier({
  hashes: signingHashes,
  region: "us-east-1",
  secretOf: (id) => (id === KEY_ID ? SECRET : undefined),
});
const IDENTITY = { accessKeyId: KEY_ID, secretAccessKey: SECRET, region: "us-east-1" };

function signedForm(change: Record<string, string | undefined> = {}): Map<string, string> {
  const policy = policyOf({ key: "a" });
  const fields: Record<string, string | undefined> = {
    policy,
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": `${KEY_ID}/20261129/us-east-1/s3/aws4_request`,
    "x-amz-date": "20261129T000000Z",
    "x-amz-signature": signPolicy(signingHashes, IDENTITY, "20261129", policy),
    ...change,
  };
  return new Map(Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

test("a signed form is verified, and one without any sign of a signature is anonymous", () => {
  for (let again = 0; again < 2; again++) expect(verifier.verifyForm(signedForm())).toEqual({ accessKeyId: KEY_ID });
  expect(verifier.verifyForm(new Map([["key", "a"]]))).toBeUndefined();
});

test.each([
  { change: { policy: policyOf({ key: "b" }) }, code: "SignatureDoesNotMatch", why: "another policy" },
  { change: { "x-amz-signature": "0".repeat(64) }, code: "SignatureDoesNotMatch", why: "another signature" },
  { change: { "x-amz-signature": "" }, code: "SignatureDoesNotMatch", why: "an empty signature" },
  {
    change: { "x-amz-signature": undefined },
    code: "InvalidArgument: Bucket POST must contain a field named 'x-amz-signature'",
    why: "no signature",
  },
  { change: { policy: undefined }, code: "InvalidArgument", why: "no policy" },
  {
    change: { "x-amz-credential": `X/20261129/us-east-1/s3/aws4_request` },
    code: "InvalidAccessKeyId",
    why: "a key that does not exist",
  },
  {
    change: { "x-amz-credential": `${KEY_ID}/20261129/eu/s3/aws4_request` },
    code: "InvalidArgument: the region 'eu' is wrong",
    why: "another region",
  },
  { change: { "x-amz-credential": "x" }, code: "InvalidArgument", why: "a credential that is none" },
  {
    change: { "x-amz-date": "20261130T000000Z" },
    code: "InvalidArgument: Invalid credential date",
    why: "another day",
  },
  { change: { "x-amz-date": "today" }, code: "InvalidArgument", why: "a date that is none" },
  { change: { "x-amz-algorithm": "AWS4" }, code: "InvalidArgument", why: "another algorithm" },
  { change: { "x-amz-security-token": "t" }, code: "InvalidToken", why: "a session token" },
  { change: { awsaccesskeyid: KEY_ID, signature: "s" }, code: "InvalidRequest", why: "version 2" },
])("a form is refused with $code: $why", ({ change, code }) => {
  expect(codeOf(() => verifier.verifyForm(signedForm(change)))).toContain(code);
});

test("a policy is signed as in the example that Amazon publishes", () => {
  const lines = [
    '{ "expiration": "2015-12-30T12:00:00.000Z",',
    '  "conditions": [',
    '    {"bucket": "sigv4examplebucket"},',
    '    ["starts-with", "$key", "user/user1/"],',
    '    {"acl": "public-read"},',
    '    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},',
    '    ["starts-with", "$Content-Type", "image/"],',
    '    {"x-amz-meta-uuid": "14365123651274"},',
    '    {"x-amz-server-side-encryption": "AES256"},',
    '    ["starts-with", "$x-amz-meta-tag", ""],',
    "",
    '    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},',
    '    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},',
    '    {"x-amz-date": "20151229T000000Z" }',
    "  ]",
    "}",
  ];
  const policy = base64(lines.join("\r\n"));
  expect(signPolicy(signingHashes, IDENTITY, "20151229", policy)).toBe(
    "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e",
  );
});

const POSTED = { location: "http://h/media/a", bucket: "media", key: "a b", etag: "e" };

test.each([
  { fields: {}, status: 204, why: "nothing is asked" },
  { fields: { success_action_status: "200" }, status: 200, why: "200 is asked" },
  { fields: { success_action_status: "404" }, status: 204, why: "only three are known" },
  { fields: { success_action_redirect: "not a url" }, status: 204, why: "no address" },
  { fields: { success_action_redirect: "javascript:alert(1)" }, status: 204, why: "no address of the web" },
] as { fields: Record<string, string>; status: number; why: string }[])(
  "a form is answered with $status: $why",
  ({ fields, status }) => {
    expect(formReply(new Map(Object.entries(fields)), POSTED)).toEqual({ status, redirect: undefined, body: "" });
  },
);

test("a form is answered with a document or sent on, if it asks", () => {
  expect(formReply(new Map([["success_action_status", "201"]]), POSTED).body).toContain(
    "<Location>http://h/media/a</Location><Bucket>media</Bucket><Key>a b</Key><ETag>&quot;e&quot;</ETag></PostResponse>",
  );
  expect(formReply(new Map([["success_action_redirect", "http://h/done?x=1"]]), POSTED)).toEqual({
    status: 303,
    redirect: "http://h/done?x=1&bucket=media&key=a+b&etag=%22e%22",
    body: "",
  });
});
