import { type S3Signer, sha256Hex } from "./s3-signer.ts";

/** How a body is cut into signed chunks. */
export interface S3ChunkPlan {
  /** Of the request's headers: what the first chunk is chained to. */
  readonly seedSignature: string;
  /** As in `x-amz-date`. */
  readonly time: string;
  readonly chunks: readonly Uint8Array[];
  /** Names in lower case; they are sent behind the last chunk and signed there. */
  readonly trailers?: Readonly<Record<string, string>>;
}

const EMPTY_HASH = sha256Hex("");

/**
 * A body as `STREAMING-AWS4-HMAC-SHA256-PAYLOAD` sends it, with `trailers` as `…-PAYLOAD-TRAILER`.
 *
 * @see AWS Signature Version 4 for S3, "Transferring Payload in Multiple Chunks"
 */
export function signedChunks(signer: S3Signer, plan: S3ChunkPlan): Buffer {
  const { time, chunks, trailers } = plan;
  let previous = plan.seedSignature;
  const parts: Uint8Array[] = [];
  for (const chunk of [...chunks, new Uint8Array()]) {
    const text = `AWS4-HMAC-SHA256-PAYLOAD\n${time}\n${signer.scope(time)}\n${previous}\n${EMPTY_HASH}\n${sha256Hex(chunk)}`;
    previous = signer.signText(text, time);
    const isLast = chunk.length === 0;
    parts.push(Buffer.from(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`), chunk);
    if (!isLast || trailers === undefined) parts.push(Buffer.from("\r\n"));
  }
  if (trailers !== undefined) {
    const lines = Object.entries(trailers).map(([name, value]) => `${name}:${value}`);
    const hash = sha256Hex(lines.map((line) => `${line}\n`).join(""));
    const signature = signer.signText(
      `AWS4-HMAC-SHA256-TRAILER\n${time}\n${signer.scope(time)}\n${previous}\n${hash}`,
      time,
    );
    const signed = [...lines, `x-amz-trailer-signature:${signature}`];
    parts.push(Buffer.from(`${signed.map((line) => `${line}\r\n`).join("")}\r\n`));
  }
  return Buffer.concat(parts);
}

/** A body as `STREAMING-UNSIGNED-PAYLOAD-TRAILER` sends it. */
export function unsignedChunks(chunks: readonly Uint8Array[], trailers: Readonly<Record<string, string>> = {}): Buffer {
  const parts: Uint8Array[] = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from("\r\n"),
  ]);
  const lines = Object.entries(trailers).map(([name, value]) => `${name}:${value}\r\n`);
  return Buffer.concat([...parts, Buffer.from(`0\r\n${lines.join("")}\r\n`)]);
}
