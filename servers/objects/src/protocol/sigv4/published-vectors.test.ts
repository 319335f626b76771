// The examples that Amazon publishes for S3, signed with its example key: the verifier and the signer must agree with
// them, not only with each other.
import { expect, test } from "vitest";
import { signingHashes } from "../../service/signing-hashes.ts";
import { HeaderFields } from "../header-fields.ts";
import { ChunkSignatures, EMPTY_SHA256, RequestSigner, SignatureVerifier, type SignedRequest } from "./index.ts";

const KEY_ID = "AKIAIOSFODNN7EXAMPLE";
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const NOW = Date.UTC(2013, 4, 24);
const HOST = ["Host", "examplebucket.s3.amazonaws.com"];
const SCOPE = "20130524/us-east-1/s3/aws4_request";

const verifier = new SignatureVerifier({
  hashes: signingHashes,
  region: "us-east-1",
  secretOf: (id) => (id === KEY_ID ? SECRET : undefined),
});

function authorization(signedHeaders: string, signature: string): string[] {
  return [
    "Authorization",
    `AWS4-HMAC-SHA256 Credential=${KEY_ID}/${SCOPE},SignedHeaders=${signedHeaders},Signature=${signature}`,
  ];
}

const DATE = ["x-amz-date", "20130524T000000Z"];
const EMPTY = ["x-amz-content-sha256", EMPTY_SHA256];

const REQUESTS: { what: string; request: SignedRequest; nowMs?: number }[] = [
  {
    what: "GET Object with a range",
    request: {
      method: "GET",
      path: "/test.txt",
      query: "",
      headers: new HeaderFields([
        ...HOST,
        ...authorization(
          "host;range;x-amz-content-sha256;x-amz-date",
          "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        ...["Range", "bytes=0-9"],
        ...EMPTY,
        ...DATE,
      ]),
    },
  },
  {
    what: "PUT Object with a dollar in its key",
    request: {
      method: "PUT",
      path: "/test$file.text",
      query: "",
      headers: new HeaderFields([
        ...HOST,
        ...["Date", "Fri, 24 May 2013 00:00:00 GMT"],
        ...authorization(
          "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
          "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ...DATE,
        ...["x-amz-storage-class", "REDUCED_REDUNDANCY"],
        ...["x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"],
      ]),
    },
  },
  {
    what: "GET Bucket lifecycle",
    request: {
      method: "GET",
      path: "/",
      query: "lifecycle",
      headers: new HeaderFields([
        ...HOST,
        ...authorization(
          "host;x-amz-content-sha256;x-amz-date",
          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        ...DATE,
        ...EMPTY,
      ]),
    },
  },
  {
    what: "GET Bucket with arguments out of order",
    request: {
      method: "GET",
      path: "/",
      query: "prefix=J&max-keys=2",
      headers: new HeaderFields([
        ...HOST,
        ...authorization(
          "host;x-amz-content-sha256;x-amz-date",
          "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
        ...DATE,
        ...EMPTY,
      ]),
    },
  },
  {
    what: "a presigned URL",
    nowMs: NOW + 86_399_000,
    request: {
      method: "GET",
      path: "/test.txt",
      query:
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
      headers: new HeaderFields(HOST),
    },
  },
];

test.each(REQUESTS)("the published example of $what is accepted, and not with another method", ({ request, nowMs }) => {
  expect(verifier.verify(request, nowMs ?? NOW)).toMatchObject({ accessKeyId: KEY_ID });
  expect(() => verifier.verify({ ...request, method: "DELETE" }, nowMs ?? NOW)).toThrow("does not match");
});

const signer = new RequestSigner(signingHashes, {
  accessKeyId: KEY_ID,
  secretAccessKey: SECRET,
  region: "us-east-1",
});

test("the signer makes the published presigned URL", () => {
  const request = { method: "GET", path: "/test.txt", query: "", rawHeaders: HOST };
  expect(signer.presign(request, 86_400, NOW)).toBe(REQUESTS[4]?.request.query);
});

test("chunks are signed as in the published example", () => {
  const { rawHeaders, chunkSigning } = signer.signHeaders(
    {
      method: "PUT",
      path: "/examplebucket/chunkObject.txt",
      query: "",
      rawHeaders: [
        ...["host", "s3.amazonaws.com", "x-amz-storage-class", "REDUCED_REDUNDANCY"],
        ...["content-encoding", "aws-chunked", "x-amz-decoded-content-length", "66560", "content-length", "66824"],
      ],
    },
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    NOW,
  );
  expect(rawHeaders.at(-1)).toContain("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  const chunks = new ChunkSignatures(signingHashes, chunkSigning);
  expect([65_536, 1_024, 0].map((size) => chunks.next(signingHashes.sha256Hex("a".repeat(size))))).toEqual([
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
  ]);
});

test("chunks and their trailer are signed as in the published example", () => {
  const { rawHeaders, chunkSigning } = signer.signHeaders(
    {
      method: "PUT",
      path: "/examplebucket/chunkObject.txt",
      query: "",
      rawHeaders: [
        ...["host", "s3.amazonaws.com", "x-amz-storage-class", "REDUCED_REDUNDANCY"],
        ...["content-encoding", "aws-chunked", "x-amz-decoded-content-length", "66560"],
        ...["x-amz-trailer", "x-amz-checksum-crc32c"],
      ],
    },
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    NOW,
  );
  expect(rawHeaders.at(-1)).toContain("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
  const chunks = new ChunkSignatures(signingHashes, chunkSigning);
  expect([65_536, 1_024, 0].map((size) => chunks.next(signingHashes.sha256Hex("a".repeat(size))))).toEqual([
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
  ]);
  expect(chunks.trailer("x-amz-checksum-crc32c:sOO8/Q==\n")).toBe(
    "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
  );
});
