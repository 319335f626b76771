import { encodeS3Query, S3Signer } from "@kagami/testkit";
import { beforeAll, expect, test } from "vitest";
import { useSession } from "./support/session.ts";

const s3 = useSession("presigned");
const MINUTE_MS = 60_000;

beforeAll(async () => {
  await s3.put("k", "secret", { "content-type": "text/plain" });
  await s3.put("with space/ключ+1", "odd");
});

const host = () => ({ host: s3.endpoint.host });
const fetchUrl = (target: string, method = "GET", headers: Record<string, string> = {}, body = "") =>
  s3.wire.sendRaw(method, target, { ...host(), ...headers }, Buffer.from(body));

test("a presigned URL opens an object to whoever holds it", async () => {
  expect((await fetchUrl(s3.wire.presign({ key: "k" }, 60))).text).toBe("secret");
  expect((await fetchUrl(s3.wire.presign({ key: "with space/ключ+1" }, 60))).text).toBe("odd");
});

test("it carries a put, and a type that has to be kept to", async () => {
  const headers = { "content-type": "image/png" };
  const url = s3.wire.presign({ method: "PUT", key: "up", headers }, 60);
  const wrong = await fetchUrl(url, "PUT", { "content-type": "text/html", "content-length": "1" }, "x");
  expect(wrong.outcome).toBe("403 SignatureDoesNotMatch");
  expect((await fetchUrl(url, "PUT", { ...headers, "content-length": "1" }, "x")).status).toBe(200);
  expect((await s3.send({ method: "HEAD", key: "up" })).headers["content-type"]).toBe("image/png");
});

test("it carries overrides of the answer's headers", async () => {
  const query = { "response-content-disposition": 'attachment; filename="a b.txt"' };
  const answer = await fetchUrl(s3.wire.presign({ key: "k", query }, 60));
  expect(answer.headers["content-disposition"]).toBe('attachment; filename="a b.txt"');
});

test("a range may be asked for without being signed", async () => {
  const answer = await fetchUrl(s3.wire.presign({ key: "k" }, 60), "GET", { range: "bytes=0-1" });
  expect(answer.status).toBe(206);
  expect(answer.text).toBe("se");
});

test.each([
  { method: "HEAD", status: 200 },
  { method: "GET", status: 200 },
  { method: "DELETE", status: 204 },
])("$method can be presigned", async ({ method, status }) => {
  await s3.put("any", "x");
  expect((await fetchUrl(s3.wire.presign({ method, key: "any" }, 60), method)).status).toBe(status);
});

test("a listing and a multipart upload can be presigned", async () => {
  const listed = await fetchUrl(s3.wire.presign({ query: { "list-type": "2", prefix: "k" } }, 60));
  expect(listed.values("Key")).toEqual(["k"]);
  const begun = await fetchUrl(s3.wire.presign({ method: "POST", key: "m", query: { uploads: "" } }, 60), "POST", {
    "content-length": "0",
  });
  expect(begun.status).toBe(200);
});

test.each([
  { method: "PUT", why: "a reading URL does not write" },
  { method: "DELETE", why: "nor delete" },
])("the method of a URL cannot be changed to $method: $why", async ({ method }) => {
  const answer = await fetchUrl(s3.wire.presign({ key: "k" }, 60), method, { "content-length": "0" });
  expect(answer.outcome).toBe("403 SignatureDoesNotMatch");
  expect((await s3.send({ key: "k" })).text).toBe("secret");
});

test("a URL that has expired is refused", async () => {
  const answer = await fetchUrl(s3.wire.presign({ key: "k", nowMs: Date.now() - 2 * MINUTE_MS }, 60));
  expect(answer.outcome).toBe("403 AccessDenied");
  expect(answer.value("Message")).toBe("Request has expired");
});

test("a URL is good to its last minute, beyond the skew that headers have", async () => {
  const url = s3.wire.presign({ key: "k", nowMs: Date.now() - 50 * MINUTE_MS }, 3_600);
  expect((await fetchUrl(url)).text).toBe("secret");
});

test("a URL whose time has not come yet is refused", async () => {
  const url = s3.wire.presign({ key: "k", nowMs: Date.now() + 30 * MINUTE_MS }, 3_600);
  expect((await fetchUrl(url)).status).toBe(403);
});

test.each([
  { expires: "604800", outcome: "200", why: "seven days are the most" },
  { expires: "604801", outcome: "400 AuthorizationQueryParametersError", why: "a second more" },
  { expires: "-1", outcome: "400 AuthorizationQueryParametersError", why: "negative" },
  { expires: "soon", outcome: "400 AuthorizationQueryParametersError", why: "no number" },
])("a life of $expires s answers $outcome: $why", async ({ expires, outcome }) => {
  const url = s3.wire.presign({ key: "k" }, expires as unknown as number);
  expect((await fetchUrl(url)).outcome).toBe(outcome);
});

test.each([
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-SignedHeaders",
  "X-Amz-Signature",
])("a URL without %s is refused", async (name) => {
  const [path, search = ""] = s3.wire.presign({ key: "k" }, 60).split("?");
  const left = search.split("&").filter((pair) => !pair.startsWith(`${name}=`));
  const answer = await fetchUrl(`${path}?${left.join("&")}`);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(answer.text).not.toContain("secret<");
});

test.each([
  { name: "X-Amz-Expires", value: "61" },
  { name: "X-Amz-Date", value: "20260101T000000Z" },
  { name: "X-Amz-Credential", value: "KAGAMITESTACCESSKEY1/20260101/us-east-1/s3/aws4_request" },
  { name: "X-Amz-Signature", value: "0".repeat(64) },
  { name: "X-Amz-Algorithm", value: "AWS4-HMAC-SHA1" },
])("a URL whose $name was changed is refused", async ({ name, value }) => {
  const [path, search = ""] = s3.wire.presign({ key: "k" }, 60).split("?");
  const query = Object.fromEntries(new URLSearchParams(search));
  const answer = await fetchUrl(`${path}?${encodeS3Query({ ...query, [name]: value })}`);
  expect([400, 403]).toContain(answer.status);
});

test("a parameter that is added to a URL is noticed", async () => {
  const url = s3.wire.presign({ key: "k" }, 60);
  expect((await fetchUrl(`${url}&response-content-type=text%2Fhtml`)).outcome).toBe("403 SignatureDoesNotMatch");
  expect((await fetchUrl(`${url}&acl`)).outcome).toBe("403 SignatureDoesNotMatch");
});

test("the signature's parameters may stand in any order", async () => {
  const [path, search = ""] = s3.wire.presign({ key: "k" }, 60).split("?");
  expect((await fetchUrl(`${path}?${search.split("&").reverse().join("&")}`)).text).toBe("secret");
});

test("x-amz headers that are not signed are refused", async () => {
  const url = s3.wire.presign({ method: "PUT", key: "evil" }, 60);
  const headers = { "x-amz-copy-source": `/${s3.bucket}/k`, "content-length": "0" };
  expect((await fetchUrl(url, "PUT", headers)).status).toBe(403);
  expect((await fetchUrl(url, "PUT", { "x-amz-acl": "public-read", "content-length": "0" })).status).toBe(403);
  expect((await s3.send({ key: "evil" })).status).toBe(404);
});

test.each([
  { sum: "AAAAAA==", outcome: "200", why: "of no body, as the SDK presigns before there is one" },
  { sum: "y/Q5Jg==", outcome: "400 BadDigest", why: "of another body" },
  { sum: "NhCmhg==", outcome: "200", why: "of this body" },
])("a URL with the checksum $sum answers $outcome: $why", async ({ sum, outcome }) => {
  const query = { "x-amz-checksum-crc32": sum, "x-amz-sdk-checksum-algorithm": "CRC32" };
  const url = s3.wire.presign({ method: "PUT", key: "summed", query }, 60);
  const answer = await fetchUrl(url, "PUT", { "content-length": "5" }, "hello");
  expect(answer.outcome).toBe(outcome);
});

test("a wrong secret and an unknown key are refused as in headers", async () => {
  const { accessKey, region } = s3.endpoint.credentials;
  const wrong = new S3Signer({ accessKey, secretKey: "wrong-secret-wrong-secret-wrong-secret00", region });
  expect((await fetchUrl(s3.wire.presign({ key: "k", signer: wrong }, 60))).outcome).toBe("403 SignatureDoesNotMatch");
  const unknown = new S3Signer({ accessKey: "NOBODYKNOWSTHISKEY00", secretKey: "x".repeat(40), region });
  expect((await fetchUrl(s3.wire.presign({ key: "k", signer: unknown }, 60))).outcome).toBe("403 InvalidAccessKeyId");
});

test("a URL of another region is refused", async () => {
  const { accessKey, secretKey } = s3.endpoint.credentials;
  const signer = new S3Signer({ accessKey, secretKey, region: "eu-north-9" });
  const answer = await fetchUrl(s3.wire.presign({ key: "k", signer }, 60));
  expect(answer.outcome).toBe("400 AuthorizationQueryParametersError");
});
