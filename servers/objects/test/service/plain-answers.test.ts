import { once } from "node:events";
import { Server } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { giveReadBuffer, takeReadBuffer } from "../../src/service/body/read-buffers.ts";
import { RawClient, type RawRequest } from "../support/raw-client.ts";
import { startTestServer, type TestServer } from "../support/start-server.ts";

let server: TestServer;
let client: RawClient;
const LARGE = Buffer.alloc(3_000_000, "0123456789abcdef-");
const CORS = `<CORSConfiguration><CORSRule><AllowedOrigin>https://page.example</AllowedOrigin>
<AllowedMethod>GET</AllowedMethod><ExposeHeader>ETag</ExposeHeader></CORSRule></CORSConfiguration>`;

beforeAll(async () => {
  server = await startTestServer();
  client = new RawClient(server.host);
  const put = async (path: string, body: Uint8Array | string = "", headers: Record<string, string> = {}) => {
    expect((await client.send({ method: "PUT", path, body, headers })).status).toBe(200);
  };
  await put("/plain");
  await put("/plain?cors", CORS);
  await put("/plain/small", "a small body", {
    "x-amz-meta-name": "=?UTF-8?B?w6Q=?= \xe4",
    "content-type": "text/plain",
    "cache-control": "max-age=1",
  });
  await put("/plain/small?tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>");
  await put("/plain/empty");
  await put("/plain/large", LARGE);
  await put("/plain/a%20b/%C3%A4", "c");
});

afterAll(() => server.end());

interface Case extends RawRequest {
  readonly why: string;
  /** Moves the signature into the URL. */
  readonly seconds?: number;
  /** Behind the signature. */
  readonly more?: string;
}

const LAST = "GET /last HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";

function headOf({ seconds, more = "", ...request }: Case, unusual: string): string {
  const { method = "GET" } = request;
  const path = seconds === undefined ? request.path : client.presign(request, seconds);
  const raw = client.sign(seconds === undefined ? request : { ...request, as: false });
  const lines = raw.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
  return `${method} ${path} HTTP/1.1\r\n${lines}${more}${unusual}\r\n`;
}

function dial(): Socket {
  const [host = "", port = ""] = server.host.split(":");
  return connect(Number(port), host);
}

/** All that comes for `text` and a last request; what differs from answer to answer is made equal. */
async function exchange(text: string): Promise<{ answers: string; nodeCount: number }> {
  const emitted = vi.spyOn(Server.prototype, "emit");
  const socket = dial();
  const pieces: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => pieces.push(bytes));
  socket.write(text + LAST, "latin1");
  await once(socket, "close");
  const nodeCount = emitted.mock.calls.filter(([event]) => String(event) === "request").length;
  emitted.mockRestore();
  const answers = Buffer.concat(pieces)
    .toString("latin1")
    .replace(/^Date: .*$/gm, "Date: now")
    .replace(/^x-amz-request-id: .*$/gm, "x-amz-request-id: one")
    .replace(/<RequestId>[^<]*/g, "<RequestId>one")
    .replace(/<ServerTime>[^<]*/g, "<ServerTime>now");
  return { answers, nodeCount };
}

const small = "/plain/small";
const cases: readonly Case[] = [
  { path: small, why: "what is in memory" },
  { path: "/plain/large", why: "a stream" },
  { path: "/plain/empty", why: "no bytes" },
  { path: "/plain/a%20b/%C3%A4", why: "an escaped key" },
  { path: small, seconds: 60, why: "a presigned URL" },
  { path: small, seconds: 60, why: "a presigned URL that is known" },
  { path: small, seconds: 1, nowMs: 1e12, why: "a presigned URL that has ended" },
  { path: small, as: { accessKey: "TESTKEY", secretKey: "wrong" }, why: "a wrong signature" },
  { path: small, as: false, why: "no signature" },
  { path: small, more: "range: bytes=2-4\r\n", why: "a range" },
  { path: "/plain/large", more: "range: bytes=70000-2000000\r\n", why: "a range of a stream" },
  { path: small, more: "range: bytes=-3\r\n", why: "the end" },
  { path: small, more: "range: bytes=99-\r\n", why: "a range behind the end" },
  { path: small, more: "range: bytes=0-1,3-4\r\n", why: "two ranges" },
  { path: small, more: "if-none-match: *\r\n", why: "a condition: not modified" },
  { path: small, more: 'if-match: "x"\r\n', why: "a condition that fails" },
  { path: small, more: "if-modified-since: Sun, 01 Jan 2090 00:00:00 GMT\r\n", why: "a date in the future" },
  { path: small, more: "origin: https://page.example\r\n", why: "another origin" },
  { path: "/plain/none", more: "origin: https://page.example\r\n", why: "an error for another origin" },
  { path: `${small}?response-content-type=text%2Fhtml&response-expires=now`, why: "other headers" },
  { path: `${small}?response-content-disposition=a%0D%0Aset-cookie%3A%20b`, why: "a line break in a header" },
  { path: `${small}?response-content-language=%C4%80`, why: "a character that is no byte in a header" },
  { path: `${small}?partNumber=1`, why: "a part" },
  { path: `${small}?partNumber=0`, why: "no part" },
  { path: `${small}?versionId=none`, why: "no version" },
  { path: `${small}?tagging`, why: "tags" },
  { path: `${small}?attributes`, why: "attributes" },
  { path: "/plain/none", why: "no object" },
  { path: "/plain/%00%ff", why: "a key that is no text" },
  { path: "//plain/small", why: "two slashes" },
  { path: "/none/small", why: "no bucket" },
  { path: "/", why: "the buckets" },
  { path: "/plain", why: "a listing" },
  { path: "/plain?list-type=2&max-keys=x", why: "a listing that cannot be" },
  { path: "/plain?cors", why: "a document" },
  { path: "/plain?policy", why: "no document" },
  { path: "/plain?torrent", why: "something else" },
];

test.each(cases)("$why: around node:http the answers have the same bytes, for GET and HEAD", async (one) => {
  for (const method of ["GET", "HEAD"]) {
    const plain = await exchange(headOf({ ...one, method }, ""));
    const node = await exchange(headOf({ ...one, method }, "x: \xe4\r\n"));
    expect(plain.answers).toBe(node.answers);
    expect([plain.nodeCount, node.nodeCount], "Requests that node:http saw").toEqual([1, 2]);
    expect(plain.answers.match(/HTTP\/1\.1 /g)).toHaveLength(2);
  }
});

/** A user whose bytes are paced. */
async function pacedUser(name: string, bytesOutPerSecond: number) {
  const { users } = server.service;
  const Statement = { Effect: "Allow", Action: "s3:*", Resource: "*" };
  await users.create(name, {
    policies: { all: JSON.stringify({ Version: "2012-10-17", Statement }) },
    limits: { bytesOutPerSecond },
  });
  return await users.addKey(name);
}

test("who is paced leaves the large buffers to those who are not", async () => {
  const as = await pacedUser("many", 1 << 20);
  const sockets = Array.from({ length: 20 }, dial);
  for (const socket of sockets) socket.write(headOf({ path: "/plain/large", as, why: "" }, ""));
  await Promise.all(sockets.map((socket) => once(socket, "data")));
  const buffer = takeReadBuffer(LARGE.length);
  expect(buffer.length).toBe(1 << 20);
  giveReadBuffer(buffer);
  for (const socket of sockets) socket.destroy();
});

test("bytes are paced inside an answer around node:http: as many come in the second half of its time as in the first", async () => {
  const as = await pacedUser("slow", 262_144);
  const emitted = vi.spyOn(Server.prototype, "emit");
  const socket = dial();
  // Behind the burst of 64 KiB, 0.75 s.
  const wanted = 262_144;
  socket.write(headOf({ path: "/plain/large", as, more: `range: bytes=0-${wanted - 1}\r\n`, why: "" }, ""));
  const seen: { readonly atMs: number; readonly bytes: number }[] = [];
  let bytes = 0;
  while (bytes < wanted) {
    const [piece] = (await once(socket, "data")) as [Buffer];
    bytes += piece.length;
    seen.push({ atMs: performance.now(), bytes });
  }
  socket.destroy();
  expect(emitted.mock.calls.some(([event]) => String(event) === "request")).toBe(false);
  emitted.mockRestore();
  const paced = seen.filter((one) => one.bytes > 80_000);
  const [first, last] = [paced[0], paced.at(-1)];
  if (!first || !last) throw new RangeError("Nothing came behind the burst");
  const half = paced.findLast(({ atMs }) => atMs <= (first.atMs + last.atMs) / 2);
  expect(last.atMs - first.atMs).toBeGreaterThan(500);
  const share = ((half?.bytes ?? 0) - first.bytes) / (last.bytes - first.bytes);
  expect(share).toBeGreaterThan(0.25);
  expect(share).toBeLessThan(0.75);
});
