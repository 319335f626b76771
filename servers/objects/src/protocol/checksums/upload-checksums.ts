import { concatBytes } from "@kagami/bytes";
import type { Checksum, ChecksumAlgorithm } from "../../store/object-store.ts";
import { encodeBase64 } from "../base64.ts";
import { S3Error } from "../errors.ts";
import { type ChecksumType, decodeChecksum } from "./algorithms.ts";
import { combineCrcs } from "./crc-combine.ts";

/** A part of an upload that is to be completed. */
export interface PartToCombine {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly checksum: Checksum | undefined;
}

/**
 * The checksum of a completed upload, out of those of its parts: of their bytes one behind the other (FULL_OBJECT, CRCs
 * only), or of their checksums one behind the other with the count of parts (COMPOSITE).
 *
 * @param digest The checksum of bytes; only asked for COMPOSITE.
 * @throws S3Error InvalidRequest if a part has no checksum of this algorithm.
 * @see Amazon S3 User Guide, "Checking object integrity"
 */
export function combineChecksums(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly PartToCombine[],
  digest: (algorithm: ChecksumAlgorithm, bytes: Uint8Array) => Uint8Array,
): Checksum {
  const checksums = parts.map(({ partNumber, checksum }) => {
    if (checksum?.algorithm !== algorithm) {
      throw new S3Error("InvalidRequest", {
        message: `The upload was created using a ${algorithm.toLowerCase()} checksum. Part ${partNumber} has none.`,
      });
    }
    return decodeChecksum(algorithm, checksum.value);
  });
  if (type === "COMPOSITE") {
    const value = `${encodeBase64(digest(algorithm, concatBytes(checksums)))}-${parts.length}`;
    return { algorithm, type, value };
  }
  if (algorithm === "SHA1" || algorithm === "SHA256") {
    throw new S3Error("InvalidRequest", {
      message: `The FULL_OBJECT checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    });
  }
  const crcs = checksums.map((crc, index) => ({ crc, sizeBytes: (parts[index] as PartToCombine).sizeBytes }));
  return { algorithm, type, value: encodeBase64(combineCrcs(algorithm, crcs)) };
}
