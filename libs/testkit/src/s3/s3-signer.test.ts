import { expect, test } from "vitest";
import { signedChunks, unsignedChunks } from "./s3-chunks.ts";
import { encodeS3Path, encodeS3Query, S3Signer, sha256Hex, timeOf } from "./s3-signer.ts";

// The worked examples of the S3 documentation use these keys and this instant.
const signer = new S3Signer({
  accessKey: "AKIAIOSFODNN7EXAMPLE",
  secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
});
const NOW_MS = Date.UTC(2013, 4, 24);
const HOST = { host: "examplebucket.s3.amazonaws.com" };

test.each([
  {
    what: "a GET with a range",
    request: { method: "GET", path: "/test.txt", headers: { ...HOST, range: "bytes=0-9" } },
    body: "",
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
  {
    what: "a PUT of a key with a dollar",
    request: {
      method: "PUT",
      path: "/test%24file.text",
      headers: { ...HOST, date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" },
    },
    body: "Welcome to Amazon S3.",
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  },
  {
    what: "a sub-resource",
    request: { method: "GET", path: "/", query: { lifecycle: "" }, headers: HOST },
    body: "",
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    what: "a listing",
    request: { method: "GET", path: "/", query: { "max-keys": "2", prefix: "J" }, headers: HOST },
    body: "",
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
])("signs $what as the documentation's example does", ({ request, body, signature }) => {
  const { authorization } = signer.sign(request, sha256Hex(body), NOW_MS);
  expect(authorization).toMatch(new RegExp(`Signature=${signature}$`));
});

test("presigns as the documentation's example does", () => {
  const url = signer.presign({ method: "GET", path: "/test.txt", headers: HOST }, NOW_MS, 86_400);
  expect(url).toMatch(/X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404$/);
});

test("chains the signatures of chunks as the documentation's example does", () => {
  const body = signedChunks(signer, {
    seedSignature: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    time: timeOf(NOW_MS),
    chunks: [Buffer.alloc(65_536, "a"), Buffer.alloc(1_024, "a")],
  }).toString("latin1");
  expect(body).toMatch(/^10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n/);
  expect(body).toContain(
    "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n",
  );
  expect(body).toMatch(
    /\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n$/,
  );
});

test("frames unsigned chunks with trailers behind them", () => {
  const body = unsignedChunks([Buffer.from("hello")], { "x-amz-checksum-crc32": "NhCmhg==" });
  expect(body.toString()).toBe("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
});

test("encodes paths and queries as signatures want them", () => {
  expect(encodeS3Path("b", "a b/c+d/é!'()*")).toBe("/b/a%20b/c%2Bd/%C3%A9%21%27%28%29%2A");
  expect(encodeS3Query({ prefix: "a b", acl: "", "X-Amz-Date": "1" })).toBe("X-Amz-Date=1&acl=&prefix=a%20b");
});
