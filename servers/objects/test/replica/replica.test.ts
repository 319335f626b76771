import { randomBytes } from "node:crypto";
import { eventually } from "@kagami/testkit";
import { afterEach, expect, test } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { addReplica, replicationOf, seenByS3, startTestReplica, untilCaughtUp } from "../support/replicas.ts";
import { startTestServer, type TestServer } from "../support/start-server.ts";

const MIB = 1 << 20;
const running: TestServer[] = [];

afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server.end();
});

async function begin(settings: Parameters<typeof startTestServer>[0] = {}) {
  const source = await startTestServer(settings);
  running.push(source);
  return { source, client: new RawClient(source.host) };
}

async function follow(source: TestServer, token: string) {
  const replica = await startTestReplica(source, token);
  running.push(replica);
  return { replica, reader: new RawClient(replica.host) };
}

const adminOf = ({ adminUrl }: TestServer): string => adminUrl.slice("http://".length);

/** A bucket with a bit of everything that can be in one. */
async function fill(client: RawClient): Promise<void> {
  await client.send({ method: "PUT", path: "/media" });
  const versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
  await client.send({ method: "PUT", path: "/media?versioning", body: versioning });
  for (let i = 0; i < 60; i++) {
    const headers = { "content-type": "text/plain", "x-amz-meta-number": String(i), "x-amz-tagging": `n=${i % 3}` };
    await client.send({ method: "PUT", path: `/media/k${i % 40}`, body: randomBytes(i * 500), headers });
  }
  await client.send({ method: "DELETE", path: "/media/k3" });
  await client.send({ method: "PUT", path: "/media/large", body: randomBytes(9 * MIB) });
  const begun = await client.send({ method: "POST", path: "/media/parts?uploads" });
  const uploadId = /<UploadId>([^<]*)</.exec(begun.text)?.[1];
  const etags: string[] = [];
  for (const [i, size] of [5 * MIB, 100_000].entries()) {
    const path = `/media/parts?partNumber=${i + 1}&uploadId=${uploadId}`;
    etags.push((await client.send({ method: "PUT", path, body: randomBytes(size) })).headers.etag ?? "");
  }
  const parts = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`);
  const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
  expect((await client.send({ method: "POST", path: `/media/parts?uploadId=${uploadId}`, body })).status).toBe(200);
  await client.send({ method: "POST", path: "/media/open?uploads" });
}

test("a replica shows what its source shows, and goes on with what comes", async () => {
  const { source, client } = await begin();
  await fill(client);
  const { replica } = await follow(source, await addReplica(adminOf(source)));
  await untilCaughtUp(adminOf(source), adminOf(replica));
  expect(await seenByS3(replica.host)).toEqual(await seenByS3(source.host));
  await client.send({ method: "PUT", path: "/media/later", body: "later" });
  await client.send({ method: "DELETE", path: "/media/k5" });
  const reader = new RawClient(replica.host);
  await eventually(async () => (await reader.send({ path: "/media/later" })).text === "later");
  await untilCaughtUp(adminOf(source), adminOf(replica));
  expect(await seenByS3(replica.host)).toEqual(await seenByS3(source.host));
});

test("users of the source may read at the replica what they may there, and no more when they are switched off", async () => {
  const { source, client } = await begin();
  await client.send({ method: "PUT", path: "/media" });
  await client.send({ method: "PUT", path: "/media/a", body: "a" });
  const { users } = source.service;
  const policy = (resource: string) =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: resource }],
    });
  await users.create("reader", { policies: { read: policy("arn:aws:s3:::media/*") } });
  await users.create("other", { policies: { read: policy("arn:aws:s3:::else/*") } });
  const [mine, others] = [await users.addKey("reader"), await users.addKey("other")];
  const { replica, reader } = await follow(source, await addReplica(adminOf(source)));
  await untilCaughtUp(adminOf(source), adminOf(replica));
  const statusOf = async (as: typeof mine) => (await reader.send({ path: "/media/a", as })).status;
  expect(await statusOf(mine)).toBe(200);
  expect(await statusOf(others)).toBe(403);
  await users.enableKey("reader", mine.accessKey, false);
  await client.send({ method: "PUT", path: "/media/b", body: "b" });
  await eventually(async () => (await statusOf(mine)) === 403);
  await expect(replica.service.users.create("new", {})).rejects.toMatchObject({ code: "READ_ONLY" });
});

test.each([
  { method: "PUT", path: "/media/x" },
  { method: "PUT", path: "/newbucket" },
  { method: "DELETE", path: "/media/a" },
  { method: "DELETE", path: "/media" },
  { method: "POST", path: "/media?delete" },
  { method: "POST", path: "/media/x?uploads" },
  { method: "PUT", path: "/media?policy" },
  { method: "PUT", path: "/media/a?tagging" },
])("a replica refuses $method $path and names its source", async ({ method, path }) => {
  const { source, client } = await begin();
  await client.send({ method: "PUT", path: "/media" });
  await client.send({ method: "PUT", path: "/media/a", body: "a" });
  const { replica, reader } = await follow(source, await addReplica(adminOf(source)));
  await untilCaughtUp(adminOf(source), adminOf(replica));
  const answer = await reader.send({ method, path, body: "<x/>" });
  expect({ status: answer.status, code: answer.code }).toEqual({ status: 405, code: "MethodNotAllowed" });
  expect(answer.text).toContain(source.url);
  const byAdmin = await fetch(`${replica.adminUrl}/api/buckets`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "newbucket", owner: "admin" }),
  });
  expect(byAdmin.status).toBe(409);
  expect((await reader.send({ path: "/media/a" })).text).toBe("a");
});

test("before the first copy is whole a replica says so, and is not ready", async () => {
  const { source } = await begin();
  const { replica, reader } = await follow(source, "wrong-token");
  const answer = await reader.send({ path: "/media/a" });
  expect({ status: answer.status, code: answer.code }).toEqual({ status: 503, code: "ServiceUnavailable" });
  const ready = await fetch(`${replica.adminUrl}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toContain("is not whole yet");
  await eventually(async () => (await replicationOf(adminOf(replica))).lastFailure?.code === "TOKEN_WRONG");
});
