import { invalidArgument, S3Error } from "../errors.ts";
import { type Credential, parseCredential } from "./credential.ts";

/** The one algorithm that is spoken. */
export const ALGORITHM = "AWS4-HMAC-SHA256";

/** A signature names at most this many headers. */
const MAX_SIGNED_HEADERS = 100;

/** What an Authorization header or a presigned query says. */
export interface Authorization {
  readonly credential: Credential;
  /** As sent: what a signing key is remembered by. */
  readonly credentialText: string;
  /** In lower case, in the order of the client. */
  readonly signedHeaders: readonly string[];
  /** As sent, between semicolons. */
  readonly signedHeadersText: string;
  /** 64 lower-case digits if it is a signature at all; compared, never parsed. */
  readonly signature: string;
}

/**
 * Reads the value of an Authorization header: the algorithm, then `Credential`, `SignedHeaders` and `Signature` in any
 * order.
 *
 * @throws S3Error AuthorizationHeaderMalformed; InvalidRequest for version 2 and elliptic curves; InvalidArgument for
 * other schemes.
 */
export function parseAuthorization(value: string): Authorization {
  const space = value.indexOf(" ");
  const scheme = space < 0 ? value : value.slice(0, space);
  if (scheme !== ALGORITHM) throw unsupportedScheme(scheme, value);

  let credentialText: string | undefined;
  let signedHeadersText: string | undefined;
  let signature: string | undefined;
  let start = space + 1;
  while (space >= 0 && start < value.length) {
    let end = value.indexOf(",", start);
    if (end < 0) end = value.length;
    const equals = value.indexOf("=", start);
    if (equals < 0 || equals > end)
      throw malformed(`the authorization component "${value.slice(start, end).trim()}" is malformed.`);
    const name = value.slice(start, equals).trim();
    const part = value.slice(equals + 1, end).trim();
    if (name === "Credential" && credentialText === undefined) credentialText = part;
    else if (name === "SignedHeaders" && signedHeadersText === undefined) signedHeadersText = part;
    else if (name === "Signature" && signature === undefined) signature = part;
    else throw malformed(`the authorization component "${name}" is unknown or given twice.`);
    start = end + 1;
  }
  if (credentialText === undefined || signedHeadersText === undefined || signature === undefined) {
    throw malformed("Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.");
  }
  const credential = parseCredential(credentialText);
  if (credential === undefined) {
    throw malformed('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".');
  }
  const signedHeaders = parseSignedHeaders(signedHeadersText);
  if (signedHeaders === undefined) throw malformed("the SignedHeaders are mal-formed; expecting lower-case names.");
  return { credential, credentialText, signedHeaders, signedHeadersText, signature };
}

/** AuthorizationHeaderMalformed, with what is wrong. */
export function malformed(what: string, fields: Readonly<Record<string, string>> = {}): S3Error {
  return new S3Error("AuthorizationHeaderMalformed", {
    message: `The authorization header is malformed; ${what}`,
    fields,
  });
}

function unsupportedScheme(scheme: string, value: string): S3Error {
  if (scheme === "AWS" || scheme === "AWS4-ECDSA-P256-SHA256") return unsupportedMechanism();
  return invalidArgument("Unsupported Authorization Type", "Authorization", value);
}

/** For version 2 of the signatures and for elliptic curves. */
export function unsupportedMechanism(): S3Error {
  return new S3Error("InvalidRequest", {
    message: `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
  });
}

/** The names between semicolons; undefined if one is empty or not in lower case, or if there are too many. */
export function parseSignedHeaders(text: string): readonly string[] | undefined {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x41 && code <= 0x5a) return undefined;
  }
  const names = text.split(";");
  return names.length > MAX_SIGNED_HEADERS || names.includes("") ? undefined : names;
}
