import { request } from "node:http";
import { eventually } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { viewOf } from "../../src/admin/view-kinds.ts";
import { ViewTickets } from "../../src/admin/view-tickets.ts";
import { RawClient } from "../support/raw-client.ts";
import { startTestServer, type TestServer } from "../support/start-server.ts";

const TOKEN = "admin-token-of-this-test";
const BUCKET = "/api/buckets/media";
let server: TestServer;
let client: RawClient;

beforeAll(async () => {
  server = await startTestServer({ adminToken: TOKEN, publicUrl: "https://s3.example.com" });
  client = new RawClient(server.host);
  await call("POST", "/api/buckets", { name: "media", owner: "admin" });
});

afterAll(() => server.end());

async function call(method: string, path: string, json?: unknown) {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const body = json === undefined ? {} : { body: JSON.stringify(json) };
  const answer = await fetch(`${server.adminUrl}${path}`, { method, headers, ...body });
  const text = await answer.text();
  return { status: answer.status, json: text === "" ? undefined : JSON.parse(text) };
}

async function put(path: string, body: string | Uint8Array<ArrayBuffer>, contentType = "application/octet-stream") {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": contentType };
  const answer = await fetch(`${server.adminUrl}${path}`, { method: "PUT", headers, body });
  return { status: answer.status, json: JSON.parse(await answer.text()) };
}

async function view(key: string, more: object = {}) {
  const { json } = await call("POST", `${BUCKET}/view`, { key, ...more });
  return { ...json, url: `${server.adminUrl}/${json.path}` };
}

test("an object that is put at the admin port is an object like others, with its type and the end that rules give", async () => {
  const lifecycle =
    "<LifecycleConfiguration><Rule><ID>r</ID><Filter><Prefix>short/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>";
  await call("PATCH", BUCKET, { lifecycle });
  expect((await put(`${BUCKET}/object?key=short/a%20b.txt`, "hello", "text/plain")).status).toBe(201);
  const got = await client.send({ path: "/media/short/a%20b.txt" });
  expect(got.body.toString()).toBe("hello");
  expect(got.headers["content-type"]).toBe("text/plain");
  expect(got.headers.etag).toBe('"5d41402abc4b2a76b9719d911017c592"');
  const [listed] = (await call("GET", `${BUCKET}/objects?prefix=short/`)).json.objects;
  expect(listed.expiresMs).toBeGreaterThan(Date.now());
});

test("what is there is kept if the upload asks for that", async () => {
  await put(`${BUCKET}/object?key=kept`, "first");
  expect((await put(`${BUCKET}/object?key=kept&ifAbsent=true`, "second")).json.error.code).toBe("PRECONDITION_FAILED");
  expect((await client.send({ path: "/media/kept" })).body.toString()).toBe("first");
});

test("a large file comes in parts, and an upload that is given up leaves nothing", async () => {
  const [first, second] = [Buffer.alloc(5 << 20, "a"), Buffer.from("the end")];
  const { uploadId } = (await call("POST", `${BUCKET}/uploads`, { key: "large", contentType: "video/mp4" })).json;
  const parts = [
    (await put(`${BUCKET}/uploads/${uploadId}/1?key=large`, first)).json,
    (await put(`${BUCKET}/uploads/${uploadId}/2?key=large`, second)).json,
  ];
  const complete = (more: object) =>
    call("POST", `${BUCKET}/uploads/${uploadId}/complete`, { key: "large", parts, ...more });
  await put(`${BUCKET}/object?key=large`, "there already");
  expect((await complete({ ifAbsent: true })).json.error.code).toBe("PRECONDITION_FAILED");
  expect((await complete({})).status).toBe(200);
  const got = await client.send({ path: "/media/large", headers: { range: "bytes=5242878-" } });
  expect(got.body.toString()).toBe("aathe end");
  expect(got.headers["content-type"]).toBe("video/mp4");
  const left = (await call("POST", `${BUCKET}/uploads`, { key: "left" })).json.uploadId;
  await put(`${BUCKET}/uploads/${left}/1?key=left`, "x");
  expect((await call("DELETE", `${BUCKET}/uploads/${left}?key=left`)).status).toBe(204);
  expect((await put(`${BUCKET}/uploads/${left}/2?key=left`, "x")).json.error.code).toBe("NO_SUCH_UPLOAD");
});

test("an upload whose sender hangs up leaves nothing, neither an object nor memory held", async () => {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-length": "1000000" };
  const sending = request(`${server.adminUrl}${BUCKET}/object?key=torn`, { method: "PUT", headers });
  sending.on("error", () => undefined);
  sending.write(Buffer.alloc(300_000));
  const { budget, store } = server.service;
  await eventually(() => budget.heldBytes > 0);
  sending.destroy();
  await eventually(() => budget.heldBytes === 0);
  expect(await store.head("media", "torn")).toBeUndefined();
});

test("a volume shows which bucket's group it is of, and when that ends", async () => {
  const volumes = (await call("GET", "/api/volumes")).json;
  const common = { isSealed: false, scrubbedMs: null, isDamaged: false };
  expect(volumes).toContainEqual(expect.objectContaining({ ...common, group: 0, bucket: null, endsMs: null }));
  const ending = volumes.find(({ bucket }: { bucket: string | null }) => bucket === "media");
  expect(ending.endsMs).toBeGreaterThan(Date.now());
  expect((await call("GET", "/api/maintenance")).json).toMatchObject({ volumesDamaged: 0, lastFailure: null });
});

test.each([
  { path: `${BUCKET}/object`, code: "KEY_INVALID", why: "there is no key" },
  { path: `${BUCKET}/object?key=${"k".repeat(1_025)}`, code: "KEY_INVALID", why: "the key is too long" },
  { path: "/api/buckets/none/object?key=k", code: "BUCKET_UNKNOWN", why: "there is no such bucket" },
  { path: `${BUCKET}/uploads/none/1?key=k`, code: "NO_SUCH_UPLOAD", why: "there is no such upload" },
  { path: `${BUCKET}/uploads/none/0?key=k`, code: "PART_INVALID", why: "parts begin at 1" },
  { path: `${BUCKET}/uploads/none/10001?key=k`, code: "PART_INVALID", why: "parts end at 10,000" },
])("an upload is refused with $code if $why", async ({ path, code }) => {
  expect((await put(path, "x")).json.error.code).toBe(code);
});

test("without the token nothing is put and no ticket is given", async () => {
  for (const [method, path] of [
    ["PUT", `${BUCKET}/object?key=x`],
    ["PUT", `${BUCKET}/uploads/x/1?key=x`],
    ["POST", `${BUCKET}/view`],
    ["POST", `${BUCKET}/uploads`],
    ["GET", "/api/history"],
  ]) {
    const body = method === "GET" ? {} : { body: "{}" };
    expect((await fetch(`${server.adminUrl}${path}`, { method: method as string, ...body })).status).toBe(401);
  }
  expect((await fetch(`${server.adminUrl}/view/guessed`)).status).toBe(404);
});

test("an image is shown by its ticket alone, in ranges too, and cannot run anything wherever it is opened", async () => {
  await put(`${BUCKET}/object?key=a/%C3%BC.png`, "0123456789", "image/png");
  const { url, kind } = await view("a/ü.png");
  expect(kind).toBe("image");
  const answer = await fetch(url, { headers: { range: "bytes=2-4" } });
  expect(answer.status).toBe(206);
  expect(await answer.text()).toBe("234");
  expect(answer.headers.get("content-range")).toBe("bytes 2-4/10");
  expect(answer.headers.get("content-type")).toBe("image/png");
  expect(answer.headers.get("content-security-policy")).toMatch(/^sandbox; default-src 'none'/);
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect(answer.headers.get("content-disposition")).toBe("inline; filename*=UTF-8''%C3%BC.png");
  expect((await fetch(url, { headers: { range: "bytes=10-" } })).status).toBe(416);
  const download = await view("a/ü.png", { download: true });
  expect((await fetch(download.url)).headers.get("content-disposition")).toMatch(/^attachment;/);
});

test("only an encoding that browsers know is said of a body", async () => {
  for (const [encoding, sent] of [
    ["gzip", "gzip"],
    ["made-up", null],
  ] as const) {
    const headers = { "content-encoding": encoding, "content-type": "text/plain" };
    await client.send({ method: "PUT", path: "/media/encoded", body: "", headers });
    expect((await fetch((await view("encoded")).url)).headers.get("content-encoding")).toBe(sent);
  }
});

test("a long text is cut where it is shown, and whole where it is downloaded", async () => {
  await put(`${BUCKET}/object?key=long.txt`, "x".repeat(300_000), "text/plain");
  const shown = await view("long.txt");
  expect(shown.isWhole).toBe(false);
  expect((await (await fetch(shown.url)).text()).length).toBe(262_144);
  expect((await (await fetch((await view("long.txt", { download: true })).url)).text()).length).toBe(300_000);
});

test.each([
  { key: "k", type: "text/html", kind: "text", sent: "text/plain; charset=utf-8", why: "markup is shown as text" },
  { key: "k", type: "image/svg+xml", kind: "text", sent: "text/plain; charset=utf-8", why: "an SVG can hold scripts" },
  { key: "k", type: "Application/XHTML+XML", kind: "text", sent: "text/plain; charset=utf-8", why: "so can XHTML" },
  {
    key: "k",
    type: "text/javascript",
    kind: "text",
    sent: "text/plain; charset=utf-8",
    why: "scripts are shown as text",
  },
  { key: "k.html", type: undefined, kind: "none", sent: "application/octet-stream", why: "an ending adds no markup" },
  { key: "k", type: "application/pdf", kind: "none", sent: "application/octet-stream", why: "a PDF can hold scripts" },
  {
    key: "k",
    type: "toString",
    kind: "none",
    sent: "application/octet-stream",
    why: "the type is the uploader's word",
  },
  { key: "k.PNG", type: "binary/octet-stream", kind: "image", sent: "image/png", why: "the ending says what it is" },
  { key: "k.constructor", type: undefined, kind: "none", sent: "application/octet-stream", why: "so does the ending" },
  { key: "k", type: "video/mp4; codecs=avc1", kind: "video", sent: "video/mp4", why: "parameters are passed over" },
])("$key of type $type is shown as $kind: $why", ({ key, type, kind, sent }) => {
  expect(viewOf(key, type)).toEqual({ kind, contentType: sent });
});

test("a ticket ends after an hour, and the oldest when there are 1,000", () => {
  let nowMs = 0;
  const tickets = new ViewTickets(() => nowMs);
  const ticket = { bucket: "b", key: "k", versionId: undefined, contentType: "", isDownload: false, limitBytes: 1 };
  const first = tickets.issue(ticket);
  const second = tickets.issue(ticket);
  for (let i = 0; i < 999; i++) tickets.issue(ticket);
  expect([tickets.find(first), tickets.find(second)]).toEqual([undefined, ticket]);
  nowMs = 3_600_000;
  expect(tickets.find(second)).toBeUndefined();
});

test("without a token set, pages are shown and bytes taken only under a name of this machine", async () => {
  const open = await startTestServer();
  try {
    const ask = async (method: string, path: string, host: string) => {
      const url = new URL(`${open.adminUrl}${path}`);
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const asking = request(url, { method, headers: { host, "content-length": "0" } });
      asking.on("response", (answer) => resolve(answer.resume().statusCode ?? 0)).on("error", reject);
      asking.end();
      return await promise;
    };
    await open.service.store.createBucket({ name: "media", owner: "admin", nowMs: 0 });
    expect(await ask("PUT", `${BUCKET}/object?key=k`, "evil.example")).toBe(403);
    expect(await ask("PUT", `${BUCKET}/object?key=k`, "localhost")).toBe(201);
    expect(await ask("GET", "/view/any", "evil.example")).toBe(403);
    expect(await ask("GET", "/view/any", "localhost")).toBe(404);
  } finally {
    await open.end();
  }
});

test("links begin with the public address if it is set", async () => {
  const { url } = (await call("POST", `${BUCKET}/share`, { key: "kept" })).json;
  expect(url).toMatch(/^https:\/\/s3\.example\.com\/media\/kept\?X-Amz-/);
});
