import type { ChecksumAlgorithm } from "../../store/object-store.ts";
import { decodeBase64 } from "../base64.ts";
import { S3Error } from "../errors.ts";

/** Whether a checksum covers the object or the checksums of its parts. */
export type ChecksumType = "FULL_OBJECT" | "COMPOSITE";

interface Facts {
  readonly header: string;
  readonly sizeBytes: number;
  /** The first one counts where the client names none. */
  readonly types: readonly [ChecksumType, ...ChecksumType[]];
}

/** @see Amazon S3 User Guide, "Checking object integrity" */
const FACTS: Readonly<Record<ChecksumAlgorithm, Facts>> = {
  CRC32: { header: "x-amz-checksum-crc32", sizeBytes: 4, types: ["COMPOSITE", "FULL_OBJECT"] },
  CRC32C: { header: "x-amz-checksum-crc32c", sizeBytes: 4, types: ["COMPOSITE", "FULL_OBJECT"] },
  CRC64NVME: { header: "x-amz-checksum-crc64nvme", sizeBytes: 8, types: ["FULL_OBJECT"] },
  SHA1: { header: "x-amz-checksum-sha1", sizeBytes: 20, types: ["COMPOSITE"] },
  SHA256: { header: "x-amz-checksum-sha256", sizeBytes: 32, types: ["COMPOSITE"] },
};

/** All algorithms, in the order in which S3 names them. */
export const CHECKSUM_ALGORITHMS = Object.keys(FACTS) as readonly ChecksumAlgorithm[];

const BY_HEADER: ReadonlyMap<string, ChecksumAlgorithm> = new Map(
  CHECKSUM_ALGORITHMS.map((algorithm) => [FACTS[algorithm].header, algorithm]),
);

/** The header (or trailer) that holds a checksum, in lower case. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return FACTS[algorithm].header;
}

/** The algorithm of a header name in lower case; undefined of other headers. */
export function algorithmOfHeader(name: string): ChecksumAlgorithm | undefined {
  return BY_HEADER.get(name);
}

/** The algorithm of a name as clients write it, in any case. @throws S3Error InvalidRequest */
export function parseAlgorithm(text: string, header: string): ChecksumAlgorithm {
  const algorithm = CHECKSUM_ALGORITHMS.find((name) => name === text.trim().toUpperCase());
  if (algorithm === undefined) {
    throw new S3Error("InvalidRequest", {
      message: `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${CHECKSUM_ALGORITHMS.join(", ")}]`,
      fields: { ArgumentName: header, ArgumentValue: text },
    });
  }
  return algorithm;
}

/** The bytes of a checksum in base64. @throws S3Error InvalidRequest unless it has the length of the algorithm. */
export function decodeChecksum(algorithm: ChecksumAlgorithm, value: string): Uint8Array {
  const { header, sizeBytes } = FACTS[algorithm];
  const bytes = decodeBase64(value);
  if (bytes?.length !== sizeBytes) {
    throw new S3Error("InvalidRequest", { message: `Value for ${header} header is invalid.` });
  }
  return bytes;
}

/**
 * The type of checksum of a multipart upload: the one asked for, or the usual one of the algorithm.
 *
 * @throws S3Error InvalidRequest if the algorithm has no such type.
 */
export function checksumTypeOf(algorithm: ChecksumAlgorithm, asked: string | undefined): ChecksumType {
  const { types } = FACTS[algorithm];
  if (asked === undefined) return types[0];
  const type = types.find((each) => each === asked.trim().toUpperCase());
  if (type === undefined) {
    throw new S3Error("InvalidRequest", {
      message: `The ${asked} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    });
  }
  return type;
}
