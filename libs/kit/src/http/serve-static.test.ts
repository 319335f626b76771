import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Listener } from "../net/listen-tcp.ts";
import { listenHttp } from "./listen-http.ts";
import { createRouter } from "./router.ts";
import { serveStatic } from "./serve-static.ts";

let listener: Listener;
let url = "";
const base = mkdtempSync(join(tmpdir(), "kagami-static-"));
const dir = join(base, "dist");

beforeAll(async () => {
  mkdirSync(join(dir, "assets"), { recursive: true });
  mkdirSync(join(dir, ".git"));
  writeFileSync(join(base, "secret.txt"), "secret");
  writeFileSync(join(dir, ".git", "config"), "secret");
  writeFileSync(join(dir, ".env"), "secret");
  symlinkSync(join(base, "secret.txt"), join(dir, "link.txt"));
  writeFileSync(join(dir, "index.html"), "<h1>app</h1>");
  writeFileSync(join(dir, "empty.css"), "");
  writeFileSync(join(dir, "icon-maskable512.png"), "png");
  writeFileSync(join(dir, "data.bin"), new Uint8Array(200_000));
  writeFileSync(join(dir, "assets", "app-B1gZ9x_k.js"), "console.log(1)");
  writeFileSync(join(dir, "assets", "app-B1gZ9x_k.js.gz"), gzipSync("console.log(1)"));
  writeFileSync(join(dir, "assets", "app-B1gZ9x_k.js.br"), "not really brotli");
  writeFileSync(join(dir, "stale.js"), "new");
  writeFileSync(join(dir, "stale.js.gz"), gzipSync("old"));
  utimesSync(join(dir, "stale.js.gz"), 1, 1);
  const fallback = serveStatic({
    dir,
    fallbackPage: "index.html",
    headers: { "content-security-policy": "default-src 'self'" },
  });
  const router = createRouter({ fallback });
  listener = await listenHttp({ name: "app", address: "127.0.0.1:0", onRequest: (a, b) => router.handle(a, b) });
  url = `http://${listener.addressText}`;
});

afterAll(async () => {
  await listener.close();
  rmSync(base, { recursive: true });
});

test.each([
  { path: "/", type: "text/html; charset=utf-8", cache: "no-cache", why: "the start page" },
  { path: "/index.html?x=1", type: "text/html; charset=utf-8", cache: "no-cache", why: "a page by its name" },
  { path: "/watch/mirror", type: "text/html; charset=utf-8", cache: "no-cache", why: "a path of the app's own" },
  {
    path: "/assets/app-B1gZ9x_k.js",
    type: "text/javascript; charset=utf-8",
    cache: "public, max-age=31536000, immutable",
    why: "a hashed name never changes",
  },
  { path: "/empty.css", type: "text/css; charset=utf-8", cache: "no-cache", why: "an empty file" },
  { path: "/icon-maskable512.png", type: "image/png", cache: "no-cache", why: "it only looks hashed" },
  { path: "/data.bin", type: "application/octet-stream", cache: "no-cache", why: "an unknown kind" },
])("$path is served as $type: $why", async ({ path, type, cache }) => {
  const response = await fetch(url + path, { headers: { "accept-encoding": "identity" } });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe(type);
  expect(response.headers.get("cache-control")).toBe(cache);
  expect(response.headers.get("content-security-policy")).toBe("default-src 'self'");
  expect((await response.bytes()).length).toBe(Number(response.headers.get("content-length")));
});

/** fetch tidies paths up before it sends them; this does not. */
async function rawStatus(path: string): Promise<{ status: number; body: string }> {
  const socket = connect({ host: "127.0.0.1", port: listener.address.port });
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  let answer = "";
  for await (const bytes of socket) answer += bytes;
  return { status: Number(answer.slice(9, 12)), body: answer };
}

test.each([
  { path: "/../secret.txt", status: 404, why: "up and out" },
  { path: "/assets/../../secret.txt", status: 404, why: "down, then up" },
  { path: "/%2e%2e/secret.txt", status: 404, why: "encoded dots" },
  { path: "/..%2fsecret.txt", status: 404, why: "an encoded slash" },
  { path: "/assets/..%5c..%5csecret.txt", status: 404, why: "backslashes" },
  { path: "/link.txt", status: 404, why: "a symbolic link to the outside" },
  { path: "/.env", status: 404, why: "a hidden file" },
  { path: "/.git/config", status: 404, why: "a hidden directory" },
  { path: "//etc/passwd", status: 404, why: "an absolute path" },
  { path: "/missing.js", status: 404, why: "a script that is gone is not the fallback page" },
  { path: "/%00", status: 400, why: "a NUL" },
  { path: "/%c0%ae%c0%ae/secret.txt", status: 400, why: "overlong UTF-8" },
  { path: "secret.txt", status: 400, why: "no path at all" },
])("$path is answered with $status and shows nothing: $why", async ({ path, status }) => {
  const answer = await rawStatus(path);
  expect(answer.status).toBe(status);
  expect(answer.body.split("\r\n\r\n")[1]).toContain('"error"');
});

test("a copy that is still good is answered with 304 and no body", async () => {
  const etag = (await fetch(`${url}/index.html`)).headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[^"]+"$/);
  for (const header of [etag, `"other", W/${etag}`, "*"]) {
    const response = await fetch(`${url}/index.html`, { headers: { "if-none-match": header } });
    expect([response.status, await response.text()]).toEqual([304, ""]);
  }
  const changed = await fetch(`${url}/index.html`, { headers: { "if-none-match": '"other"' } });
  expect(changed.status).toBe(200);
});

test.each([
  { accept: "gzip, br", encoding: "br", why: "Brotli is smaller" },
  { accept: "gzip", encoding: "gzip", why: "all it takes" },
  { accept: "br;q=0, gzip;q=0.5", encoding: "gzip", why: "q=0 is a refusal" },
  { accept: "identity", encoding: null, why: "no compression wanted" },
])("with $accept the twin in $encoding is sent: $why", async ({ accept, encoding }) => {
  const response = await fetch(`${url}/assets/app-B1gZ9x_k.js`, {
    method: "HEAD",
    headers: { "accept-encoding": accept },
  });
  expect(response.headers.get("content-encoding")).toBe(encoding);
  expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(response.headers.get("vary")).toBe("accept-encoding");
});

test("twins have entity tags of their own", async () => {
  const etags = await Promise.all(
    ["br", "gzip", "identity"].map(async (encoding) => {
      const headers = { "accept-encoding": encoding };
      return (await fetch(`${url}/assets/app-B1gZ9x_k.js`, { method: "HEAD", headers })).headers.get("etag");
    }),
  );
  expect(new Set(etags).size).toBe(3);
});

test("a compressed twin older than its file is passed over", async () => {
  const response = await fetch(`${url}/stale.js`, { headers: { "accept-encoding": "gzip" } });
  expect(response.headers.get("content-encoding")).toBeNull();
  expect(await response.text()).toBe("new");
});

test("HEAD tells the length and sends no body", async () => {
  const response = await fetch(`${url}/data.bin`, { method: "HEAD" });
  expect(response.headers.get("content-length")).toBe("200000");
  expect(await response.text()).toBe("");
});

test("other methods are no files", async () => {
  expect((await fetch(`${url}/index.html`, { method: "POST" })).status).toBe(404);
});
