import { S3Error } from "../errors.ts";
import type { Query } from "../routing/query.ts";
import { ALGORITHM, type Authorization, parseSignedHeaders, unsupportedMechanism } from "./authorization.ts";
import { parseCredential } from "./credential.ts";

/** A presigned URL lives at most a week. */
export const MAX_EXPIRES_SECONDS = 604_800;

/** What a presigned query says beside who signed what. */
export interface PresignedQuery extends Authorization {
  /** `X-Amz-Date` as sent. */
  readonly amzDate: string;
  readonly expiresSeconds: number;
  /** `X-Amz-Content-Sha256`, if it is there. */
  readonly payloadHash: string | undefined;
}

const REQUIRED = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Signature",
  "X-Amz-Date",
  "X-Amz-SignedHeaders",
  "X-Amz-Expires",
] as const;

/** Whether a query claims to authenticate the request, by this version of signatures or an older one. */
export function isPresigned(query: Query): boolean {
  for (const name of query.names) {
    if (name === "X-Amz-Signature" || name === "X-Amz-Algorithm" || name === "X-Amz-Credential") return true;
    if (name === "Signature" && query.has("AWSAccessKeyId")) return true;
  }
  return false;
}

/**
 * Reads the parameters of a presigned URL; each must stand once.
 *
 * @throws S3Error AuthorizationQueryParametersError; InvalidRequest for version 2 and elliptic curves.
 */
export function parsePresignedQuery(query: Query): PresignedQuery {
  const algorithm = query.get("X-Amz-Algorithm");
  if (algorithm === undefined && query.has("AWSAccessKeyId")) throw unsupportedMechanism();
  if (algorithm === "AWS4-ECDSA-P256-SHA256") throw unsupportedMechanism();
  for (const name of REQUIRED) {
    const index = query.names.indexOf(name);
    if (index < 0 || query.names.includes(name, index + 1)) {
      throw malformedQuery(
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, " +
          "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
      );
    }
  }
  if (algorithm !== ALGORITHM) {
    throw malformedQuery(`X-Amz-Algorithm only supports "${ALGORITHM}"`);
  }
  const credentialText = query.get("X-Amz-Credential") as string;
  const credential = parseCredential(credentialText);
  if (credential === undefined) {
    throw malformedQuery(
      "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting " +
        '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  const signedHeadersText = query.get("X-Amz-SignedHeaders") as string;
  const signedHeaders = parseSignedHeaders(signedHeadersText);
  if (signedHeaders === undefined) throw malformedQuery("X-Amz-SignedHeaders must be lower-case names");
  return {
    credential,
    credentialText,
    signedHeaders,
    signedHeadersText,
    signature: query.get("X-Amz-Signature") as string,
    amzDate: query.get("X-Amz-Date") as string,
    expiresSeconds: parseExpires(query.get("X-Amz-Expires") as string),
    payloadHash: query.get("X-Amz-Content-Sha256"),
  };
}

function parseExpires(text: string): number {
  const seconds = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(seconds)) throw malformedQuery("X-Amz-Expires should be a number");
  if (seconds < 0) throw malformedQuery("X-Amz-Expires must be non-negative");
  if (seconds === 0) throw malformedQuery("X-Amz-Expires must be at least one second");
  if (seconds > MAX_EXPIRES_SECONDS) {
    throw malformedQuery(
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than " +
        `${MAX_EXPIRES_SECONDS} seconds`,
    );
  }
  return seconds;
}

/** AuthorizationQueryParametersError, with what is wrong. */
export function malformedQuery(message: string, fields: Readonly<Record<string, string>> = {}): S3Error {
  return new S3Error("AuthorizationQueryParametersError", { message, fields });
}
