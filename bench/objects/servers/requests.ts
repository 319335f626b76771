import { encodeS3Path, encodeS3Query, S3Signer, UNSIGNED_PAYLOAD } from "@kagami/testkit";
import { type Dispatcher, request } from "undici";
import type { S3Peer } from "./peer.ts";

export interface Answer {
  readonly status: number;
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Ask {
  readonly method: "GET" | "PUT" | "POST" | "DELETE" | "HEAD";
  readonly bucket: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/**
 * One signed request, over a connection of the caller's if one is given. An answer that is no success is an answer.
 *
 * @throws an error of the connection
 */
export async function ask(
  peer: S3Peer,
  { method, bucket, key, query = {}, headers, body }: Ask,
  connection?: Dispatcher,
): Promise<Answer> {
  const { host } = new URL(peer.endpoint);
  const path = encodeS3Path(bucket, key);
  const signer = new S3Signer(peer.credentials);
  const signed = signer.sign({ method, path, query, headers: { host, ...headers } }, UNSIGNED_PAYLOAD, Date.now());
  const search = encodeS3Query(query);
  const answer = await request(`${peer.endpoint}${path}${search === "" ? "" : `?${search}`}`, {
    method,
    headers: signed,
    body: body ?? null,
    ...(connection === undefined ? {} : { dispatcher: connection }),
  });
  return { status: answer.statusCode, headers: answer.headers, bytes: Buffer.from(await answer.body.arrayBuffer()) };
}

/** The same, but no success is an error that tells what the server said. */
export async function askWell(peer: S3Peer, what: Ask): Promise<Answer> {
  const answer = await ask(peer, what);
  if (answer.status >= 200 && answer.status < 300) return answer;
  const said = answer.bytes.toString("utf8").slice(0, 500);
  throw new Error(`${peer.name} answered ${answer.status} to ${what.method} ${what.bucket}/${what.key ?? ""}: ${said}`);
}

/** Makes a bucket; one that is there already will do. */
export async function createBucket(peer: S3Peer, bucket: string): Promise<void> {
  const { status, bytes } = await ask(peer, { method: "PUT", bucket });
  if (status !== 200 && status !== 409)
    throw new Error(
      `${peer.name} answered ${status} to the making of ${bucket}: ${bytes.toString("utf8").slice(0, 500)}`,
    );
}
