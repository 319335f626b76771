import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RawClient, type RawRequest, sendRaw } from "../support/raw-client.ts";
import { startTestServer, TEST_KEY, type TestServer } from "../support/start-server.ts";

let server: TestServer;
let client: RawClient;
let alice: { accessKey: string; secretKey: string };

function userPolicy(...statements: object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

async function send(request: RawRequest) {
  return await client.send(request);
}

/** Lets everyone read every object of the bucket, unless the statement says otherwise. */
async function setPolicy(bucket: string, statement: object = {}) {
  const read = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `arn:aws:s3:::${bucket}/*` };
  const body = userPolicy({ ...read, ...statement });
  const answer = await send({ method: "PUT", path: `/${bucket}?policy`, body });
  expect(answer.status).toBe(204);
}

beforeAll(async () => {
  server = await startTestServer();
  client = new RawClient(server.host);
  const { users } = server.service;
  await users.create("alice", {
    policies: {
      own: userPolicy({
        Effect: "Allow",
        Action: ["s3:CreateBucket", "s3:PutObject"],
        Resource: "arn:aws:s3:::alice-*",
      }),
    },
  });
  alice = await users.addKey("alice");
  for (const bucket of ["public", "secret"]) {
    expect((await send({ method: "PUT", path: `/${bucket}` })).status).toBe(200);
    expect((await send({ method: "PUT", path: `/${bucket}/k`, body: "data" })).status).toBe(200);
  }
});

afterAll(() => server.end());

describe("who may do what", () => {
  test("nobody without a signature may do anything by default", async () => {
    for (const path of ["/", "/public", "/public/k"]) {
      expect(await send({ path, as: false })).toMatchObject({ status: 403, code: "AccessDenied" });
    }
  });

  test("a bucket policy lets everyone read what it names, and nothing else", async () => {
    await setPolicy("public");
    expect(await send({ path: "/public/k", as: false })).toMatchObject({ status: 200, text: "data" });
    expect((await send({ path: "/public", as: false })).code).toBe("AccessDenied");
    expect((await send({ method: "PUT", path: "/public/k", body: "x", as: false })).code).toBe("AccessDenied");
    expect((await send({ method: "DELETE", path: "/public/k", as: false })).code).toBe("AccessDenied");
  });

  test("who may not list a bucket is not told which keys it lacks", async () => {
    expect((await send({ path: "/public/none", as: false })).code).toBe("AccessDenied");
    expect((await send({ path: "/public/none" })).code).toBe("NoSuchKey");
  });

  test("a user has the rights of its policies and those of an owner, no others", async () => {
    expect((await send({ method: "PUT", path: "/bobs", as: alice })).code).toBe("AccessDenied");
    expect((await send({ method: "PUT", path: "/alice-1", as: alice })).status).toBe(200);
    expect((await send({ method: "PUT", path: "/alice-1/x", body: "1", as: alice })).status).toBe(200);
    expect(await send({ path: "/alice-1/x", as: alice })).toMatchObject({ status: 200, text: "1" });
    expect((await send({ path: "/secret/k", as: alice })).code).toBe("AccessDenied");
  });

  test("a user sees the buckets that it owns or may list", async () => {
    const { text } = await send({ path: "/", as: alice });
    expect([...text.matchAll(/<Name>([^<]*)/g)].map(([, name]) => name)).toEqual(["alice-1"]);
  });

  test("a denial of a bucket binds also who may everything, but never locks the owner out of the policy", async () => {
    await setPolicy("secret", {
      Effect: "Deny",
      Action: "s3:*",
      Resource: ["arn:aws:s3:::secret", "arn:aws:s3:::secret/*"],
    });
    expect((await send({ path: "/secret/k" })).code).toBe("AccessDenied");
    expect((await send({ method: "DELETE", path: "/secret?policy" })).status).toBe(204);
    expect((await send({ path: "/secret/k" })).status).toBe(200);
  });

  test("reading a version asks for the right to versions", async () => {
    await setPolicy("secret", {
      Principal: { AWS: "arn:aws:iam:::user/alice" },
    });
    expect((await send({ path: "/secret/k", as: alice })).status).toBe(200);
    expect((await send({ path: "/secret/k?versionId=null", as: alice })).code).toBe("AccessDenied");
    await send({ method: "DELETE", path: "/secret?policy" });
  });

  test.each([
    { what: "a HEAD", ask: { method: "HEAD", path: "/secret/k?versionId=null" } },
    { what: "a removal", ask: { method: "DELETE", path: "/secret/k?versionId=null" } },
    { what: "reading tags", ask: { path: "/secret/k?tagging&versionId=null" } },
    { what: "removing tags", ask: { method: "DELETE", path: "/secret/k?tagging&versionId=null" } },
    {
      what: "writing tags",
      ask: { method: "PUT", path: "/secret/k?tagging&versionId=null", body: "<Tagging><TagSet/></Tagging>" },
    },
    { what: "its access list", ask: { path: "/secret/k?acl&versionId=null" } },
    {
      what: "a copy",
      ask: {
        method: "PUT",
        path: "/alice-1/copied",
        headers: { "x-amz-copy-source": "/secret/k?versionId=null" },
      },
    },
    {
      what: "a removal among many",
      ask: {
        method: "POST",
        path: "/secret?delete",
        body: "<Delete><Object><Key>k</Key><VersionId>null</VersionId></Object></Delete>",
      },
    },
  ])("so does $what", async ({ ask }) => {
    const plain = ["GetObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging"];
    await setPolicy("secret", {
      Principal: { AWS: "arn:aws:iam:::user/alice" },
      Action: [...plain, "GetObjectAcl"].map((name) => `s3:${name}`),
    });
    const refused = await send({ ...ask, as: alice });
    await send({ method: "DELETE", path: "/secret?policy" });
    expect([403, 200]).toContain(refused.status);
    if (refused.status === 200) expect(refused.text).toContain("<Code>AccessDenied</Code>");
    expect(await send({ path: "/secret/k" })).toMatchObject({ status: 200, text: "data" });
  });

  test("conditions on tags of the object are looked up before the decision", async () => {
    await send({ method: "PUT", path: "/secret/open", body: "o", headers: { "x-amz-tagging": "share=yes" } });
    await setPolicy("secret", {
      Condition: { StringEquals: { "s3:ExistingObjectTag/share": "yes" } },
    });
    expect((await send({ path: "/secret/open", as: false })).status).toBe(200);
    expect((await send({ path: "/secret/k", as: false })).code).toBe("AccessDenied");
    await send({ method: "DELETE", path: "/secret?policy" });
  });

  test("a denial by the tags that an upload gives, or that the object has, holds for PUT and is not led around", async () => {
    await setPolicy("secret", {
      Effect: "Deny",
      Action: "s3:PutObject",
      Condition: { StringEquals: { "s3:RequestObjectTag/class": "top" } },
    });
    const put = (tagging: string) =>
      send({ method: "PUT", path: "/secret/tagged", body: "x", headers: { "x-amz-tagging": tagging } });
    expect((await put("class=top")).code).toBe("AccessDenied");
    expect((await put("class=low")).status).toBe(200);
    await setPolicy("secret", {
      Effect: "Deny",
      Action: ["s3:PutObject", "s3:DeleteObject"],
      Condition: { StringEquals: { "s3:ExistingObjectTag/class": "low" } },
    });
    expect((await put("class=none")).code).toBe("AccessDenied");
    expect((await send({ method: "DELETE", path: "/secret/tagged" })).code).toBe("AccessDenied");
    const body = "<Delete><Object><Key>tagged</Key></Object></Delete>";
    expect((await send({ method: "POST", path: "/secret?delete", body })).text).toContain("<Code>AccessDenied</Code>");
    const copy = { "x-amz-copy-source": "/secret/k" };
    expect((await send({ method: "PUT", path: "/secret/tagged", headers: copy })).code).toBe("AccessDenied");
    await send({ method: "DELETE", path: "/secret?policy" });
  });

  test("a copy needs the right to read its source, for an object and for a part", async () => {
    const headers = { "x-amz-copy-source": "/secret/k" };
    expect((await send({ method: "PUT", path: "/alice-1/stolen", headers, as: alice })).code).toBe("AccessDenied");
    const begun = await send({ method: "POST", path: "/alice-1/mp?uploads", as: alice });
    const id = /<UploadId>([^<]*)/.exec(begun.text)?.[1];
    const path = `/alice-1/mp?partNumber=1&uploadId=${id}`;
    expect((await send({ method: "PUT", path, headers, as: alice })).code).toBe("AccessDenied");
  });

  test("a bucket that is not whose the client thinks is refused", async () => {
    const headers = { "x-amz-expected-bucket-owner": "alice" };
    expect((await send({ path: "/secret/k", headers })).code).toBe("AccessDenied");
    expect((await send({ path: "/secret/k", headers: { "x-amz-expected-bucket-owner": "admin" } })).status).toBe(200);
    const copy = { "x-amz-copy-source": "/secret/k", "x-amz-source-expected-bucket-owner": "alice" };
    expect((await send({ method: "PUT", path: "/secret/copy", headers: copy })).code).toBe("AccessDenied");
  });

  test("each object of DeleteObjects is judged by itself", async () => {
    await send({ method: "PUT", path: "/public/mine", body: "x" });
    await setPolicy("public", {
      Action: "s3:DeleteObject",
      Resource: "arn:aws:s3:::public/mine",
    });
    const body = "<Delete><Object><Key>k</Key></Object><Object><Key>mine</Key></Object></Delete>";
    const { text } = await send({ method: "POST", path: "/public?delete", body, as: alice });
    expect(text).toContain("<Error><Key>k</Key><Code>AccessDenied</Code>");
    expect(text).toContain("<Deleted><Key>mine</Key></Deleted>");
    await send({ method: "DELETE", path: "/public?policy" });
  });

  test("a key that is switched off, and a user that is, open nothing", async () => {
    const { users } = server.service;
    const other = await users.addKey("alice");
    await users.enableKey("alice", other.accessKey, false);
    expect((await send({ path: "/alice-1/x", as: other })).code).toBe("InvalidAccessKeyId");
    await users.update("alice", { isEnabled: false });
    expect((await send({ path: "/alice-1/x", as: alice })).code).toBe("InvalidAccessKeyId");
    await users.update("alice", { isEnabled: true });
    expect((await send({ path: "/alice-1/x", as: alice })).status).toBe(200);
  });
});

describe("signatures", () => {
  test("a wrong secret is refused and told no more than the client sent", async () => {
    const answer = await send({ path: "/public/k", as: { ...TEST_KEY, secretKey: "wrong-secret" } });
    expect(answer).toMatchObject({ status: 403, code: "SignatureDoesNotMatch" });
    expect(answer.text).not.toContain(TEST_KEY.secretKey);
  });

  test("an upload without signed payload is verified like any other: the signature still counts", async () => {
    const request: RawRequest = {
      method: "PUT",
      path: "/public/forged",
      body: "4\r\nevil\r\n0\r\n\r\n",
      headers: { "x-amz-decoded-content-length": "4", "content-encoding": "aws-chunked" },
      payloadHash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      as: { accessKey: TEST_KEY.accessKey, secretKey: "wrong-secret" },
    };
    expect((await send(request)).code).toBe("SignatureDoesNotMatch");
    expect((await send({ path: "/public/forged" })).code).toBe("NoSuchKey");
  });

  test("a presigned URL works, ends, and cannot be turned into another request", async () => {
    const path = client.presign({ path: "/public/k" });
    expect(await sendRaw(server.host, { path }, ["host", server.host])).toMatchObject({ status: 200, text: "data" });
    const old = client.presign({ path: "/public/k", nowMs: Date.now() - 120_000 });
    expect((await sendRaw(server.host, { path: old }, ["host", server.host])).code).toBe("AccessDenied");
    const put = { method: "PUT", path, body: "x" };
    expect((await sendRaw(server.host, put, ["host", server.host])).code).toBe("SignatureDoesNotMatch");
  });

  test("a copy source that was not signed does not turn a presigned upload into a read", async () => {
    const path = client.presign({ method: "PUT", path: "/public/target" });
    const headers = ["host", server.host, "x-amz-copy-source", "/secret/k"];
    expect((await sendRaw(server.host, { method: "PUT", path }, headers)).code).toBe("AccessDenied");
    const inQuery = `${path}&x-amz-copy-source=/secret/k`;
    expect((await sendRaw(server.host, { method: "PUT", path: inQuery }, ["host", server.host])).code).toBe(
      "SignatureDoesNotMatch",
    );
    expect((await send({ path: "/public/target" })).code).toBe("NoSuchKey");
  });

  test("header and query together are refused", async () => {
    const path = client.presign({ path: "/public/k" });
    expect(await send({ path })).toMatchObject({ status: 400, code: "InvalidArgument" });
  });

  test("metadata that was signed into a presigned URL is kept", async () => {
    const path = client.presign({ method: "PUT", path: "/public/hoisted?x-amz-meta-who=me" });
    const put = await sendRaw(server.host, { method: "PUT", path, body: "x" }, ["host", server.host]);
    expect(put.status).toBe(200);
    expect((await send({ method: "HEAD", path: "/public/hoisted" })).headers["x-amz-meta-who"]).toBe("me");
  });

  test("a URL that nobody signed opens nothing by naming chunks without signatures", async () => {
    const path = client.presign({
      method: "PUT",
      path: "/public/forged?X-Amz-Content-Sha256=STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      as: { accessKey: TEST_KEY.accessKey, secretKey: "wrong-secret" },
    });
    const headers = ["host", server.host, "x-amz-decoded-content-length", "4"];
    const forged = { method: "PUT", path, body: "4\r\nevil\r\n0\r\n\r\n" };
    expect((await sendRaw(server.host, forged, headers.slice(0, 2))).code).toBe("SignatureDoesNotMatch");
    expect((await sendRaw(server.host, forged, headers)).code).toBe("AccessDenied");
    expect((await send({ path: "/public/forged" })).code).toBe("NoSuchKey");
  });

  test.each<{ condition: object; headers?: Record<string, string>; query?: string; why: string }>([
    {
      condition: { IpAddress: { "aws:SourceIp": "203.0.113.7" } },
      headers: { "x-forwarded-for": "203.0.113.7", "x-real-ip": "203.0.113.7", sourceip: "203.0.113.7" },
      why: "the address is that of the connection",
    },
    {
      condition: { Bool: { "aws:SecureTransport": "true" } },
      headers: { "x-forwarded-proto": "https", securetransport: "true" },
      why: "TLS is that of the connection",
    },
    {
      condition: { StringEquals: { "aws:username": "admin" } },
      headers: { username: "admin", userid: "admin", "x-amz-username": "admin" },
      query: "aws:username=admin&username=admin",
      why: "the user is who has signed",
    },
    {
      condition: { StringEquals: { "s3:x-amz-storage-class": "GLACIER" } },
      query: "x-amz-storage-class=GLACIER&s3:x-amz-storage-class=GLACIER",
      why: "a parameter that nobody signed is no header",
    },
    {
      condition: { StringEquals: { "s3:ExistingObjectTag/share": "yes" } },
      headers: { "x-amz-tagging": "share=yes" },
      query: "s3:ExistingObjectTag/share=yes",
      why: "tags of the object are those it has",
    },
    {
      condition: { StringEquals: { "s3:signatureversion": "AWS4-HMAC-SHA256" } },
      headers: { signatureversion: "AWS4-HMAC-SHA256" },
      why: "there is no signature",
    },
  ])("what a stranger says of himself satisfies no $condition: $why", async ({ condition, headers, query }) => {
    await setPolicy("secret", {
      Condition: condition,
    });
    const path = query === undefined ? "/secret/k" : `/secret/k?${query}`;
    const answer = await send({ path, ...(headers && { headers }), as: false });
    await send({ method: "DELETE", path: "/secret?policy" });
    expect(answer.code).toBe("AccessDenied");
  });
});

describe("ACLs", () => {
  test("give nobody anything: those that would are refused", async () => {
    for (const acl of ["public-read", "authenticated-read", "public-read-write"]) {
      const headers = { "x-amz-acl": acl };
      expect((await send({ method: "PUT", path: "/public/a", body: "x", headers })).code).toBe(
        "AccessControlListNotSupported",
      );
      expect((await send({ method: "PUT", path: "/public?acl", headers })).code).toBe("AccessControlListNotSupported");
    }
    const grant = { "x-amz-grant-read": "uri=http://acs.amazonaws.com/groups/global/AllUsers" };
    expect((await send({ method: "PUT", path: "/public/a", body: "x", headers: grant })).code).toBe(
      "AccessControlListNotSupported",
    );
  });

  test("of every object say that its owner has all", async () => {
    const { text } = await send({ path: "/public/k?acl" });
    expect(text).toContain("<Permission>FULL_CONTROL</Permission>");
    expect(text.match(/<Grant>/g)).toHaveLength(1);
  });
});

test("a policy that cannot be read opens nothing", async () => {
  const { store } = server.service;
  await store.updateBucket("public", { documents: { policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Al' } });
  for (const as of [false, alice, TEST_KEY] as const) {
    expect((await send({ path: "/public/k", as })).status).toBeGreaterThanOrEqual(400);
  }
  await store.updateBucket("public", { documents: { policy: undefined } });
  expect((await send({ path: "/public/k" })).status).toBe(200);
});

test("the port of S3 tells nobody how the server is", async () => {
  for (const path of ["/metrics", "/healthz", "/readyz", "/api/status", "/debug/pprof", "/"]) {
    const { status, text } = await send({ path, as: false });
    expect([403, 404]).toContain(status);
    expect(text).not.toContain("kagami_");
  }
});

test("no secret is ever in the log", () => {
  const log = server.logLines.join("");
  expect(log).not.toContain(TEST_KEY.secretKey);
  expect(log).not.toContain(alice.secretKey);
});
