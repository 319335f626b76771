import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { startTestServer, type TestServer } from "../support/start-server.ts";

let server: TestServer;
let client: RawClient;
let slow: { accessKey: string; secretKey: string };
const BODY = Buffer.alloc(300_000, "p");
/** With its burst of 64 KiB the body takes 0.9 s at this rate. */
const RATE = 262_144;

beforeAll(async () => {
  server = await startTestServer();
  client = new RawClient(server.host);
  await client.send({ method: "PUT", path: "/paced" });
  await client.send({ method: "PUT", path: "/paced/k", body: BODY });
  const { users } = server.service;
  const everything = JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Action: "s3:*", Resource: "*" },
  });
  await users.create("slow", {
    policies: { all: everything },
    limits: { bytesOutPerSecond: RATE, bytesInPerSecond: RATE },
  });
  slow = await users.addKey("slow");
});

afterAll(() => server.end());

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

test("bytes are paced inside an answer, to the rate of its user alone", async () => {
  const elapsedMs = await timed(async () => {
    const got = await client.send({ path: "/paced/k", as: slow });
    expect(got.body.equals(BODY)).toBe(true);
  });
  expect(elapsedMs).toBeGreaterThan(800);
  expect((await client.send({ path: "/paced/k" })).body.length).toBe(BODY.length);
});

test("bytes are paced inside a body", async () => {
  const elapsedMs = await timed(async () => {
    expect((await client.send({ method: "PUT", path: "/paced/in", body: BODY, as: slow })).status).toBe(200);
  });
  expect(elapsedMs).toBeGreaterThan(800);
});

test("requests beyond the rate of a bucket are asked to slow down, whoever sends them", async () => {
  const { store } = server.service;
  await store.updateBucket("paced", { documents: { limits: '{"requestsPerSecond":0.001}' } });
  // The burst is one request.
  expect((await client.send({ method: "HEAD", path: "/paced/k" })).status).toBe(200);
  const refused = await client.send({ path: "/paced/k" });
  expect(refused.code).toBe("SlowDown");
  expect(refused.headers["retry-after"]).toBe("1");
  await store.updateBucket("paced", { documents: { limits: undefined } });
  expect((await client.send({ path: "/paced/k" })).status).toBe(200);
});
