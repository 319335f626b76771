import { createHash, randomBytes } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll } from "vitest";
import { type Endpoint, openEndpoint } from "./endpoint.ts";
import { type Answer, type Ask, Wire } from "./wire.ts";

/** A server, a bucket of its own and two ways to speak to them, for the tests of one file. */
export interface Session {
  readonly endpoint: Endpoint;
  readonly wire: Wire;
  readonly bucket: string;
  readonly client: S3Client;
  /** Sends over {@link Wire}. */
  send(ask: Ask): Promise<Answer>;
  /** Stores an object and fails if it cannot. */
  put(key: string, body: string | Uint8Array, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Makes a further bucket, removed at the end. */
  makeBucket(name?: string, headers?: Readonly<Record<string, string>>): Promise<string>;
}

/** Sets up a session for all tests of a file. The value is filled in before the first test. */
export function useSession(topic: string, args: readonly string[] = []): Session {
  const session = {} as { -readonly [Name in keyof Session]: Session[Name] };
  const buckets: string[] = [];
  beforeAll(async () => {
    const endpoint = await openEndpoint(args);
    const bucket = bucketName(topic);
    const wire = new Wire(endpoint, bucket);
    const send = (ask: Ask) => wire.send(ask);
    const makeBucket = async (name = bucketName(topic), headers: Readonly<Record<string, string>> = {}) => {
      await expectDone(send({ method: "PUT", bucket: name, headers }));
      buckets.push(name);
      return name;
    };
    await makeBucket(bucket);
    Object.assign(session, {
      endpoint,
      wire,
      bucket,
      client: clientOf(endpoint),
      send,
      makeBucket,
      put: (key: string, body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
        expectDone(send({ method: "PUT", key, body, headers })),
    } satisfies Session);
  });
  afterAll(async () => {
    // Ours is thrown away with its directory; a foreign one is left as it was found.
    if (process.env.KAGAMI_S3_ENDPOINT !== undefined) for (const bucket of buckets) await removeBucket(session, bucket);
    session.client.destroy();
    session.wire.close();
    await session.endpoint.close();
  });
  return session;
}

/** A name that no other test takes. */
export function bucketName(topic: string): string {
  return `kagami-${topic}-${randomBytes(6).toString("hex")}`;
}

/** An AWS SDK client as its users set it up for a server of their own. */
function clientOf({ url, credentials }: Endpoint): S3Client {
  const { accessKey: accessKeyId, secretKey: secretAccessKey, region } = credentials;
  return new S3Client({ endpoint: url, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
}

/** Passes an answer that is a success; throws what the server said if it is none. */
async function expectDone(sent: Promise<Answer>): Promise<Answer> {
  const answer = await sent;
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new Error(`The server answered ${answer.status}: ${answer.text}`);
}

export function md5Hex(bytes: string | Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

export function md5Base64(bytes: string | Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}

/** An error of the SDK as `status Code`, or `done` if there was none. */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return `${$metadata?.httpStatusCode} ${name}`;
  }
}

async function removeBucket({ send }: Session, bucket: string): Promise<void> {
  for (;;) {
    const listed = await send({ bucket, query: { versions: "" } });
    const keys = listed.values("Key");
    const versions = listed.values("VersionId");
    for (const [i, key] of keys.entries())
      await send({ method: "DELETE", bucket, key, query: { versionId: versions[i] ?? "null" } });
    if (keys.length === 0) break;
  }
  const uploads = await send({ bucket, query: { uploads: "" } });
  const keys = uploads.values("Key");
  for (const [i, uploadId] of uploads.values("UploadId").entries())
    await send({ method: "DELETE", bucket, key: keys[i] ?? "", query: { uploadId } });
  await send({ method: "DELETE", bucket });
}
