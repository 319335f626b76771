// Verifying

export { HeaderFields } from "../header-fields.ts";
export { ChunkSignatures } from "./chunk-signatures.ts";
// Hashes
export { EMPTY_SHA256, equalSecrets, type RunningSha256, type SigningHashes } from "./hashes.ts";
export { withHoistedHeaders } from "./hoisted-headers.ts";
export { type Payload, UNSIGNED_PAYLOAD } from "./payload.ts";
export { MAX_EXPIRES_SECONDS } from "./presigned-query.ts";
// Signing
export { RequestSigner, type RequestToSign, type SignedHeaders, type SigningIdentity, signPolicy } from "./signer.ts";
export {
  type Authentication,
  type ChunkSigning,
  MAX_SKEW_MS,
  SignatureVerifier,
  type SignedRequest,
  type VerifierOptions,
} from "./verifier.ts";
