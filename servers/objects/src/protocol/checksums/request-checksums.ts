import type { ChecksumAlgorithm } from "../../store/object-store.ts";
import { decodeBase64 } from "../base64.ts";
import { S3Error } from "../errors.ts";
import type { HeaderFields } from "../header-fields.ts";
import { algorithmOfHeader, checksumHeader, decodeChecksum, parseAlgorithm } from "./algorithms.ts";

/** The checksum that a client gives with a body. */
export interface RequestChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** In base64; undefined if it comes in the trailer. */
  readonly value: string | undefined;
}

/**
 * The checksum that a request announces, by header or by trailer; undefined if it has none.
 *
 * @param trailers Names that `x-amz-trailer` declares, in lower case.
 * @throws S3Error InvalidRequest if there is more than one, if its value is none of the algorithm, or if it is not that
 * of `x-amz-sdk-checksum-algorithm`.
 */
export function requestChecksumOf(headers: HeaderFields, trailers: readonly string[]): RequestChecksum | undefined {
  let found: RequestChecksum | undefined;
  for (let i = 0; i < headers.names.length; i++) {
    const name = headers.names[i] as string;
    if (!name.startsWith("x-amz-checksum-")) continue;
    const algorithm = algorithmOfHeader(name);
    if (algorithm === undefined) {
      // What are no checksums, but words about them.
      if (name === "x-amz-checksum-algorithm" || name === "x-amz-checksum-type" || name === "x-amz-checksum-mode")
        continue;
      throw new S3Error("InvalidRequest", { message: `The checksum header ${name} is not supported.` });
    }
    if (found !== undefined) throw severalChecksums();
    const value = headers.values[i] as string;
    decodeChecksum(algorithm, value);
    found = { algorithm, value };
  }
  for (const name of trailers) {
    const algorithm = algorithmOfHeader(name);
    if (algorithm === undefined) continue;
    if (found !== undefined) throw severalChecksums();
    found = { algorithm, value: undefined };
  }
  checkNamedAlgorithm(headers, found);
  return found;
}

function severalChecksums(): S3Error {
  return new S3Error("InvalidRequest", {
    message: "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
  });
}

function checkNamedAlgorithm(headers: HeaderFields, found: RequestChecksum | undefined): void {
  const named = headers.get("x-amz-sdk-checksum-algorithm");
  if (named === undefined) return;
  const algorithm = parseAlgorithm(named, "x-amz-sdk-checksum-algorithm");
  if (found === undefined) {
    throw new S3Error("InvalidRequest", {
      message: `x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.`,
    });
  }
  if (found.algorithm !== algorithm) {
    throw new S3Error("InvalidRequest", { message: "Value for x-amz-sdk-checksum-algorithm header is invalid." });
  }
}

/** Compares the checksum of a body with the one that the client gave. @throws S3Error BadDigest */
export function checkChecksum(algorithm: ChecksumAlgorithm, given: string, computed: string): void {
  if (given === computed) return;
  throw new S3Error("BadDigest", {
    message: `The ${algorithm} you specified did not match the calculated checksum.`,
    fields: { [checksumHeader(algorithm)]: given, CalculatedDigest: computed },
  });
}

/** The bytes of a Content-MD5; undefined without the header. @throws S3Error InvalidDigest */
export function contentMd5Of(headers: HeaderFields): Uint8Array | undefined {
  const value = headers.single("content-md5");
  if (value === undefined) return undefined;
  const bytes = decodeBase64(value);
  if (bytes?.length !== 16) throw new S3Error("InvalidDigest", { fields: { "Content-MD5": value } });
  return bytes;
}
