import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { eventually, runTool, withTempDir } from "@kagami/testkit";
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

test("a replica shows what its source shows, and goes on with what comes", { timeout: 60_000 }, async () => {
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

test("lag is told in the metrics of both, and a replica that is removed is forgotten", async () => {
  const { source, client } = await begin();
  await client.send({ method: "PUT", path: "/media" });
  const { replica } = await follow(source, await addReplica(adminOf(source)));
  await untilCaughtUp(adminOf(source), adminOf(replica));
  const metricsOf = async ({ adminUrl }: TestServer) => (await fetch(`${adminUrl}/metrics`)).text();
  const told = await metricsOf(source);
  for (const name of ["connected", "lag_changes", "lag_seconds", "lag_bytes"]) {
    expect(told).toContain(`kagami_objects_replica_${name}{replica="second"} ${name === "connected" ? 1 : 0}`);
  }
  const followed = await metricsOf(replica);
  for (const line of ["follow_connected 1", "follow_whole 1", "follow_lag_changes 0"]) {
    expect(followed).toContain(`kagami_objects_${line}`);
  }
  await fetch(`${source.adminUrl}/api/replicas/second`, {
    method: "DELETE",
    headers: { "content-type": "application/json" },
  });
  expect(await metricsOf(source)).not.toContain('replica="second"');
});

test.each([
  {
    answer: (response: ServerResponse) => response.end("this is no stream of changes"),
    code: "STREAM_INVALID",
    why: "that is no stream",
  },
  { answer: (response: ServerResponse) => response.end(), code: "SOURCE_CUT", why: "it ends at once" },
  {
    answer: (response: ServerResponse) => response.writeHead(404).end("<html>"),
    code: "NO_SOURCE",
    why: "somebody else answers there",
  },
  {
    answer: (response: ServerResponse) => response.writeHead(500).end('{"error":{"code":"X","message":"y"}}'),
    code: "X",
    why: "it says what is wrong",
  },
  { answer: (response: ServerResponse) => response.destroy(), code: "SOURCE_UNREACHABLE", why: "it hangs up" },
])("a source that is none makes the replica fail with $code and try again, because $why", async ({ answer, code }) => {
  let asked = 0;
  const none = createServer((_, response) => {
    asked++;
    answer(response);
  });
  await new Promise<void>((resolve) => none.listen(0, "127.0.0.1", resolve));
  const { port } = none.address() as AddressInfo;
  const replica = await startTestServer({ follow: `http://127.0.0.1:${port}`, followToken: "token" });
  running.push(replica);
  await eventually(() => asked >= 2);
  await eventually(async () => (await replicationOf(adminOf(replica))).lastFailure?.code === code);
  none.close();
});

test.each([
  { follow: "http://192.0.2.1:9000", followToken: "t", why: "the token would be read on the way" },
  { follow: "http://127.0.0.1.example.com", followToken: "t", why: "that is not this machine" },
  { follow: "https://user:secret@source", followToken: "t", why: "the credential has a place of its own" },
  { follow: "https://source/path", followToken: "t", why: "the path is ours" },
])("$follow is not followed: $why", async (settings) => {
  await expect(startTestServer(settings)).rejects.toThrow(/https/);
});

test.each([
  { settings: {}, why: "there is none" },
  { settings: { followToken: "a", followTokenFile: "/b" }, why: "there are two" },
  { settings: { followTokenFile: "/nowhere/token" }, why: "the file is not there" },
])("without one token nobody is followed: $why", async ({ settings }) => {
  const follow = "https://source.example:9000";
  await expect(startTestServer({ follow, ...settings })).rejects.toMatchObject({ code: "FOLLOW_INVALID" });
});

test("a replica follows by TLS if the certificate is of an authority that it was given", async () => {
  await withTempDir(async (directory) => {
    const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    await runTool("openssl", [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      ...subject,
      "-keyout",
      key,
      "-out",
      cert,
    ]);
    const source = await startTestServer({ tlsCert: cert, tlsKey: key });
    running.push(source);
    await source.service.store.createBucket({ name: "media", owner: "admin", nowMs: Date.now() });
    const tokenFile = join(directory, "token");
    await writeFile(tokenFile, `${await addReplica(adminOf(source))}\n`);
    const settings = { follow: `https://${source.host}`, followTokenFile: tokenFile };
    const stranger = await startTestServer(settings);
    running.push(stranger);
    await eventually(async () => (await replicationOf(adminOf(stranger))).lastFailure?.code === "SOURCE_UNREACHABLE");
    const replica = await startTestServer({ ...settings, followCa: cert });
    running.push(replica);
    await eventually(async () => (await replicationOf(adminOf(replica))).isWhole, { timeoutMs: 15_000 });
    expect(replica.service.store.bucket("media")?.owner).toBe("admin");
  });
});
