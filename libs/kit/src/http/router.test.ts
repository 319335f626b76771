import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Listener } from "../net/listen-tcp.ts";
import { listenHttp } from "./listen-http.ts";
import { compilePattern, decodeParams, matchPattern } from "./path-pattern.ts";
import { HttpError } from "./reply.ts";
import { bearerToken, createRouter, readBody, readJson, requireBearer } from "./router.ts";

let listener: Listener;
let url = "";

beforeAll(async () => {
  const router = createRouter({ headers: { "x-served-by": "test" }, isCrossOrigin: true })
    .add("GET", "/api/channels", ({ query }) => ({ json: { live: query.get("live") } }))
    .add("POST", "/api/channels", async ({ request }) => ({
      status: 201,
      json: await readJson(request, z.strictObject({ name: z.string() }), 64),
    }))
    .add("GET", "/api/channels/{name}", ({ params }) => ({ json: params }))
    .add("GET", "/api/channels/special", () => ({ body: "literal" }))
    .add("DELETE", "/api/channels/{name}", () => ({}))
    .add("GET", "/live/{name}/part-{msn}.{part}.m4s", ({ params }) => ({ json: params }))
    .add("GET", "/files/{path*}", ({ params }) => ({ json: params }))
    .add("GET", "/own", ({ response }) => {
      response.end("mine");
      return undefined;
    })
    .add("GET", "/refused", () => {
      throw new HttpError(409, "OPEN_PUBLISH", "not now", { "retry-after": "5" });
    })
    .add("GET", "/private", ({ request }) => {
      requireBearer(request, "right-token", "KEY_UNKNOWN");
      return { json: { token: bearerToken(request) } };
    })
    .add("POST", "/echo", async ({ request }) => ({ body: await readBody(request, 1_000) }));
  listener = await listenHttp({ name: "api", address: "127.0.0.1:0", onRequest: (a, b) => router.handle(a, b) });
  url = `http://${listener.addressText}`;
});

afterAll(() => listener.close());

test.each([
  { path: "/api/channels?live=1", answer: { live: "1" }, why: "with a query" },
  { path: "/api/channels/a%20%C3%BC", answer: { name: "a ü" }, why: "a name, decoded" },
  { path: "/api/channels/a%2Fb", answer: { name: "a/b" }, why: "an encoded slash stays in its segment" },
  { path: "/live/x/part-12.3.m4s", answer: { name: "x", msn: "12", part: "3" }, why: "two names in a segment" },
  { path: "/files/a/b/c.txt", answer: { path: "a/b/c.txt" }, why: "the rest" },
  { path: "/files/", answer: { path: "" }, why: "an empty rest" },
])("GET $path finds its route: $why", async ({ path, answer }) => {
  const response = await fetch(url + path);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual(answer);
  expect(response.headers.get("x-served-by")).toBe("test");
});

test("a literal path goes before a pattern that also matches", async () => {
  expect(await (await fetch(`${url}/api/channels/special`)).text()).toBe("literal");
});

test.each([
  { path: "/nowhere", status: 404, code: "NOT_FOUND", why: "no route" },
  { path: "/api/channels/", status: 404, code: "NOT_FOUND", why: "an empty name" },
  { path: "/live/x/part-12.m4s", status: 404, code: "NOT_FOUND", why: "half of a pattern" },
  { path: "/api/channels/%zz", status: 400, code: "PATH_MALFORMED", why: "bad percent-encoding" },
  { path: "/api/channels/%ff", status: 400, code: "PATH_MALFORMED", why: "not UTF-8" },
  { path: "/api/channels/%00", status: 400, code: "PATH_MALFORMED", why: "a NUL" },
  { path: `/${"x".repeat(5_000)}`, status: 414, code: "PATH_TOO_LONG", why: "too long" },
  { path: "/refused", status: 409, code: "OPEN_PUBLISH", why: "the handler said so" },
  { path: "/private", status: 401, code: "KEY_UNKNOWN", why: "no token" },
])("GET $path is answered $status $code: $why", async ({ path, status, code }) => {
  const response = await fetch(url + path);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ error: { code, message: expect.any(String) } });
});

test("a wrong method is answered with those the path takes", async () => {
  const response = await fetch(`${url}/api/channels/x`, { method: "PATCH" });
  expect(response.status).toBe(405);
  expect(response.headers.get("allow")).toBe("DELETE, GET, HEAD, OPTIONS");
});

test("a preflight request is answered for a page of another origin", async () => {
  const response = await fetch(`${url}/api/channels`, { method: "OPTIONS" });
  expect(response.status).toBe(204);
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  expect(response.headers.get("access-control-allow-methods")).toBe("GET, HEAD, OPTIONS, POST");
});

test("HEAD is GET without the body", async () => {
  const response = await fetch(`${url}/api/channels/special`, { method: "HEAD" });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-length")).toBe("7");
  expect(await response.text()).toBe("");
});

test("a handler may answer by itself, or with nothing", async () => {
  expect(await (await fetch(`${url}/own`)).text()).toBe("mine");
  expect((await fetch(`${url}/api/channels/x`, { method: "DELETE" })).status).toBe(204);
});

test.each([
  { body: '{"name":"a"}', status: 201, answer: { name: "a" } },
  { body: '{"name":', status: 400, answer: { error: { code: "BODY_NOT_JSON" } } },
  { body: '{"name":5}', status: 400, answer: { error: { code: "BODY_INVALID" } } },
  { body: `{"name":"${"x".repeat(100)}"}`, status: 413, answer: { error: { code: "BODY_TOO_LARGE" } } },
])("a JSON body $body is answered with $status", async ({ body, status, answer }) => {
  const response = await fetch(`${url}/api/channels`, { method: "POST", body });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject(answer);
});

test("a body without a length is cut off at the limit as well", async () => {
  const chunk = new Uint8Array(600);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(chunk);
      controller.enqueue(chunk);
      controller.close();
    },
  });
  const init: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
  const response = await fetch(`${url}/echo`, init);
  expect(response.status).toBe(413);
  expect(response.headers.get("connection")).toBe("close");
});

test.each([
  { authorization: "Bearer right-token", status: 200, why: "the right token" },
  { authorization: "bearer   right-token", status: 200, why: "the scheme's case and spaces do not count" },
  { authorization: "Bearer wrong-token", status: 401, why: "the wrong token" },
  { authorization: "Basic right-token", status: 401, why: "another scheme" },
  { authorization: "Bearer", status: 401, why: "no token" },
  { authorization: "Bearer right-token extra", status: 401, why: "more than a token" },
])("authorization $authorization gives $status: $why", async ({ authorization, status }) => {
  expect((await fetch(`${url}/private`, { headers: { authorization } })).status).toBe(status);
});

test.each([
  { pattern: "no-slash", why: "no slash first" },
  { pattern: "/{a}{b}", why: "names without text between" },
  { pattern: "/{a}-{b}-{c}", why: "three names in a segment" },
  { pattern: "/{a}/{a}", why: "a name twice" },
  { pattern: "/{a", why: "an open brace" },
  { pattern: "/{a*}/b", why: "the rest before the end" },
])("the pattern $pattern is refused: $why", ({ pattern }) => {
  expect(() => compilePattern(pattern)).toThrow(RangeError);
});

test("what a pattern says literally is not an expression", () => {
  const pattern = compilePattern("/a.b+(c)/{name}");
  expect(matchPattern(pattern, "/a.b+(c)/x")).toEqual({ name: "x" });
  expect(matchPattern(pattern, "/aXbb(c)/x")).toBeUndefined();
});

test("any value survives the way through a path", () => {
  const pattern = compilePattern("/live/{name}/seg-{msn}.m4s");
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "grapheme" }), fc.nat(), (name, msn) => {
      fc.pre(!name.includes("\0"));
      const raw = matchPattern(pattern, `/live/${encodeURIComponent(name)}/seg-${msn}.m4s`);
      expect(raw && decodeParams(raw)).toEqual({ name, msn: String(msn) });
    }),
  );
});

test("any path matches or does not, and decodes or does not", () => {
  const pattern = compilePattern("/{a}/{b}-{c}/{rest*}");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (path) => {
      const raw = matchPattern(pattern, `/${path}`);
      if (raw) decodeParams(raw);
    }),
  );
});

test("a path made to be slow is answered fast", () => {
  const pattern = compilePattern("/part-{msn}.{part}.m4s");
  const startedAtMs = performance.now();
  expect(matchPattern(pattern, `/part-${".".repeat(4_000)}`)).toBeUndefined();
  expect(performance.now() - startedAtMs).toBeLessThan(1_000);
});

test("the same route twice is a bug", () => {
  const router = createRouter().add("GET", "/a/{b}", () => ({}));
  expect(() => router.add("GET", "/a/{b}", () => ({}))).toThrow("it exists");
});
