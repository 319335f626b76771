import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { startTestServer, TEST_KEY, type TestServer } from "../support/start-server.ts";

const TOKEN = "admin-token-of-this-test";
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ adminToken: TOKEN });
});

afterAll(() => server.end());

async function call(method: string, path: string, json?: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${server.adminUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...headers },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === "" ? undefined : JSON.parse(text), text };
}

test("nothing is told or changed without the token, by no request of the manual", async () => {
  const manual = await readFile(new URL("../../API.md", import.meta.url), "utf8");
  const requests = [...manual.matchAll(/`(GET|POST|PUT|PATCH|DELETE) (\/api\/[^`? ]+)/g)];
  expect(requests.length).toBeGreaterThan(25);
  for (const [, method = "", path = ""] of requests) {
    for (const authorization of ["Bearer wrong", "", `Basic ${TOKEN}`]) {
      const { status } = await call(method, path.replaceAll(/\{\w+\}/g, "x"), undefined, { authorization });
      expect({ method, path, status }).toEqual({ method, path, status: 401 });
    }
  }
});

test.each([
  { method: "POST", path: "/api/users" },
  { method: "POST", path: "/api/replicas" },
  { method: "DELETE", path: "/api/replicas/x" },
])("$method $path is no form of another site's page", async ({ method, path }) => {
  expect((await call(method, path, undefined, { "content-type": "text/plain" })).status).toBe(415);
});

test("users, keys and limits are made, changed and removed; secrets are told once", async () => {
  expect((await call("POST", "/api/users", { name: "bob", limits: { requestsPerSecond: 100 } })).status).toBe(201);
  expect((await call("POST", "/api/users", { name: "bob" })).status).toBe(409);
  expect((await call("POST", "/api/users", { name: "bad", policies: { p: "{}" } })).json.error.code).toBe(
    "USER_INVALID",
  );
  const key = (await call("POST", "/api/users/bob/keys", {})).json;
  const shown = await call("GET", "/api/users/bob");
  expect(shown.json.keys).toMatchObject([{ accessKey: key.accessKey, isEnabled: true }]);
  expect(shown.text).not.toContain(key.secretKey);
  const client = new RawClient(server.host);
  expect((await client.send({ path: "/", as: key })).status).toBe(200);
  await call("PATCH", `/api/users/bob/keys/${key.accessKey}`, { isEnabled: false });
  expect((await client.send({ path: "/", as: key })).code).toBe("InvalidAccessKeyId");
  expect((await call("DELETE", "/api/users/bob/keys/NONE")).json.error.code).toBe("KEY_UNKNOWN");
  expect((await call("DELETE", "/api/users/bob")).status).toBe(204);
  expect((await call("GET", "/api/users/bob")).status).toBe(404);
});

test("buckets are made for a user, get documents and limits, and their objects are listed and shared", async () => {
  expect((await call("POST", "/api/buckets", { name: "made", owner: "nobody" })).status).toBe(404);
  expect((await call("POST", "/api/buckets", { name: "made", owner: "admin" })).status).toBe(201);
  const lifecycle =
    "<LifecycleConfiguration><Rule><ID>r</ID><Prefix/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>";
  const changed = await call("PATCH", "/api/buckets/made", { lifecycle, limits: { bytesOutPerSecond: 1e9 } });
  expect(changed.json).toMatchObject({ owner: "admin", limits: { bytesOutPerSecond: 1e9 } });
  expect((await call("PATCH", "/api/buckets/made", { policy: "{" })).json.error.code).toBe("MalformedPolicy");
  const client = new RawClient(server.host);
  await client.send({ method: "PUT", path: "/made/a/k", body: "shared" });
  const listed = await call("GET", "/api/buckets/made/objects?prefix=a/");
  expect(listed.json.objects).toMatchObject([{ key: "a/k", sizeBytes: 6 }]);
  expect(listed.json.objects[0].expiresMs).toBeGreaterThan(Date.now());
  const usage = (await call("GET", "/api/buckets/made/usage")).json;
  expect(usage).toEqual({ versions: 1, deleteMarkers: 0, bytes: 6, isComplete: true });
  const { url } = (await call("POST", "/api/buckets/made/share", { key: "a/k" })).json;
  expect(await (await fetch(url)).text()).toBe("shared");
  await call("POST", "/api/buckets/made/delete", { key: "a/k" });
  expect((await call("DELETE", "/api/buckets/made", undefined)).status).toBe(204);
});

test("changes are in the audit log, secrets are not", async () => {
  const audit = await readFile(join(server.directory, "audit.log"), "utf8");
  for (const event of ["user.created", "key.created", "key.disabled", "bucket.created", "object.shared"]) {
    expect(audit).toContain(`"event":"${event}"`);
  }
  expect(audit).not.toContain(TEST_KEY.secretKey);
});

test("metrics count by bucket, and names that clients invent use up no labels", async () => {
  const client = new RawClient(server.host);
  await client.send({ method: "PUT", path: "/counted" });
  await client.send({ method: "PUT", path: "/counted/k", body: "12345" });
  for (let i = 0; i < 5; i++) await client.send({ path: `/invented-${i}/k` });
  const text = await (await fetch(`${server.adminUrl}/metrics`)).text();
  expect(text).toContain('kagami_objects_body_bytes_total{bucket="counted",direction="in"} 5');
  expect(text).not.toContain("invented-");
  expect(text).toContain('kagami_objects_errors_total{code="NoSuchBucket"}');
});
