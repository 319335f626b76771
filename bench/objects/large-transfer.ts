import { connect, type Socket } from "node:net";
import { encodeS3Path, S3Signer, UNSIGNED_PAYLOAD } from "@kagami/testkit";
import type { S3Peer } from "./servers/peer.ts";

/** Read into one buffer again and again: what is measured is the server, not the client's memory. */
const READ_BUFFER_BYTES = 1 << 20;

/**
 * Gets an object over several connections until the time is over.
 *
 * @returns 10^6 bytes a second, heads included.
 * @throws Error if an answer is no success
 */
export async function getRate(
  peer: S3Peer,
  bucket: string,
  key: string,
  size: number,
  load: { connections: number; seconds: number },
): Promise<number> {
  const startedAtMs = performance.now();
  const endMs = startedAtMs + load.seconds * 1_000;
  let bytes = 0;
  const work = Array.from({ length: load.connections }, async () => {
    const target = new Receiver(peer);
    try {
      while (performance.now() < endMs) bytes += await target.get(bucket, key, size);
    } finally {
      target.close();
    }
  });
  await Promise.all(work);
  return bytes / 1_000 / (performance.now() - startedAtMs);
}

/** Puts an object over one connection. @returns 10^6 bytes a second until the answer. @throws Error if it is no success */
export async function putRate(peer: S3Peer, bucket: string, key: string, body: Uint8Array): Promise<number> {
  const target = new Receiver(peer);
  try {
    const startedAtMs = performance.now();
    await target.put(bucket, key, body);
    return body.length / 1_000 / (performance.now() - startedAtMs);
  } finally {
    target.close();
  }
}

/** One connection that speaks just enough HTTP for answers with a length. */
class Receiver {
  readonly #peer: S3Peer;
  readonly #signer: S3Signer;
  readonly #socket: Socket;
  readonly #buffer = Buffer.alloc(READ_BUFFER_BYTES);
  #onBytes: (chunk: Buffer) => void = () => undefined;
  #onEnd: (error: Error) => void = () => undefined;

  constructor(peer: S3Peer) {
    const { hostname, port } = new URL(peer.endpoint);
    this.#peer = peer;
    this.#signer = new S3Signer(peer.credentials);
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer: this.#buffer,
        callback: (size) => {
          this.#onBytes(this.#buffer.subarray(0, size));
          return true;
        },
      },
    });
    this.#socket.on("error", (error) => this.#onEnd(error));
    this.#socket.on("close", () => this.#onEnd(new Error(`${peer.name} closed the connection`)));
  }

  async get(bucket: string, key: string, size: number): Promise<number> {
    this.#socket.write(this.#head("GET", bucket, key, 0));
    return this.#answer(size);
  }

  async put(bucket: string, key: string, body: Uint8Array): Promise<number> {
    this.#socket.write(this.#head("PUT", bucket, key, body.length));
    this.#socket.write(body);
    return this.#answer(0);
  }

  close(): void {
    this.#onEnd = () => undefined;
    this.#socket.destroy();
  }

  #head(method: string, bucket: string, key: string, length: number): string {
    const path = encodeS3Path(bucket, key);
    const headers = { host: new URL(this.#peer.endpoint).host };
    const signed = this.#signer.sign({ method, path, headers }, UNSIGNED_PAYLOAD, Date.now());
    const lines = Object.entries(signed).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${path} HTTP/1.1\r\n${lines.join("")}content-length: ${length}\r\n\r\n`;
  }

  /** @param size Bytes of the body that is to come. @returns Bytes of head and body. */
  #answer(size: number): Promise<number> {
    return new Promise((resolve, reject) => {
      let head = "";
      let expected = -1;
      let received = 0;
      this.#onEnd = reject;
      this.#onBytes = (chunk) => {
        received += chunk.length;
        if (expected < 0) {
          head += chunk.toString("latin1", 0, 4_096);
          const end = head.indexOf("\r\n\r\n");
          if (end < 0) return;
          if (!/^HTTP\/1\.1 200 /.test(head)) {
            reject(new Error(`${this.#peer.name} answered: ${head.slice(0, 500)}`));
            return;
          }
          expected = end + 4 + size;
        }
        if (received >= expected) resolve(received);
      };
    });
  }
}
