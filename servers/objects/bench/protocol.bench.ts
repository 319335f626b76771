// What the protocol costs a request: routing, signatures, framing, documents. CPU time of this process for one call, the
// least of all rounds, so that a busy machine disturbs it little.

import { combineCrcs } from "../src/protocol/checksums/index.ts";
import { ChunkDecoder, encodeChunked } from "../src/protocol/chunked/index.ts";
import { FormDecoder } from "../src/protocol/forms/index.ts";
import { parseCompleteMultipartUpload, writeListBucketV2 } from "../src/protocol/messages/index.ts";
import { Router } from "../src/protocol/routing/index.ts";
import { EMPTY_SHA256, HeaderFields, RequestSigner, SignatureVerifier } from "../src/protocol/sigv4/index.ts";
import { signingHashes } from "../src/service/signing-hashes.ts";

const isSmoke = process.argv.includes("--smoke");
const ROUNDS = isSmoke ? 1 : 20;
const ROUND_MS = isSmoke ? 1 : 50;
const NOW = Date.UTC(2026, 10, 29);

const path = "/media/live/channel-17/segment-000123.m4s";
const plain = { method: "GET", host: "127.0.0.1:9000", path, query: "", hasCopySource: false };
const pathStyle = new Router([]);
const hostStyle = new Router(["s3.example.com"]);
const signer = new RequestSigner(signingHashes, {
  accessKeyId: "AKID",
  secretAccessKey: "secret",
  region: "us-east-1",
});
const verifier = new SignatureVerifier({ hashes: signingHashes, region: "us-east-1", secretOf: () => "secret" });
const request = { method: "GET", path, query: "", rawHeaders: ["Host", "127.0.0.1:9000"] };
const signed = [...signer.signHeaders(request, EMPTY_SHA256, NOW).rawHeaders, "User-Agent", "bench", "Accept", "*/*"];
const presigned = signer.presign(request, 3_600, NOW);
const body = new Uint8Array(1 << 20).fill(0x0d);
const chunked = Buffer.concat(
  encodeChunked(body, {
    chunkBytes: 65_536,
    signatures: undefined,
    sha256Hex: () => "",
    trailers: [["x-amz-checksum-crc32", "AAAAAA=="]],
  }),
);
const formHead = Buffer.from(
  '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n',
);
const formEnd = Buffer.from("\r\n--b--");
const entries = Array.from({ length: 1_000 }, (_, index) => ({
  key: `live/channel-17/segment-${index}.m4s`,
  versionId: "null",
  isLatest: true,
  isDeleteMarker: false,
  sizeBytes: 10_240,
  etag: "d41d8cd98f00b204e9800998ecf8427e",
  modifiedMs: NOW + index,
  expiresMs: undefined,
  metadata: { user: {}, tags: {} },
  checksum: undefined,
  parts: undefined,
}));
const listing = {
  bucket: "media",
  prefix: "live/",
  delimiter: "",
  maxKeys: 1_000,
  isUrlEncoded: false,
  isTruncated: false,
  entries,
  commonPrefixes: [],
  owner: undefined,
  startAfter: undefined,
  continuationToken: undefined,
  nextContinuationToken: undefined,
};
const completion = Buffer.from(
  `<CompleteMultipartUpload>${entries.map((_, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>&quot;e&quot;</ETag></Part>`).join("")}</CompleteMultipartUpload>`,
);
const crcs = Array.from({ length: 10_000 }, () => ({ crc: new Uint8Array(8).fill(7), sizeBytes: 8 << 20 }));

function decodeChunked(): number {
  const decoder = new ChunkDecoder({
    decodedLength: body.length,
    signing: undefined,
    hasTrailer: true,
    declaredTrailers: ["x-amz-checksum-crc32"],
  });
  let count = 0;
  for (let start = 0; start < chunked.length; start += 65_536)
    count += decoder.push(chunked.subarray(start, start + 65_536)).length;
  return count + decoder.finish().size;
}

function decodeForm(): number {
  const decoder = new FormDecoder("b");
  return decoder.push(formHead).length + decoder.push(body).length + decoder.push(formEnd).length;
}

const CASES: Record<string, () => number> = {
  "route a key, path style": () => pathStyle.route(plain).key.length,
  "route a key, virtual-host style": () =>
    hostStyle.route({ ...plain, host: "media.s3.example.com", path: "/live/1.m4s" }).key.length,
  "route a key with x-id": () => pathStyle.route({ ...plain, query: "x-id=GetObject" }).key.length,
  "route a presigned URL": () => pathStyle.route({ ...plain, query: presigned }).key.length,
  "verify a signature by header": () =>
    verifier.verify({ ...request, headers: new HeaderFields(signed) }, NOW).kind.length,
  "verify a presigned URL": () =>
    verifier.verify({ ...request, query: presigned, headers: new HeaderFields(request.rawHeaders) }, NOW).kind.length,
  "sign by header": () => signer.signHeaders(request, EMPTY_SHA256, NOW).rawHeaders.length,
  "unframe 1 MiB of chunks": decodeChunked,
  "find the end of a 1 MiB file of CRs in a form": decodeForm,
  "write a listing of 1,000 keys": () => writeListBucketV2(listing).length,
  "read a completion of 1,000 parts": () => parseCompleteMultipartUpload(completion).length,
  "combine 10,000 CRC-64s": () => combineCrcs("CRC64NVME", crcs).length,
};

let check = 0;
for (const [name, run] of Object.entries(CASES)) {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now();
    const started = process.cpuUsage();
    let calls = 0;
    while (performance.now() - startedMs < ROUND_MS) {
      for (let i = 0; i < 16; i++) check += run();
      calls += 16;
    }
    const { user, system } = process.cpuUsage(started);
    least = Math.min(least, ((user + system) * 1_000) / calls);
  }
  console.log(`${name.padEnd(48)} ${least.toFixed(0).padStart(10)} ns`);
}
console.log(`check ${check > 0}`);
