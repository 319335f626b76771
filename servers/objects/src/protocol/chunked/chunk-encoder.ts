import type { ChunkSignatures } from "../sigv4/index.ts";

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");

/** How a client frames a body. */
export interface ChunkEncoderOptions {
  /** Bytes of the object in a chunk; S3 wants at least 8 KiB. */
  readonly chunkBytes: number;
  /** Undefined for chunks that are not signed. */
  readonly signatures: ChunkSignatures | undefined;
  /** SHA-256 in hex; asked only for signed chunks. */
  readonly sha256Hex: (bytes: Uint8Array) => string;
  /** Sent behind the last chunk; empty for none. Names in lower case. */
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

/** Frames a whole body as `aws-chunked`: pieces to be sent one behind the other, those of the object being views of it. */
export function encodeChunked(body: Uint8Array, options: ChunkEncoderOptions): Uint8Array[] {
  const { chunkBytes, signatures, sha256Hex, trailers } = options;
  const pieces: Uint8Array[] = [];
  const header = (chunk: Uint8Array) => {
    const signature = signatures === undefined ? "" : `;chunk-signature=${signatures.next(sha256Hex(chunk))}`;
    pieces.push(encoder.encode(`${chunk.length.toString(16)}${signature}\r\n`));
  };
  for (let start = 0; start < body.length; start += chunkBytes) {
    const chunk = body.subarray(start, start + chunkBytes);
    header(chunk);
    pieces.push(chunk, CRLF);
  }
  header(new Uint8Array(0));
  if (trailers.length > 0) {
    const lines = trailers.map(([name, value]) => `${name}:${value}`);
    const signature = signatures?.trailer(lines.map((line) => `${line}\n`).join(""));
    if (signature !== undefined) lines.push(`x-amz-trailer-signature:${signature}`);
    pieces.push(encoder.encode(lines.map((line) => `${line}\r\n`).join("")));
  }
  pieces.push(CRLF);
  return pieces;
}

/** How many bytes {@link encodeChunked} makes of a body: the Content-Length. */
export function chunkedLength(
  bodyBytes: number,
  chunkBytes: number,
  isSigned: boolean,
  trailers: readonly (readonly [name: string, value: string])[],
): number {
  const headerBytes = (size: number) => size.toString(16).length + (isSigned ? 17 + 64 : 0) + 2;
  const whole = Math.floor(bodyBytes / chunkBytes);
  const rest = bodyBytes - whole * chunkBytes;
  let total = whole * (headerBytes(chunkBytes) + chunkBytes + 2) + headerBytes(0) + 2;
  if (rest > 0) total += headerBytes(rest) + rest + 2;
  for (const [name, value] of trailers) total += name.length + 1 + value.length + 2;
  return isSigned && trailers.length > 0 ? total + "x-amz-trailer-signature:".length + 64 + 2 : total;
}
