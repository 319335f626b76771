import { beforeAll, describe, expect, test } from "vitest";
import { useSession } from "./support/session.ts";

const s3 = useSession("cors");

interface Rule {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers?: readonly string[];
  readonly exposed?: readonly string[];
  readonly maxAge?: number | string;
}

function document(...rules: readonly Rule[]): string {
  const list = (tag: string, values: readonly string[] = []) => values.map((v) => `<${tag}>${v}</${tag}>`).join("");
  const each = rules.map(
    ({ origins, methods, headers, exposed, maxAge }) =>
      `<CORSRule>${list("AllowedOrigin", origins)}${list("AllowedMethod", methods)}${list("AllowedHeader", headers)}${list("ExposeHeader", exposed)}${maxAge === undefined ? "" : `<MaxAgeSeconds>${maxAge}</MaxAgeSeconds>`}</CORSRule>`,
  );
  return `<CORSConfiguration>${each.join("")}</CORSConfiguration>`;
}

const write = (body: string) => s3.send({ method: "PUT", query: { cors: "" }, body });

function preflight(origin: string, method: string, headers = "", key = "k") {
  return s3.wire.sendRaw("OPTIONS", `/${s3.bucket}/${key}`, {
    host: s3.endpoint.host,
    origin,
    "access-control-request-method": method,
    ...(headers === "" ? {} : { "access-control-request-headers": headers }),
  });
}

test("a configuration comes back as it was put, and goes", async () => {
  const body = document({
    origins: ["https://a.example"],
    methods: ["GET"],
    headers: ["*"],
    exposed: ["etag"],
    maxAge: 60,
  });
  expect((await write(body)).status).toBe(200);
  const answer = await s3.send({ query: { cors: "" } });
  expect(answer.value("AllowedOrigin")).toBe("https://a.example");
  expect(answer.value("AllowedMethod")).toBe("GET");
  expect(answer.value("AllowedHeader")).toBe("*");
  expect(answer.value("ExposeHeader")).toBe("etag");
  expect(answer.value("MaxAgeSeconds")).toBe("60");
  expect((await s3.send({ method: "DELETE", query: { cors: "" } })).status).toBe(204);
  expect((await s3.send({ query: { cors: "" } })).outcome).toBe("404 NoSuchCORSConfiguration");
});

test.each([
  { body: document(), outcome: "400 MalformedXML", why: "no rule" },
  { body: document({ origins: [], methods: ["GET"] }), outcome: "400 MalformedXML", why: "no origin" },
  { body: document({ origins: ["*"], methods: [] }), outcome: "400 MalformedXML", why: "no method" },
  { body: document({ origins: ["*"], methods: ["PATCH"] }), outcome: "400 InvalidRequest", why: "a method S3 has not" },
  {
    body: document({ origins: ["https://*.*.example"], methods: ["GET"] }),
    outcome: "400 InvalidRequest",
    why: "two stars",
  },
  {
    body: document({ origins: ["*"], methods: ["GET"], headers: ["x-*-*"] }),
    outcome: "400 InvalidRequest",
    why: "two stars in a header",
  },
  {
    body: document({ origins: ["*"], methods: ["GET"], maxAge: "soon" }),
    outcome: "400 MalformedXML",
    why: "an age that is no number",
  },
  { body: "<CORSConfiguration><CORSRule>", outcome: "400 MalformedXML", why: "it breaks off" },
  { body: "", outcome: "400 MissingRequestBodyError", why: "nothing" },
])("$outcome: $why", async ({ body, outcome }) => {
  expect((await write(body)).outcome).toBe(outcome);
});

test("101 rules are one too many", async () => {
  const rules = Array.from({ length: 101 }, (_, i) => ({ origins: [`https://${i}.example`], methods: ["GET"] }));
  expect((await write(document(...rules.slice(1)))).status).toBe(200);
  expect((await write(document(...rules))).status).toBe(400);
});

describe("a browser asks first", () => {
  beforeAll(async () => {
    await s3.put("k", "x");
    await write(
      document(
        {
          origins: ["https://app.example", "https://*.cdn.example"],
          methods: ["GET", "PUT"],
          headers: ["content-type", "x-amz-*"],
          exposed: ["etag", "x-amz-request-id"],
          maxAge: 600,
        },
        { origins: ["*"], methods: ["HEAD"] },
      ),
    );
  });

  test("and is told what it may do", async () => {
    const answer = await preflight("https://app.example", "PUT", "Content-Type, X-Amz-Meta-A");
    expect(answer.status).toBe(200);
    expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example");
    expect(answer.headers["access-control-allow-methods"]).toContain("PUT");
    expect(answer.headers["access-control-allow-headers"]?.toLowerCase()).toContain("x-amz-meta-a");
    expect(answer.headers["access-control-max-age"]).toBe("600");
    expect(answer.headers.vary?.toLowerCase()).toContain("origin");
  });

  test.each([
    { origin: "https://eu.cdn.example", method: "GET", headers: "", status: 200, why: "a star in the origin" },
    { origin: "https://cdn.example", method: "GET", headers: "", status: 403, why: "the star needs a name and a dot" },
    { origin: "http://app.example", method: "GET", headers: "", status: 403, why: "another scheme" },
    { origin: "https://app.example:8443", method: "GET", headers: "", status: 403, why: "another port" },
    { origin: "https://app.example.evil.example", method: "GET", headers: "", status: 403, why: "a longer name" },
    { origin: "https://evil.example", method: "GET", headers: "", status: 403, why: "another origin" },
    { origin: "https://evil.example", method: "HEAD", headers: "", status: 200, why: "the second rule" },
    { origin: "https://app.example", method: "DELETE", headers: "", status: 403, why: "another method" },
    { origin: "https://app.example", method: "GET", headers: "authorization", status: 403, why: "another header" },
    { origin: "https://app.example", method: "GET", headers: "X-AMZ-DATE", status: 200, why: "headers have no case" },
    {
      origin: "https://evil.example",
      method: "HEAD",
      headers: "x-any",
      status: 403,
      why: "a rule without headers allows none",
    },
  ])("$method from $origin with $headers is answered $status: $why", async ({ origin, method, headers, status }) => {
    const answer = await preflight(origin, method, headers);
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  });

  test("without an origin it is no such question", async () => {
    const answer = await s3.wire.sendRaw("OPTIONS", `/${s3.bucket}/k`, { host: s3.endpoint.host });
    expect(answer.status).toBe(400);
  });

  test("and then gets the answer with its headers", async () => {
    const answer = await s3.send({ key: "k", headers: { origin: "https://app.example" } });
    expect(answer.status).toBe(200);
    expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example");
    expect(answer.headers["access-control-expose-headers"]?.toLowerCase()).toContain("etag");
    expect(answer.headers.vary?.toLowerCase()).toContain("origin");
  });

  test("even where the answer is an error", async () => {
    const answer = await s3.send({ key: "absent", headers: { origin: "https://app.example" } });
    expect(answer.status).toBe(404);
    expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example");
  });

  test("a star is answered as a star, and never with credentials", async () => {
    const answer = await s3.send({ method: "HEAD", key: "k", headers: { origin: "https://evil.example" } });
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(answer.headers["access-control-allow-credentials"]).toBeUndefined();
  });

  test("another origin gets the answer without them", async () => {
    const answer = await s3.send({ key: "k", headers: { origin: "https://evil.example" } });
    expect(answer.status).toBe(200);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  });
});

test("a bucket without a configuration allows no other origin", async () => {
  const bucket = await s3.makeBucket();
  const headers = { host: s3.endpoint.host, origin: "https://a.example", "access-control-request-method": "GET" };
  const answer = await s3.wire.sendRaw("OPTIONS", `/${bucket}/k`, headers);
  expect(answer.status).toBe(403);
  expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
});
