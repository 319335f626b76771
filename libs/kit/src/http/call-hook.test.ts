import type { IncomingMessage, ServerResponse } from "node:http";
import { FakeClock } from "@kagami/clock";
import { afterEach, expect, test } from "vitest";
import type { Listener } from "../net/listen-tcp.ts";
import { callHook, HOOK_SIGNATURE_HEADER, signHook, verifyHook } from "./call-hook.ts";
import { listenHttp } from "./listen-http.ts";
import { readBody } from "./router.ts";

let listener: Listener | undefined;
afterEach(async () => {
  await listener?.close();
  listener = undefined;
});

async function hook(
  onRequest: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void,
): Promise<string> {
  listener = await listenHttp({ name: "hook", address: "127.0.0.1:0", onRequest });
  return `http://${listener.addressText}/publish?token=hunter2`;
}

test("a hook gets signed JSON and its JSON answer comes back", async () => {
  const seen: unknown[] = [];
  const clock = new FakeClock(1_700_000_000_900);
  const url = await hook(async (request, response) => {
    const body = (await readBody(request)).toString();
    const signature = String(request.headers[HOOK_SIGNATURE_HEADER]);
    seen.push(request.method, JSON.parse(body), verifyHook(body, signature, "secret", 1_700_000_010_000));
    response.end('{"isAllowed":true}');
  });
  const result = await callHook(url, { channel: "mirror" }, { secret: "secret", clock });
  expect(result).toEqual({ ok: true, status: 200, json: { isAllowed: true } });
  expect(seen).toEqual(["POST", { channel: "mirror" }, true]);
});

test("an answer without a body is a success without a value", async () => {
  const url = await hook((_request, response) => void response.writeHead(204).end());
  expect(await callHook(url, {})).toEqual({ ok: true, status: 204, json: undefined });
});

test.each([
  {
    code: "HOOK_REFUSED",
    status: 403,
    why: "the hook said no",
    answer: (r: ServerResponse) => r.writeHead(403).end("no"),
  },
  {
    code: "HOOK_FAILED",
    status: 502,
    why: "the hook is broken",
    answer: (r: ServerResponse) => r.writeHead(502).end(),
  },
  {
    code: "HOOK_REDIRECTED",
    status: 307,
    why: "redirects are not followed",
    answer: (r: ServerResponse) => r.writeHead(307, { location: "http://127.0.0.1:1/" }).end(),
  },
  { code: "HOOK_RESPONSE_NOT_JSON", status: 200, why: "a page", answer: (r: ServerResponse) => r.end("<html>") },
  {
    code: "HOOK_RESPONSE_TOO_LARGE",
    status: 200,
    why: "too much",
    answer: (r: ServerResponse) => r.end(JSON.stringify("x".repeat(2_000))),
  },
  { code: "HOOK_UNREACHABLE", status: undefined, why: "it hung up", answer: (r: ServerResponse) => r.destroy() },
  { code: "HOOK_TIMEOUT", status: undefined, why: "it never answers", answer: () => undefined },
  {
    code: "HOOK_TIMEOUT",
    status: undefined,
    why: "its answer never ends",
    answer: (r: ServerResponse) => r.write('{"a":'),
  },
])("a failure is a coded result, and its message hides the query: $code, $why", async ({ code, status, answer }) => {
  const url = await hook((_request, response) => void answer(response));
  const timeoutMs = code === "HOOK_TIMEOUT" ? 100 : 5_000;
  const result = await callHook(url, {}, { maxResponseBytes: 1_000, timeoutMs });
  expect(result).toMatchObject({ ok: false, code, status, message: expect.stringContaining("/publish") });
  expect(JSON.stringify(result)).not.toContain("hunter2");
});

test.each(["http://127.0.0.1:1/", "not an address", "ftp://127.0.0.1/"])("%s cannot be reached", async (url) => {
  expect(await callHook(url, {})).toMatchObject({ ok: false, code: "HOOK_UNREACHABLE" });
});

const signature = signHook("body", "secret", 1_000_000);

test.each([
  { body: "body", header: signature, secret: "secret", nowMs: 1_000_000, expected: true, why: "as signed" },
  { body: "body", header: signature, secret: "secret", nowMs: 1_300_000, expected: true, why: "five minutes old" },
  { body: "body", header: signature, secret: "secret", nowMs: 1_301_000, expected: false, why: "older" },
  { body: "body", header: signature, secret: "secret", nowMs: 600_000, expected: false, why: "from the future" },
  { body: "bodY", header: signature, secret: "secret", nowMs: 1_000_000, expected: false, why: "another body" },
  { body: "body", header: signature, secret: "other", nowMs: 1_000_000, expected: false, why: "another secret" },
  {
    body: "body",
    header: signature.replace("t=1000", "t=1001"),
    secret: "secret",
    nowMs: 1_000_000,
    expected: false,
    why: "another time",
  },
  { body: "body", header: "v1=00", secret: "secret", nowMs: 1_000_000, expected: false, why: "no signature" },
])("a signature is good: $expected, $why", ({ body, header, secret, nowMs, expected }) => {
  expect(verifyHook(body, header, secret, nowMs)).toBe(expected);
});
