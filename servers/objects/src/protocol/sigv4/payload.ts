import { invalidArgument, S3Error } from "../errors.ts";

/** What `x-amz-content-sha256` says of the body. */
export type Payload =
  /** The body has this SHA-256 (64 lower-case digits). */
  | { readonly kind: "exact"; readonly sha256: string }
  /** The body is not covered by the signature. */
  | { readonly kind: "unsigned" }
  /** `aws-chunked`; each chunk is signed, and the trailer if there is one. */
  | { readonly kind: "signed-chunks"; readonly hasTrailer: boolean }
  /** `aws-chunked` with a trailer; the chunks are not signed. */
  | { readonly kind: "unsigned-chunks" };

const UNSIGNED: Payload = { kind: "unsigned" };
const NAMED: ReadonlyMap<string, Payload> = new Map<string, Payload>([
  ["UNSIGNED-PAYLOAD", UNSIGNED],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", { kind: "signed-chunks", hasTrailer: false }],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", { kind: "signed-chunks", hasTrailer: true }],
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", { kind: "unsigned-chunks" }],
]);

/** What a body is when nothing is said of it. */
export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";

/**
 * Reads the value of `x-amz-content-sha256`.
 *
 * @throws S3Error InvalidArgument; NotImplemented for signatures with elliptic curves.
 */
export function parsePayload(value: string): Payload {
  if (isSha256Hex(value)) return { kind: "exact", sha256: value.toLowerCase() };
  const named = NAMED.get(value);
  if (named !== undefined) return named;
  if (value.startsWith("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")) {
    throw new S3Error("NotImplemented", {
      message: "Signatures with elliptic curves are not implemented. Please use AWS4-HMAC-SHA256.",
    });
  }
  throw invalidArgument(
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, " +
      "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
    "x-amz-content-sha256",
    value,
  );
}

function isSha256Hex(value: string): boolean {
  if (value.length !== 64) return false;
  for (let i = 0; i < 64; i++) {
    const code = value.charCodeAt(i);
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isDigit && !((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66)) return false;
  }
  return true;
}
