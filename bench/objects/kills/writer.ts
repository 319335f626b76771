import { createRandom, type Random } from "@kagami/clock";
import { encodeS3Path } from "@kagami/testkit";
import { Client } from "undici";
import type { S3Peer } from "../servers/peer.ts";
import { type Answer, type Ask, ask } from "../servers/requests.ts";
import {
  bodyName,
  bytesOf,
  type Content,
  type ExpectedObject,
  judge,
  PART_BYTES,
  settle,
  take,
} from "./expected-object.ts";

/** Shares of the requests, added up; what is left are puts. */
const DELETES_BELOW = 0.1;
const COPIES_BELOW = 0.25;
const PARTS_BELOW = 0.28;
const KEY_COUNT = 40;

/** Where writers write. */
export const KILLS_BUCKET = "kills";

/** What a check of all keys of a writer found. */
export interface Findings {
  readonly lost: readonly string[];
  readonly torn: readonly string[];
}

/** A request that writes. */
interface Change extends Omit<Ask, "bucket"> {
  readonly method: "PUT" | "DELETE" | "POST";
  readonly key: string;
}

/**
 * Puts, copies, uploads in parts and deletes its own keys over one connection, and knows what each of them may hold. Keys
 * are few, so that most writes replace something; nobody else writes them, so that it knows what a copy copies.
 */
export class Writer {
  readonly #objects: readonly ExpectedObject[];
  readonly #random: Random;
  #writes = 0;
  acknowledgedCount = 0;

  constructor(index: number) {
    this.#random = createRandom(index + 100);
    this.#objects = Array.from({ length: KEY_COUNT }, (_, i) => ({
      key: `writer-${index}/${i}`,
      acknowledged: undefined,
      pending: undefined,
      past: [],
    }));
  }

  /** Goes on until the server is gone. @throws Error if it answers anything but success. */
  async writeUntilGone(peer: S3Peer): Promise<void> {
    const connection = new Connection(peer);
    try {
      while (await this.#writeOne(connection)) this.acknowledgedCount++;
    } finally {
      await connection.close();
    }
  }

  /** Reads every key and compares. */
  async check(peer: S3Peer): Promise<Findings> {
    const lost: string[] = [];
    const torn: string[] = [];
    for (const object of this.#objects) {
      const found = await read(peer, object.key);
      const verdict = judge(object, found);
      if (verdict === "lost") lost.push(object.key);
      if (verdict === "torn") torn.push(object.key);
      settle(object, found);
    }
    return { lost, torn };
  }

  /** @returns Whether it was acknowledged. */
  #writeOne(connection: Connection): Promise<boolean> {
    const object = this.#any();
    const { key } = object;
    const dice = this.#random.float();
    if (dice < DELETES_BELOW) return change(connection, object, undefined, { method: "DELETE", key });
    const source = this.#any();
    if (dice < COPIES_BELOW && source !== object && source.acknowledged !== undefined) {
      const headers = { "x-amz-copy-source": encodeS3Path(KILLS_BUCKET, source.key) };
      return change(connection, object, source.acknowledged, { method: "PUT", key, headers });
    }
    const isInParts = dice >= COPIES_BELOW && dice < PARTS_BELOW;
    const name = bodyName(key, this.#writes++, isInParts);
    if (isInParts) return upload(connection, object, name);
    return change(connection, object, name, { method: "PUT", key, body: bytesOf(name) });
  }

  #any(): ExpectedObject {
    return this.#objects[this.#random.int(0, KEY_COUNT - 1)] as ExpectedObject;
  }
}

/** Sends what leaves this content under the key, if it happens. */
async function change(
  connection: Connection,
  object: ExpectedObject,
  content: Content,
  request: Change,
): Promise<boolean> {
  object.pending = { content };
  if ((await connection.send(request)) === undefined) return false;
  take(object, content);
  return true;
}

/** Until the last of its requests nothing of it is to be seen. */
async function upload(connection: Connection, object: ExpectedObject, name: string): Promise<boolean> {
  const { key } = object;
  const body = bytesOf(name);
  const begun = await connection.send({ method: "POST", key, query: { uploads: "" } });
  const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(begun?.bytes.toString() ?? "")?.[1];
  if (uploadId === undefined) return false;
  const parts: string[] = [];
  for (const [i, piece] of [body.subarray(0, PART_BYTES), body.subarray(PART_BYTES)].entries()) {
    const query = { uploadId, partNumber: String(i + 1) };
    const part = await connection.send({ method: "PUT", key, query, body: piece });
    if (part === undefined) return false;
    parts.push(`<Part><PartNumber>${i + 1}</PartNumber><ETag>${String(part.headers.etag)}</ETag></Part>`);
  }
  const document = Buffer.from(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`);
  return change(connection, object, name, { method: "POST", key, query: { uploadId }, body: document });
}

class Connection {
  readonly #peer: S3Peer;
  readonly #client: Client;

  constructor(peer: S3Peer) {
    this.#peer = peer;
    this.#client = new Client(peer.endpoint);
  }

  /** `undefined` if the connection broke before the answer had come. @throws Error if the server answers anything but success */
  async send(change: Change): Promise<Answer | undefined> {
    let answer: Answer;
    try {
      answer = await ask(this.#peer, { ...change, bucket: KILLS_BUCKET }, this.#client);
    } catch {
      // The process was killed under it: whether the write has happened is what the check allows for.
      return undefined;
    }
    // S3 may say 200 before it knows, and then tell an error in the body.
    if (answer.status >= 300 || answer.bytes.includes("<Error>"))
      throw new Error(
        `The server answered ${answer.status} to ${change.method} of ${change.key}: ${answer.bytes.toString().slice(0, 300)}`,
      );
    return answer;
  }

  close(): Promise<void> {
    return this.#client.destroy();
  }
}

async function read(peer: S3Peer, key: string): Promise<Uint8Array | undefined> {
  const { status, bytes } = await ask(peer, { method: "GET", bucket: KILLS_BUCKET, key });
  if (status === 404) return undefined;
  if (status === 200) return bytes;
  throw new Error(`The server answered ${status} to a read of ${key} after a kill`);
}
