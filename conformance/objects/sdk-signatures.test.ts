// What the AWS SDK and minio-js sign, caught as raw HTTP: our verifier must accept each request, and our decoder each body.
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { ChunkDecoder, parseTrailerNames } from "@kagami/objects/chunked";
import { signingHashes } from "@kagami/objects/signing-hashes";
import { type Authentication, HeaderFields, SignatureVerifier } from "@kagami/objects/sigv4";
import { Client } from "minio";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const REGION = "eu-west-1";
const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "se/cr+et=" };

interface Caught {
  readonly authentication: Authentication;
  readonly body: string;
  readonly trailers: ReadonlyMap<string, string>;
}

const verifier = new SignatureVerifier({
  hashes: signingHashes,
  region: REGION,
  secretOf: (id) => (id === CREDENTIALS.accessKeyId ? CREDENTIALS.secretAccessKey : undefined),
});
let caught: (Caught | Error)[] = [];
let server: Server;
let endpoint = "";

async function catchRequest(request: IncomingMessage): Promise<Caught> {
  const [path = "", query = ""] = (request.url ?? "").split(/\?(.*)/s);
  const headers = new HeaderFields(request.rawHeaders);
  const authentication = verifier.verify({ method: request.method ?? "", path, query, headers }, Date.now());
  const pieces: Uint8Array[] = [];
  for await (const piece of request) pieces.push(piece as Uint8Array);
  const { payload } = authentication;
  if (payload.kind !== "unsigned-chunks" && payload.kind !== "signed-chunks") {
    return { authentication, body: Buffer.concat(pieces).toString(), trailers: new Map() };
  }
  const decoder = new ChunkDecoder({
    decodedLength: Number(headers.get("x-amz-decoded-content-length")),
    signing:
      payload.kind === "signed-chunks" && authentication.kind !== "anonymous"
        ? { hashes: signingHashes, chunk: authentication.chunkSigning }
        : undefined,
    hasTrailer: payload.kind === "unsigned-chunks" || payload.hasTrailer,
    declaredTrailers: parseTrailerNames(headers.get("x-amz-trailer")),
  });
  const body = Buffer.concat(pieces.flatMap((piece) => decoder.push(piece))).toString();
  return { authentication, body, trailers: decoder.finish() };
}

beforeAll(async () => {
  server = createServer((request, response) => {
    catchRequest(request)
      .then(
        (each) => caught.push(each),
        (error: Error) => caught.push(error),
      )
      .finally(() => response.writeHead(200, { ETag: '"e"' }).end("<a/>"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** What arrives while `send` runs. The answer is no answer of S3, so a client may find fault with it. */
async function caughtFrom(send: () => Promise<unknown>): Promise<Caught> {
  caught = [];
  await send().catch(() => undefined);
  const [first] = caught;
  if (first === undefined) throw new Error("Nothing was sent");
  if (first instanceof Error) throw first;
  return first;
}

/** Asks for a URL as it is: fetch would resolve the dots of its path first, and they are part of the key. */
async function openUrl(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const sent = httpRequest({ hostname, port, path: url.slice(url.indexOf("/", "http://".length)) }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
}

const client = () =>
  new S3Client({ endpoint, region: REGION, credentials: CREDENTIALS, forcePathStyle: true, maxAttempts: 1 });
const KEYS = [
  "plain.txt",
  "a b+c&d=e%f",
  "slash//double/../dots/.",
  "ünïcødé/鏡.mp4",
  "~!*'();:@$,?#[]",
  "%2F",
  " lead and tail ",
];
const at = (Key: string) => ({ Bucket: "media", Key });

describe("the AWS SDK", () => {
  test.each(KEYS)("signs a read of %j as we verify it, by header and in a URL", async (key) => {
    const sdk = client();
    expect((await caughtFrom(() => sdk.send(new GetObjectCommand(at(key))))).authentication.kind).toBe("header");
    const command = new GetObjectCommand({
      ...at(key),
      ResponseContentDisposition: `attachment; filename*=UTF-8''a b`,
    });
    const url = await getSignedUrl(sdk, command, { expiresIn: 60 });
    expect((await caughtFrom(() => openUrl(url))).authentication.kind).toBe("query");
  });

  test.each([
    {
      what: "a listing",
      command: new ListObjectsV2Command({ Bucket: "media", Prefix: "a b/+%", Delimiter: "/", StartAfter: "é" }),
    },
    { what: "a copy", command: new CopyObjectCommand({ ...at("to"), CopySource: "media/%C3%A4%20b" }) },
    {
      what: "an upload",
      command: new CreateMultipartUploadCommand({ ...at("k"), Metadata: { a: "x  y " }, ContentType: "a/b" }),
    },
    { what: "a delete", command: new DeleteObjectsCommand({ Bucket: "media", Delete: { Objects: [{ Key: "a" }] } }) },
  ])("signs $what as we verify it", async ({ command }) => {
    // biome-ignore lint/suspicious/noExplicitAny: the commands of the table have nothing in common but that they are sent.
    expect((await caughtFrom(() => client().send(command as any))).authentication.kind).toBe("header");
  });

  test("sends a stream in chunks with a checksum behind them", async () => {
    const body = Readable.from([Buffer.from("hello "), Buffer.from("world")]);
    const sent = await caughtFrom(() =>
      client().send(new PutObjectCommand({ ...at("k"), Body: body, ContentLength: 11 })),
    );
    expect(sent).toMatchObject({ body: "hello world", authentication: { payload: { kind: "unsigned-chunks" } } });
    expect([...sent.trailers]).toEqual([["x-amz-checksum-crc32", "DUoRhQ=="]]);
  });

  test("sends a part whose checksum stands in a header", async () => {
    const sent = await caughtFrom(() =>
      client().send(
        new UploadPartCommand({
          ...at("k"),
          PartNumber: 1,
          UploadId: "u+/=",
          Body: "part",
          ChecksumAlgorithm: "SHA256",
        }),
      ),
    );
    expect(sent).toMatchObject({ body: "part", authentication: { kind: "header" } });
  });

  test("makes a URL for an upload that our verifier accepts, and not with metadata of the sender", async () => {
    const url = await getSignedUrl(client(), new PutObjectCommand({ ...at("k"), Metadata: { a: "1" } }), {
      expiresIn: 60,
    });
    expect((await caughtFrom(() => fetch(url, { method: "PUT", body: "x" }))).body).toBe("x");
    const more = { method: "PUT", body: "x", headers: { "x-amz-copy-source": "/media/secret" } };
    await expect(caughtFrom(() => fetch(url, more))).rejects.toMatchObject({ code: "AccessDenied" });
  });

  test("makes a form that our verifier accepts, and not with another policy", async () => {
    const { fields } = await createPresignedPost(client(), { ...at("k"), Expires: 60 });
    const lower = new Map(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));
    expect(verifier.verifyForm(lower)).toEqual({ accessKeyId: CREDENTIALS.accessKeyId });
    lower.set("policy", `${lower.get("policy")}AAAA`);
    expect(() => verifier.verifyForm(lower)).toThrow("does not match");
  });
});

describe("minio-js", () => {
  const minio = () => {
    const { hostname, port } = new URL(endpoint);
    return new Client({
      endPoint: hostname,
      port: Number(port),
      useSSL: false,
      region: REGION,
      accessKey: CREDENTIALS.accessKeyId,
      secretKey: CREDENTIALS.secretAccessKey,
    });
  };

  test.each(KEYS)("signs %j as we verify it, by header and in a URL", async (key) => {
    expect((await caughtFrom(() => minio().statObject("media", key))).authentication.kind).toBe("header");
    expect((await caughtFrom(() => minio().putObject("media", key, "body"))).body).toBe("body");
    const url = await minio().presignedGetObject("media", key, 60);
    expect((await caughtFrom(() => openUrl(url))).authentication.kind).toBe("query");
  });
});
