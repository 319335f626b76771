import { expect, test, vi } from "vitest";
import { HeaderFields } from "../../src/protocol/header-fields.ts";
import { NO_QUERY } from "../../src/protocol/routing/index.ts";
import type { Authentication } from "../../src/protocol/sigv4/index.ts";
import { MemoryBudget } from "../../src/service/memory-budget.ts";
import { StallGuard } from "../../src/service/stall-guard.ts";
import { TrustedProxies } from "../../src/service/trusted-proxies.ts";
import type { User } from "../../src/service/user-rights.ts";
import { VerifiedUrls } from "../../src/service/verified-urls.ts";

test("bodies beyond the memory wait in turn, and beyond the queue are refused", async () => {
  const budget = new MemoryBudget(100, 2);
  const first = await budget.reserve(80);
  const order: string[] = [];
  const wait = async (name: string, bytes: number) => {
    const held = await budget.reserve(bytes);
    order.push(name);
    return held;
  };
  const large = wait("large", 60);
  const small = wait("small", 10);
  expect(await budget.reserve(1)).toBeUndefined();
  expect(budget.tryReserve(1)).toBeUndefined();
  first?.release();
  first?.release();
  (await large)?.release();
  (await small)?.release();
  expect(order).toEqual(["large", "small"]);
  expect(budget.heldBytes).toBe(0);
});

test("one body larger than the memory comes in alone", async () => {
  const budget = new MemoryBudget(100, 2);
  const whole = budget.tryReserve(500);
  expect(whole).toBeDefined();
  expect(budget.tryReserve(1)).toBeUndefined();
  whole?.release();
  expect(budget.tryReserve(1)).toBeDefined();
});

test("a transfer slower than the least rate is cut, time that we kept it waiting does not count", () => {
  let nowMs = 0;
  const guard = new StallGuard({ minBytesPerSecond: 100, windowMs: 1_000, nowMs: () => nowMs });
  const cut = vi.fn();
  const cutPaused = vi.fn();
  const transfer = guard.watch(cut);
  const paused = guard.watch(cutPaused);
  paused.pause();
  nowMs = 1_000;
  transfer.moved(100);
  guard.sweep();
  expect(cut).not.toHaveBeenCalled();
  nowMs = 2_000;
  transfer.moved(99);
  guard.sweep();
  guard.sweep();
  expect(cut).toHaveBeenCalledTimes(1);
  expect(cutPaused).not.toHaveBeenCalled();
  paused.resume();
  nowMs = 3_500;
  guard.sweep();
  expect(cutPaused).toHaveBeenCalledTimes(1);
});

test("of a piece that was given, what the peer takes counts when it takes it", () => {
  let nowMs = 0;
  let unsentBytes = 0;
  const guard = new StallGuard({ minBytesPerSecond: 100, windowMs: 1_000, nowMs: () => nowMs });
  const cut = vi.fn();
  const transfer = guard.watch(cut, () => unsentBytes);
  transfer.moved(1_000);
  for (unsentBytes = 900; unsentBytes > 0; unsentBytes -= 100) {
    nowMs += 1_000;
    guard.sweep();
  }
  expect(cut).not.toHaveBeenCalled();
  transfer.moved(1_000);
  unsentBytes = 1_000;
  nowMs += 1_000;
  guard.sweep();
  unsentBytes = 901;
  nowMs += 1_000;
  guard.sweep();
  expect(cut).toHaveBeenCalledTimes(1);
});

test("a transfer that has ended is never cut", () => {
  let nowMs = 0;
  const guard = new StallGuard({ minBytesPerSecond: 100, windowMs: 1_000, nowMs: () => nowMs });
  const cut = vi.fn();
  guard.watch(cut).end();
  nowMs = 5_000;
  guard.sweep();
  expect(cut).not.toHaveBeenCalled();
});

test.each([
  { trusted: [], peer: "10.0.0.1", forwarded: "1.2.3.4", client: "10.0.0.1", why: "nobody is trusted" },
  { trusted: ["10.0.0.0/8"], peer: "10.0.0.1", forwarded: "1.2.3.4", client: "1.2.3.4", why: "the proxy is" },
  { trusted: ["10.0.0.0/8"], peer: "9.9.9.9", forwarded: "1.2.3.4", client: "9.9.9.9", why: "this peer is not" },
  {
    trusted: ["10.0.0.0/8"],
    peer: "10.0.0.1",
    forwarded: "6.6.6.6, 1.2.3.4",
    client: "1.2.3.4",
    why: "the client wrote the first",
  },
  {
    trusted: ["10.0.0.0/8"],
    peer: "10.0.0.1",
    forwarded: "1.2.3.4, 10.0.0.2",
    client: "1.2.3.4",
    why: "two proxies of ours",
  },
  { trusted: ["10.0.0.0/8"], peer: "10.0.0.1", forwarded: "nonsense", client: "10.0.0.1", why: "it is no address" },
])("the client of $peer behind $forwarded is $client: $why", ({ trusted, peer, forwarded, client }) => {
  const headers = new HeaderFields(["X-Forwarded-For", forwarded, "X-Forwarded-Proto", "https"]);
  const proxies = new TrustedProxies(trusted);
  expect(proxies.clientAddress(peer, headers)).toBe(client);
  expect(proxies.isSecure(peer, false, headers)).toBe(trusted.length > 0 && peer.startsWith("10."));
});

const user: User = { name: "u", policies: [], mayEverything: true, limits: {} };
const authentication: Authentication = {
  kind: "query",
  accessKeyId: "A",
  payload: { kind: "unsigned" },
  signedHeaders: ["host"],
  signedAtMs: 0,
  expiresMs: 1_000,
  chunkSigning: { signingKey: new Uint8Array(), amzDate: "", scope: "", seedSignature: "" },
};
const route = { operation: "GetObject", bucket: "b", key: "k", query: NO_QUERY } as const;
const url = "/b/k?X-Amz-Signature=s";

function presigned(over: { method?: string; host?: string; url?: string; headers?: string[] } = {}) {
  const { method = "GET", host = "h", url: given = url, headers = [] } = over;
  return { method, host, url: given, headers: new HeaderFields(["host", host, ...headers]) };
}

test.each([
  { over: {}, nowMs: 999, generation: 1, found: true, why: "it is the same request" },
  { over: {}, nowMs: 1_000, generation: 1, found: false, why: "it has ended" },
  { over: {}, nowMs: 0, generation: 2, found: false, why: "users have changed" },
  { over: { method: "PUT" }, nowMs: 0, generation: 1, found: false, why: "another method" },
  { over: { host: "other" }, nowMs: 0, generation: 1, found: false, why: "another host" },
  { over: { url: `${url}&versionId=1` }, nowMs: 0, generation: 1, found: false, why: "another query" },
  {
    over: { headers: ["x-amz-copy-source", "/b/x"] },
    nowMs: 0,
    generation: 1,
    found: false,
    why: "an unsigned header",
  },
  { over: { headers: ["authorization", "x"] }, nowMs: 0, generation: 1, found: false, why: "two ways to authenticate" },
  { over: { headers: ["host", "x"] }, nowMs: 0, generation: 1, found: false, why: "two hosts" },
  {
    over: { headers: ["range", "bytes=0-1"] },
    nowMs: 0,
    generation: 1,
    found: true,
    why: "no signature covers a range",
  },
])("a presigned URL is known again: $found, because $why", ({ over, nowMs, generation, found }) => {
  const urls = new VerifiedUrls(100);
  urls.remember(presigned(), { authentication, user, route, expiresMs: 1_000, usersGeneration: 1 });
  expect(urls.get(presigned(over), generation, nowMs) !== undefined).toBe(found);
});

test("what signs more than the host, or a payload, is verified each time", () => {
  const urls = new VerifiedUrls(100);
  const remember = (change: Partial<typeof authentication>) =>
    urls.remember(presigned(), {
      authentication: { ...authentication, ...change } as Authentication,
      user,
      route,
      expiresMs: 1_000,
      usersGeneration: 1,
    });
  remember({ signedHeaders: ["host", "x-amz-acl"] } as never);
  remember({ payload: { kind: "exact", sha256: "00" } } as never);
  expect(urls.get(presigned(), 1, 0)).toBeUndefined();
});

test("the URLs that are remembered are bounded, and the ones in use stay", () => {
  const urls = new VerifiedUrls(10);
  const verified = { authentication, user, route, expiresMs: 1_000, usersGeneration: 1 };
  urls.remember(presigned(), verified);
  for (let i = 0; i < 100; i++) {
    urls.remember(presigned({ url: `${url}&i=${i}` }), verified);
    expect(urls.get(presigned(), 1, 0)).toBeDefined();
  }
  expect(urls.get(presigned({ url: `${url}&i=0` }), 1, 0)).toBeUndefined();
});
