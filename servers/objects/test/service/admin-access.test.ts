import type { RouteRequest } from "@kagami/kit";
import { expect, test } from "vitest";
import { type AdminParts, checkAccess } from "../../src/admin/access.ts";

const TOKEN = "admin-token-of-this-test";

test.each([
  { token: "", host: "localhost:9001", at: "127.0.0.1", status: 200, why: "it was asked from this machine" },
  { token: "", host: "[::1]:9001", at: "::1", status: 200, why: "by IPv6 too" },
  { token: "", host: "evil.example", at: "127.0.0.1", status: 403, why: "a page of another site leads here" },
  { token: "", host: "", at: "127.0.0.1", status: 403, why: "it has no name" },
  { token: "", host: "localhost", at: "192.0.2.1", status: 403, why: "it came from elsewhere, whatever it says" },
  { token: TOKEN, host: "evil.example", at: "192.0.2.1", status: 200, bearer: TOKEN, why: "the token is right" },
  { token: TOKEN, host: "localhost", at: "127.0.0.1", status: 401, bearer: "wrong", why: "the token is wrong" },
  { token: TOKEN, host: "localhost", at: "127.0.0.1", status: 401, why: "being near is no token" },
])("the admin API answers $status to $host at $at, because $why", ({ token, host, at, status, bearer }) => {
  const headers = { host, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) };
  const route = { request: { headers, socket: { localAddress: at } } } as unknown as RouteRequest;
  const ask = () => {
    try {
      checkAccess(route, { config: { adminToken: token } } as AdminParts);
      return 200;
    } catch (error) {
      return (error as { status: number }).status;
    }
  };
  expect(ask()).toBe(status);
});
