import { readFile } from "node:fs/promises";
import { get } from "node:https";
import { join } from "node:path";
import { createLogger } from "@kagami/kit";
import { runTool, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { configSchema } from "../../src/config.ts";
import { startObjectsServer } from "../../src/server.ts";
import { RawClient, sendRaw } from "../support/raw-client.ts";
import { startTestServer } from "../support/start-server.ts";

test("what was answered is there after a restart, users and rules included", async () => {
  await withTempDir(async (data) => {
    const first = await startTestServer({ data });
    const client = new RawClient(first.host);
    await client.send({ method: "PUT", path: "/kept" });
    await client.send({ method: "PUT", path: "/kept/k", body: "still here", headers: { "x-amz-tagging": "a=b" } });
    await first.service.users.create("alice", {});
    const alice = await first.service.users.addKey("alice");
    await first.end();
    const second = await startTestServer({ data });
    const again = new RawClient(second.host);
    const got = await again.send({ path: "/kept/k" });
    expect(got.text).toBe("still here");
    expect(got.headers["x-amz-tagging-count"]).toBe("1");
    expect((await again.send({ path: "/kept/k", as: alice })).code).toBe("AccessDenied");
    await second.end();
  });
});

test("the first key is told even if the start then fails: no later one would tell it again", async () => {
  await withTempDir(async (data) => {
    const told: string[] = [];
    const config = configSchema.parse({ data, listen: "127.0.0.1:0", admin: "off" });
    const log = createLogger({ sink: { write: () => undefined, flush: async () => undefined } });
    const start = (change: object) =>
      startObjectsServer({ ...config, ...change }, log, ({ accessKey }) => told.push(accessKey));
    await expect(start({ listen: "203.0.113.1:1" })).rejects.toMatchObject({
      code: "ADDRESS_UNAVAILABLE",
    });
    expect(told).toHaveLength(1);
    const server = await start({});
    expect(told).toHaveLength(1);
    expect(server.service.users.find(told[0] ?? "")?.user.mayEverything).toBe(true);
    await server.close(0);
  });
});

test("closing lets requests under way finish, and can be asked for twice", async () => {
  const server = await startTestServer();
  const client = new RawClient(server.host);
  await client.send({ method: "PUT", path: "/closing" });
  const uploads = Array.from({ length: 5 }, (_, i) =>
    client.send({ method: "PUT", path: `/closing/${i}`, body: Buffer.alloc(400_000) }),
  );
  await uploads[0];
  const closing = server.close(5_000);
  const answers = await Promise.allSettled(uploads);
  await closing;
  await server.end();
  const statuses = answers.map((answer) => (answer.status === "fulfilled" ? answer.value.status : "cut"));
  expect(statuses[0]).toBe(200);
  // Who had not been accepted yet is refused by the system; nobody is left without an answer in the middle.
  expect(statuses.filter((status) => status !== 200 && status !== "cut")).toEqual([]);
});

test("the access log has a line for each request, and nothing that lets its reader in", async () => {
  await withTempDir(async (directory) => {
    const accessLog = join(directory, "access.log");
    const server = await startTestServer({ accessLog });
    const client = new RawClient(server.host);
    await client.send({ method: "PUT", path: "/logged" });
    await client.send({ method: "PUT", path: "/logged/k", body: "12345" });
    const path = client.presign({ path: "/logged/k" });
    await sendRaw(server.host, { path }, ["host", server.host]);
    await client.send({ path: "/logged/none", as: false });
    await server.end();
    const text = await readFile(accessLog, "utf8");
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { operation: "CreateBucket", status: 200, user: "admin" },
      { operation: "PutObject", bucket: "logged", key: "k", bytesIn: 5 },
      { operation: "GetObject", status: 200, bytesOut: 5, accessKey: "TESTKEY" },
      { operation: "GetObject", status: 403, error: "AccessDenied", user: "anonymous" },
    ]);
    expect(text).not.toContain(new URLSearchParams(path.split("?")[1]).get("X-Amz-Signature"));
  });
});

test("with a certificate it speaks HTTPS, and policies know", async () => {
  await withTempDir(async (directory) => {
    const [tlsKey, tlsCert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
    const names = ["-subj", "/CN=localhost", "-keyout", tlsKey, "-out", tlsCert];
    expect((await runTool("openssl", ["req", "-x509", ...curve, ...names])).exitCode).toBe(0);
    const server = await startTestServer({ tlsCert, tlsKey });
    const { store } = server.service;
    await store.createBucket({ name: "public", owner: "admin", nowMs: 0 });
    const policy = {
      Version: "2012-10-17",
      Statement: {
        Effect: "Allow",
        Principal: "*",
        Action: "s3:ListBucket",
        Resource: "arn:aws:s3:::public",
        Condition: { Bool: { "aws:SecureTransport": "true" } },
      },
    };
    await store.updateBucket("public", { documents: { policy: JSON.stringify(policy) } });
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = get(`https://${server.host}/public`, { rejectUnauthorized: false, agent: false }, (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode));
      });
      request.on("error", reject);
    });
    await server.end();
    expect(status).toBe(200);
  });
});

test.each([
  { settings: { tlsCert: "cert.pem" }, code: "TLS_INVALID", why: "half of a certificate" },
  { settings: { tlsCert: "/absent/c", tlsKey: "/absent/k" }, code: "TLS_FILE_UNREADABLE", why: "no such files" },
  { settings: { accessKey: "KEY", secretKey: "" }, code: "USERS_INVALID", why: "half of a key" },
])("it does not start with $why", async ({ settings, code }) => {
  await expect(startTestServer(settings)).rejects.toMatchObject({ code });
});
