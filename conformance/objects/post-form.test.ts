import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { timeOf } from "@kagami/testkit";
import { describe, expect, test } from "vitest";
import { useSession } from "./support/session.ts";
import type { Answer } from "./support/wire.ts";

const s3 = useSession("post-form");

type Field = readonly [name: string, value: string];
type Condition = Readonly<Record<string, string>> | readonly (string | number)[];

interface Form {
  readonly fields: readonly Field[];
  readonly file?: string;
  readonly fileName?: string;
  /** Further parts behind the file. */
  readonly behind?: readonly Field[];
}

/** What S3 puts the name of the file for. */
const FILE_NAME = ["$", "{filename}"].join("");
const BOUNDARY = "----kagami-form-boundary";

function send({ fields, file, fileName = "a.txt", behind = [] }: Form): Promise<Answer> {
  const part = ([name, value]: Field) =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const filePart =
    file === undefined
      ? ""
      : `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${fileName}"\r\nContent-Type: text/plain\r\n\r\n${file}\r\n`;
  const body = Buffer.from(`${fields.map(part).join("")}${filePart}${behind.map(part).join("")}--${BOUNDARY}--\r\n`);
  return s3.wire.sendRaw(
    "POST",
    `/${s3.bucket}`,
    {
      host: s3.endpoint.host,
      "content-type": `multipart/form-data; boundary=${BOUNDARY}`,
      "content-length": String(body.length),
    },
    body,
  );
}

/** Fields of a form whose policy says what the conditions do. */
function signed(
  key: string,
  conditions: readonly Condition[],
  more: readonly Field[] = [],
  expiresMs = 60_000,
): Field[] {
  const { signer } = s3.wire;
  const time = timeOf(Date.now());
  const credential = `${signer.accessKey}/${signer.scope(time)}`;
  const policy = Buffer.from(
    JSON.stringify({
      expiration: new Date(Date.now() + expiresMs).toISOString(),
      conditions: [
        { bucket: s3.bucket },
        { "x-amz-algorithm": "AWS4-HMAC-SHA256" },
        { "x-amz-credential": credential },
        { "x-amz-date": time },
        ...conditions,
      ],
    }),
  ).toString("base64");
  return [
    ["key", key],
    ...more,
    ["x-amz-algorithm", "AWS4-HMAC-SHA256"],
    ["x-amz-credential", credential],
    ["x-amz-date", time],
    ["policy", policy],
    ["x-amz-signature", signer.signText(policy, time)],
  ];
}

test("a form that the SDK made stores a file", async () => {
  const { url, fields } = await createPresignedPost(s3.client, {
    Bucket: s3.bucket,
    Key: `sdk/${FILE_NAME}`,
    Conditions: [["content-length-range", 1, 100]],
    Expires: 60,
  });
  expect(url).toContain(s3.bucket);
  const answer = await send({ fields: Object.entries(fields), file: "by a browser", fileName: "cat.png" });
  expect(answer.status, answer.text).toBe(204);
  expect((await s3.send({ key: "sdk/cat.png" })).text).toBe("by a browser");
});

test("what the form says is kept with the object", async () => {
  const more: Field[] = [
    ["Content-Type", "image/png"],
    ["x-amz-meta-player", "ann"],
    ["Cache-Control", "no-store"],
  ];
  const conditions = [{ key: "meta" }, ...more.map(([name, value]) => ({ [name]: value }))];
  expect((await send({ fields: signed("meta", conditions, more), file: "x" })).status).toBe(204);
  const got = await s3.send({ key: "meta" });
  expect(got.headers["content-type"]).toBe("image/png");
  expect(got.headers["x-amz-meta-player"]).toBe("ann");
  expect(got.headers["cache-control"]).toBe("no-store");
});

test.each([
  { status: "200", answered: 200 },
  { status: "201", answered: 201 },
  { status: "204", answered: 204 },
  { status: "302", answered: 204 },
])("success_action_status $status is answered $answered", async ({ status, answered }) => {
  const more: Field[] = [["success_action_status", status]];
  const fields = signed("status", [{ key: "status" }, { success_action_status: status }], more);
  const answer = await send({ fields, file: "x" });
  expect(answer.status).toBe(answered);
  if (answered === 201) {
    expect(answer.value("Key")).toBe("status");
    expect(answer.value("Bucket")).toBe(s3.bucket);
    expect(answer.value("ETag")).toBe('"9dd4e461268c8034f5c8564e155c67a6"');
  }
});

test("success_action_redirect leads there with bucket, key and etag", async () => {
  const to = "https://app.example/done";
  const fields = signed(
    "redirect",
    [{ key: "redirect" }, { success_action_redirect: to }],
    [["success_action_redirect", to]],
  );
  const answer = await send({ fields, file: "x" });
  expect(answer.status).toBe(303);
  const location = new URL(String(answer.headers.location));
  expect(location.origin + location.pathname).toBe(to);
  expect(location.searchParams.get("bucket")).toBe(s3.bucket);
  expect(location.searchParams.get("key")).toBe("redirect");
});

describe("conditions", () => {
  test.each([
    { conditions: [{ key: "c/1" }], key: "c/1", outcome: "204", why: "exactly this key" },
    { conditions: [{ key: "c/1" }], key: "c/2", outcome: "403 AccessDenied", why: "another key" },
    { conditions: [["eq", "$key", "c/1"]], key: "c/1", outcome: "204", why: "eq" },
    { conditions: [["starts-with", "$key", "c/"]], key: "c/3", outcome: "204", why: "a beginning" },
    { conditions: [["starts-with", "$key", "c/"]], key: "d/3", outcome: "403 AccessDenied", why: "another beginning" },
    { conditions: [["starts-with", "$key", ""]], key: "any", outcome: "204", why: "any key" },
    { conditions: [], key: "c/1", outcome: "403 AccessDenied", why: "a field that no condition speaks of" },
    {
      conditions: [["equals", "$key", "c/1"]],
      key: "c/1",
      outcome: "400 InvalidPolicyDocument",
      why: "no such condition",
    },
  ])("$conditions and the key $key answer $outcome: $why", async ({ conditions, key, outcome }) => {
    await s3.send({ method: "DELETE", key });
    const answer = await send({ fields: signed(key, conditions as unknown as Condition[]), file: "x" });
    expect(answer.outcome).toBe(outcome);
    expect((await s3.send({ key })).status).toBe(outcome === "204" ? 200 : 404);
  });

  test.each([
    { range: [1, 5], file: "12345", outcome: "204" },
    { range: [1, 4], file: "12345", outcome: "400 EntityTooLarge" },
    { range: [6, 10], file: "12345", outcome: "400 EntityTooSmall" },
    { range: [0, 0], file: "", outcome: "204" },
  ])("a file of $file.length bytes and the range $range answer $outcome", async ({ range, file, outcome }) => {
    const conditions = [{ key: "range" }, ["content-length-range", ...range]] as Condition[];
    await s3.send({ method: "DELETE", key: "range" });
    expect((await send({ fields: signed("range", conditions), file })).outcome).toBe(outcome);
    expect((await s3.send({ key: "range" })).status).toBe(outcome === "204" ? 200 : 404);
  });

  test("a header of the form cannot override what the policy says", async () => {
    const conditions = [{ key: "type" }, { "Content-Type": "image/png" }];
    const fields = signed("type", conditions, [["Content-Type", "text/html"]]);
    expect((await send({ fields, file: "<script>" })).outcome).toBe("403 AccessDenied");
  });

  test("metadata that the policy does not allow is refused", async () => {
    const fields = signed("extra", [{ key: "extra" }], [["x-amz-meta-evil", "1"]]);
    expect((await send({ fields, file: "x" })).outcome).toBe("403 AccessDenied");
  });

  test("fields named x-ignore- are passed over", async () => {
    const fields = signed("ignore", [{ key: "ignore" }], [["x-ignore-me", "1"]]);
    expect((await send({ fields, file: "x" })).status).toBe(204);
  });

  test("the bucket of the policy is the one that is posted to", async () => {
    const other = await s3.makeBucket();
    const fields = signed("bucket", [{ key: "bucket" }, { bucket: other }]);
    expect((await send({ fields, file: "x" })).outcome).toBe("403 AccessDenied");
  });
});

describe("refused", () => {
  const good = () => signed("refused", [{ key: "refused" }]);

  test("after its time", async () => {
    const fields = signed("refused", [{ key: "refused" }], [], -1_000);
    expect((await send({ fields, file: "x" })).outcome).toBe("403 AccessDenied");
  });

  test.each(["policy", "x-amz-signature", "x-amz-credential", "x-amz-algorithm", "x-amz-date"])(
    "without %s",
    async (name) => {
      const fields = good().filter(([field]) => field !== name);
      const answer = await send({ fields, file: "x" });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    },
  );

  test.each([
    { name: "x-amz-signature", value: "0".repeat(64), outcome: "403 SignatureDoesNotMatch" },
    {
      name: "policy",
      value: Buffer.from('{"conditions":[]}').toString("base64"),
      outcome: "403 SignatureDoesNotMatch",
    },
    { name: "x-amz-algorithm", value: "AWS4-HMAC-MD5", outcome: "400 InvalidArgument" },
  ])("with another $name", async ({ name, value, outcome }) => {
    const fields = good().map(([field, old]): Field => [field, field === name ? value : old]);
    expect((await send({ fields, file: "x" })).outcome).toBe(outcome);
  });

  test("without a signature at all", async () => {
    expect((await send({ fields: [["key", "refused"]], file: "x" })).outcome).toBe("403 AccessDenied");
  });

  test("without a key", async () => {
    const fields = good().filter(([field]) => field !== "key");
    expect((await send({ fields, file: "x" })).status).toBeGreaterThanOrEqual(400);
  });

  test("without a file", async () => {
    expect((await send({ fields: good() })).outcome).toMatch(
      /^400 (IncorrectNumberOfFilesInPostRequest|InvalidArgument)$/,
    );
  });

  test("with a body that is no form", async () => {
    const headers = { host: s3.endpoint.host, "content-type": "text/plain", "content-length": "1" };
    const answer = await s3.wire.sendRaw("POST", `/${s3.bucket}`, headers, Buffer.from("x"));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  test("with more before the file than any form has", async () => {
    const fields: Field[] = [["key", "refused"], ["x-ignore-much", "x".repeat(100_000)], ...good().slice(1)];
    expect((await send({ fields, file: "x" })).status).toBe(400);
  });

  test("and nothing of it is stored", async () => {
    expect((await s3.send({ key: "refused" })).outcome).toBe("404 NoSuchKey");
  });
});

test("fields behind the file are passed over", async () => {
  const fields = signed("behind", [{ key: "behind" }]);
  expect((await send({ fields, file: "x", behind: [["key", "other"]] })).status).toBe(204);
  expect((await s3.send({ key: "behind" })).status).toBe(200);
  expect((await s3.send({ key: "other" })).status).toBe(404);
});

test.each(["a/b.txt", "../../etc/passwd", "with space.txt", "鏡.png"])(
  "the file name %s becomes the key where it is asked for",
  async (fileName) => {
    const fields = signed(`up/${FILE_NAME}`, [["starts-with", "$key", "up/"]]);
    expect((await send({ fields, file: "x", fileName })).status).toBe(204);
    // Browsers send the name alone; a path before it is cut off as S3 does.
    const last = fileName.split("/").at(-1) ?? "";
    const listed = (await s3.send({ query: { prefix: "up/" } })).values("Key");
    expect(listed.some((key) => key === `up/${fileName}` || key === `up/${last}`)).toBe(true);
  },
);
