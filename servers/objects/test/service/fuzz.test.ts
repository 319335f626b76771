import { connect } from "node:net";
import { createRandom } from "@kagami/clock";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SUB_RESOURCES } from "../../src/protocol/routing/operations.ts";
import { RawClient } from "../support/raw-client.ts";
import { startTestServer, type TestServer } from "../support/start-server.ts";

let server: TestServer;
let client: RawClient;

beforeAll(async () => {
  server = await startTestServer();
  client = new RawClient(server.host);
  await client.send({ method: "PUT", path: "/fuzz" });
  await client.send({ method: "PUT", path: "/fuzz/k", body: "value" });
});

afterAll(() => server.end());

const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"];
const QUERIES = [
  "",
  ...Object.keys(SUB_RESOURCES),
  "partNumber=1&uploadId=x",
  "partNumber=0&uploadId=x",
  "uploadId=%00",
  "versionId=",
  "versionId=null",
  "list-type=2&continuation-token=%ff",
  "list-type=2&max-keys=-1",
  "max-keys=99999999999999999999",
  "encoding-type=bad",
  "response-content-type=%0d%0aX:%20y",
  "X-Amz-Algorithm=AWS4-HMAC-SHA256",
];
const PATHS = [
  "/",
  "/fuzz",
  "/fuzz/",
  "/fuzz/k",
  "/fuzz/none",
  "/absent/k",
  "/fuzz//..%2f%2E",
  "/fuzz/%00",
  "/fuzz/%ff",
  "/%",
];
const BODIES = [
  "",
  "x",
  "<",
  "<a/>",
  "{}",
  "<Delete><Object><Key/></Object></Delete>",
  "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>",
  "\u0000\u00ff",
];
const HEADERS: Record<string, string>[] = [
  {},
  { range: "bytes=5-1" },
  { range: "bytes=99999999999999999999-" },
  { "if-match": "" },
  { "if-none-match": "*" },
  { "if-modified-since": "never" },
  { "content-md5": "x" },
  { "x-amz-copy-source": "%zz" },
  { "x-amz-copy-source": "/fuzz/k", "x-amz-copy-source-range": "bytes=9-9" },
  { "x-amz-copy-source": "/fuzz/k?versionId=%00" },
  { "x-amz-tagging": "%" },
  { "x-amz-checksum-crc32": "?" },
  { "x-amz-decoded-content-length": "-1" },
  { "content-type": "multipart/form-data; boundary=" },
  { "content-type": "multipart/form-data; boundary=x" },
  { origin: "null", "access-control-request-method": "X" },
  { "x-amz-object-attributes": "Nothing" },
  { "x-amz-trailer": "x-amz-checksum-crc32" },
  { "x-amz-metadata-directive": "BOTH" },
  { expect: "100-continue" },
];
const HASHES = [
  undefined,
  "UNSIGNED-PAYLOAD",
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "?",
];

test("every route answers every broken request, and the process goes on", async () => {
  const random = createRandom(20_261_129);
  const requests = METHODS.flatMap((method) =>
    PATHS.flatMap((path) => QUERIES.map((query) => ({ method, path, query }))),
  );
  const failures: string[] = [];
  const one = async ({ method, path, query }: (typeof requests)[number]): Promise<void> => {
    const payloadHash = random.pick(HASHES);
    // A path that cannot be decoded cannot be signed either.
    const request = {
      method,
      path: query === "" ? path : `${path}?${query}`,
      body: method === "GET" || method === "HEAD" ? "" : random.pick(BODIES),
      headers: random.pick(HEADERS),
      ...(payloadHash === undefined ? {} : { payloadHash }),
      ...(path === "/%" || random.chance(0.2) ? { as: false as const } : {}),
    };
    try {
      const { status } = await client.send(request);
      if (status === 500) failures.push(`500 to ${JSON.stringify(request)}`);
    } catch (error) {
      failures.push(`${error} to ${JSON.stringify(request)}`);
    }
  };
  for (let i = 0; i < requests.length; i += 20) await Promise.all(requests.slice(i, i + 20).map(one));
  expect(failures).toEqual([]);
  expect(server.logLines.filter((line) => line.includes('"error"'))).toEqual([]);
  await client.send({ method: "PUT", path: "/fuzz" });
  await client.send({ method: "PUT", path: "/fuzz/k", body: "value" });
  expect((await client.send({ path: "/fuzz/k" })).text).toBe("value");
}, 60_000);

test("bytes that are no HTTP end their own connection and no other", async () => {
  const random = createRandom(7);
  const [host = "", port = ""] = server.host.split(":");
  const attempt = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(Number(port), host, () => socket.end(bytes));
      socket.on("error", () => resolve());
      socket.on("close", () => resolve());
      socket.resume();
    });
  const start = Buffer.from("PUT /fuzz/k HTTP/1.1\r\nHost: x\r\n");
  for (let i = 0; i < 200; i++) {
    const noise = Buffer.from(random.bytes(40));
    await attempt(i % 2 === 0 ? noise : Buffer.concat([start, noise]));
  }
  expect((await client.send({ path: "/fuzz/k" })).text).toBe("value");
});
