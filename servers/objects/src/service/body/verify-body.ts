import { checkChecksum, checksumHeader, decodeChecksum } from "../../protocol/checksums/index.ts";
import { S3Error } from "../../protocol/errors.ts";
import { equalSecrets } from "../../protocol/sigv4/index.ts";
import type { BodyDigest } from "../../store/object-store.ts";
import { type BodyHashes, digestOf, type HashRequest } from "../hashing/body-hashes.ts";
import type { BodyPlan } from "./body-plan.ts";

/** Which hashes a body needs. */
export function hashesOf(plan: BodyPlan): HashRequest {
  return { sha256: plan.payload.kind === "exact", checksum: plan.claim?.algorithm };
}

/**
 * Compares what came with what was said of it.
 *
 * @param trailers What stood behind the body.
 * @throws S3Error XAmzContentSHA256Mismatch, BadDigest, InvalidRequest
 */
export function verifyBody(
  plan: BodyPlan,
  hashes: BodyHashes,
  trailers: ReadonlyMap<string, string> | undefined,
): BodyDigest {
  const { payload, md5Hex, claim } = plan;
  if (payload.kind === "exact" && !equalSecrets(hashes.sha256Hex ?? "", payload.sha256)) {
    throw new S3Error("XAmzContentSHA256Mismatch", {
      fields: { ClientComputedContentSHA256: payload.sha256, S3ComputedContentSHA256: hashes.sha256Hex ?? "" },
    });
  }
  if (md5Hex !== undefined && md5Hex !== hashes.md5Hex) {
    throw new S3Error("BadDigest", {
      fields: {
        ExpectedDigest: Buffer.from(md5Hex, "hex").toString("base64"),
        CalculatedDigest: Buffer.from(hashes.md5Hex, "hex").toString("base64"),
      },
    });
  }
  const digest = digestOf(hashes, claim?.algorithm);
  if (!claim || !digest.checksum) return digest;
  const { algorithm } = claim;
  const given = plan.isClaimInTrailer ? trailers?.get(checksumHeader(algorithm)) : claim.value;
  if (plan.isClaimInTrailer) decodeChecksum(algorithm, given ?? "");
  if (given !== undefined) checkChecksum(algorithm, given, digest.checksum.value);
  return digest;
}

/** Refuses a body that a request of this kind must not have lost: an XML document without any integrity. */
export function requireIntegrity(plan: BodyPlan): void {
  if (plan.md5Hex !== undefined || plan.claim || plan.payload.kind === "exact") return;
  throw new S3Error("InvalidRequest", {
    message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
  });
}
