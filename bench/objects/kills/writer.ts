import { createRandom, type Random } from "@kagami/clock";
import { encodeS3Path, S3Signer, UNSIGNED_PAYLOAD } from "@kagami/testkit";
import { Client, request } from "undici";
import type { S3Peer } from "../servers/peer.ts";
import { bodyOf, type ExpectedObject, judge, settle } from "./expected-object.ts";

/** Share of the requests that delete. */
const DELETE_SHARE = 0.1;
const KEY_COUNT = 40;
const BUCKET = "kills";

/** What a check of all keys of a writer found. */
export interface Findings {
  readonly lost: readonly string[];
  readonly torn: readonly string[];
}

/**
 * Puts and deletes its own keys over one connection, and knows what each of them may hold. Keys are few, so that most
 * writes replace something.
 */
export class Writer {
  readonly #objects: readonly ExpectedObject[];
  readonly #random: Random;
  acknowledgedCount = 0;

  constructor(index: number) {
    this.#random = createRandom(index + 100);
    this.#objects = Array.from({ length: KEY_COUNT }, (_, i) => ({
      key: `writer-${index}/${i}`,
      acknowledged: "absent",
      pending: undefined,
      nextWrite: 0,
    }));
  }

  /** Goes on until the server is gone. @throws Error if it answers anything but success. */
  async writeUntilGone(peer: S3Peer): Promise<void> {
    const client = new Client(peer.endpoint);
    try {
      for (;;) {
        const object = this.#objects[this.#random.int(0, KEY_COUNT - 1)] as ExpectedObject;
        const isDelete = this.#random.float() < DELETE_SHARE;
        object.pending = isDelete ? "absent" : object.nextWrite++;
        const status = await this.#send(client, peer, object);
        if (status === undefined) return;
        if (status >= 300) throw new Error(`The server answered ${status} to a write of ${object.key}`);
        object.acknowledged = object.pending;
        object.pending = undefined;
        this.acknowledgedCount++;
      }
    } finally {
      await client.destroy();
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

  /** @returns `undefined` if the connection broke before the answer had come. */
  async #send(client: Client, peer: S3Peer, { key, pending }: ExpectedObject): Promise<number | undefined> {
    const method = pending === "absent" ? "DELETE" : "PUT";
    const path = encodeS3Path(BUCKET, key);
    const headers = signed(peer, method, path);
    try {
      const body = typeof pending === "number" ? bodyOf(key, pending) : null;
      const answer = await client.request({ method, path, headers, body });
      await answer.body.dump();
      return answer.statusCode;
    } catch {
      // The process was killed under it: whether the write has happened is what the check allows for.
      return undefined;
    }
  }
}

async function read(peer: S3Peer, key: string): Promise<Uint8Array | undefined> {
  const path = encodeS3Path(BUCKET, key);
  const answer = await request(`${peer.endpoint}${path}`, { headers: signed(peer, "GET", path) });
  const bytes = new Uint8Array(await answer.body.arrayBuffer());
  if (answer.statusCode === 404) return undefined;
  if (answer.statusCode === 200) return bytes;
  throw new Error(`The server answered ${answer.statusCode} to a read of ${key} after a kill`);
}

function signed(peer: S3Peer, method: string, path: string): Record<string, string> {
  const { host } = new URL(peer.endpoint);
  return new S3Signer(peer.credentials).sign({ method, path, headers: { host } }, UNSIGNED_PAYLOAD, Date.now());
}

/** Where writers write. */
export const KILLS_BUCKET = BUCKET;
