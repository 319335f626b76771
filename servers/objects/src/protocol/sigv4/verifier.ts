import { formatIsoDate } from "@kagami/clock";
import { formatAmzDate, parseAmzDate, parseHttpDate } from "../dates.ts";
import { invalidArgument, S3Error } from "../errors.ts";
import type { HeaderFields } from "../header-fields.ts";
import { parseQuery, type Query } from "../routing/query.ts";
import { ALGORITHM, type Authorization, malformed, parseAuthorization } from "./authorization.ts";
import { canonicalHeaders, canonicalPath, canonicalQuery, hasEscapedSlash } from "./canonical-request.ts";
import type { Credential } from "./credential.ts";
import { formError, parseFormSignature } from "./form-signature.ts";
import { equalSecrets, type SigningHashes } from "./hashes.ts";
import { type Payload, parsePayload, UNSIGNED_PAYLOAD } from "./payload.ts";
import { isPresigned, malformedQuery, parsePresignedQuery } from "./presigned-query.ts";
import { deriveSigningKey, SigningKeyCache } from "./signing-key.ts";

/** How far the clocks of client and server may be apart. */
export const MAX_SKEW_MS = 15 * 60_000;

/** A request before anything of it is believed. */
export interface SignedRequest {
  readonly method: string;
  /** Raw, one byte a character. */
  readonly path: string;
  /** Raw, without `?`. */
  readonly query: string;
  /** The same query, if the caller has parsed it already. */
  readonly parsedQuery?: Query;
  readonly headers: HeaderFields;
}

/** What chunks of a body are signed with. */
export interface ChunkSigning {
  readonly signingKey: Uint8Array;
  readonly amzDate: string;
  readonly scope: string;
  /** The signature of the request: the first link of the chain. */
  readonly seedSignature: string;
}

/** Who sent a request, as far as its signature proves. */
export type Authentication =
  | { readonly kind: "anonymous"; readonly payload: Payload }
  | {
      readonly kind: "header" | "query";
      readonly accessKeyId: string;
      readonly payload: Payload;
      readonly signedHeaders: readonly string[];
      readonly signedAtMs: number;
      /** When a presigned URL ends. */
      readonly expiresMs: number | undefined;
      readonly chunkSigning: ChunkSigning;
    };

/** What a {@link SignatureVerifier} stands on. */
export interface VerifierOptions {
  readonly hashes: SigningHashes;
  /** The one region that credentials may name; undefined accepts each. */
  readonly region: string | undefined;
  /** Undefined for keys that do not exist or are switched off. */
  readonly secretOf: (accessKeyId: string) => string | undefined;
  /** Signing keys remembered, 1,000 unless given. */
  readonly rememberedKeys?: number;
}

interface Claim {
  readonly authorization: Authorization;
  readonly amzDate: string;
  readonly payloadHash: string;
}

/**
 * The one place where signatures are checked; it stands before routing, so that no way to a handler leads around it. A
 * request without any sign of authentication is anonymous; one with any is verified or refused.
 *
 * @see Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4)"
 */
export class SignatureVerifier {
  readonly #options: VerifierOptions;
  readonly #keys: SigningKeyCache;

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#keys = new SigningKeyCache(options.rememberedKeys ?? 1_000);
  }

  /** @throws S3Error The one that S3 gives for what is wrong. */
  verify(request: SignedRequest, nowMs: number): Authentication {
    const header = request.headers.single("authorization");
    const query = request.parsedQuery ?? parseQuery(request.query);
    const presigned = query.names.length > 0 && isPresigned(query);
    if (header !== undefined && presigned) {
      throw invalidArgument(
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter " +
          "or the Authorization header should be specified",
        "Authorization",
        header,
      );
    }
    if (header !== undefined) return this.#verifyHeader(request, header, nowMs);
    if (presigned) return this.#verifyQuery(request, query, nowMs);
    return anonymous(request.headers);
  }

  /**
   * Checks the signature of a form over its policy text; undefined if the form has neither, and is anonymous. The policy
   * itself says how long it is good: see `checkPostPolicy`.
   *
   * @param fields By name in lower case.
   * @throws S3Error AccessDenied, InvalidArgument, InvalidAccessKeyId, SignatureDoesNotMatch.
   */
  verifyForm(fields: ReadonlyMap<string, string>): { readonly accessKeyId: string } | undefined {
    const form = parseFormSignature(fields);
    if (form === undefined) return undefined;
    const { credential, credentialText, amzDate, policy, signature } = form;
    checkCredential(credential, amzDate, this.#options.region, formError);
    refuseToken(fields.get("x-amz-security-token"));
    const { secret, signingKey, isNew } = this.#keyOf(credential, credentialText);
    const { accessKeyId } = credential;
    if (!equalSecrets(this.#options.hashes.hmacHex(signingKey, policy), signature)) {
      throw new S3Error("SignatureDoesNotMatch", {
        fields: { AWSAccessKeyId: accessKeyId, StringToSign: policy, SignatureProvided: signature },
      });
    }
    if (isNew) this.#keys.set(credentialText, secret, signingKey);
    return { accessKeyId };
  }

  /** The signing key of a credential, remembered or made. @throws S3Error InvalidAccessKeyId */
  #keyOf(credential: Credential, text: string): { secret: string; signingKey: Uint8Array; isNew: boolean } {
    const { hashes, secretOf } = this.#options;
    const { accessKeyId, day, region, service } = credential;
    const secret = secretOf(accessKeyId);
    if (secret === undefined) throw new S3Error("InvalidAccessKeyId", { fields: { AWSAccessKeyId: accessKeyId } });
    const remembered = this.#keys.get(text, secret);
    const signingKey = remembered ?? deriveSigningKey(hashes, secret, day, region, service);
    return { secret, signingKey, isNew: remembered === undefined };
  }

  #verifyHeader(request: SignedRequest, header: string, nowMs: number): Authentication {
    const authorization = parseAuthorization(header);
    const { amzDate, signedAtMs } = dateOf(request.headers);
    checkCredential(authorization.credential, amzDate, this.#options.region, malformed);
    if (Math.abs(nowMs - signedAtMs) > MAX_SKEW_MS) throw tooSkewed(amzDate, nowMs);
    checkSignedHeaders(request.headers, authorization.signedHeaders);
    refuseToken(request.headers.get("x-amz-security-token"));
    const payloadHash = request.headers.single("x-amz-content-sha256");
    if (payloadHash === undefined) {
      throw new S3Error("InvalidRequest", {
        message: "Missing required header for this request: x-amz-content-sha256",
      });
    }
    const payload = parsePayload(payloadHash);
    const chunkSigning = this.#check(request, { authorization, amzDate, payloadHash }, undefined);
    const { accessKeyId } = authorization.credential;
    const { signedHeaders } = authorization;
    return { kind: "header", accessKeyId, payload, signedHeaders, signedAtMs, expiresMs: undefined, chunkSigning };
  }

  #verifyQuery(request: SignedRequest, query: Query, nowMs: number): Authentication {
    const presigned = parsePresignedQuery(query);
    const { amzDate, expiresSeconds, signedHeaders } = presigned;
    const signedAtMs = parseAmzDate(amzDate);
    if (signedAtMs === undefined) {
      throw malformedQuery("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
    }
    checkCredential(presigned.credential, amzDate, this.#options.region, (what, fields) =>
      malformedQuery(`Error parsing the X-Amz-Credential parameter; ${what}`, fields),
    );
    const expiresMs = signedAtMs + expiresSeconds * 1_000;
    checkLifetime(signedAtMs, expiresMs, nowMs);
    checkSignedHeaders(request.headers, signedHeaders);
    refuseToken(query.get("X-Amz-Security-Token") ?? request.headers.get("x-amz-security-token"));
    const inHeader = request.headers.single("x-amz-content-sha256");
    if (inHeader !== undefined && presigned.payloadHash !== undefined && inHeader !== presigned.payloadHash) {
      throw invalidArgument("x-amz-content-sha256 differs between header and query", "x-amz-content-sha256", inHeader);
    }
    const payloadHash = inHeader ?? presigned.payloadHash ?? UNSIGNED_PAYLOAD;
    const payload = parsePayload(payloadHash);
    const chunkSigning = this.#check(request, { authorization: presigned, amzDate, payloadHash }, "X-Amz-Signature");
    const { accessKeyId } = presigned.credential;
    return { kind: "query", accessKeyId, payload, signedHeaders, signedAtMs, expiresMs, chunkSigning };
  }

  /** Compares the signature with the one that the secret makes. @throws S3Error InvalidAccessKeyId, SignatureDoesNotMatch */
  #check(request: SignedRequest, claim: Claim, withoutParameter: string | undefined): ChunkSigning {
    const { hashes } = this.#options;
    const { credential, credentialText, signedHeadersText, signedHeaders, signature } = claim.authorization;
    const { secret, signingKey, isNew } = this.#keyOf(credential, credentialText);

    const path = canonicalPath(request.path);
    const behindPath =
      `\n${canonicalQuery(request.query, withoutParameter)}\n` +
      `${canonicalHeaders(request.headers, signedHeaders)}\n${signedHeadersText}\n${claim.payloadHash}`;
    const prefix = `${ALGORITHM}\n${claim.amzDate}\n${credential.scope}\n`;
    let canonical = `${request.method}\n${path}${behindPath}`;
    let stringToSign = prefix + hashes.sha256Hex(canonical);
    let isRight = equalSecrets(hashes.hmacHex(signingKey, stringToSign), signature);
    if (!isRight && hasEscapedSlash(path)) {
      // Both spellings name the same key; which one was signed depends on the client.
      canonical = `${request.method}\n${path.replaceAll("%2F", "/")}${behindPath}`;
      stringToSign = prefix + hashes.sha256Hex(canonical);
      isRight = equalSecrets(hashes.hmacHex(signingKey, stringToSign), signature);
    }
    if (!isRight) throw mismatch(credential.accessKeyId, stringToSign, signature, canonical);

    if (isNew) this.#keys.set(credentialText, secret, signingKey);
    return { signingKey, amzDate: claim.amzDate, scope: credential.scope, seedSignature: signature };
  }
}

function anonymous(headers: HeaderFields): Authentication {
  const payloadHash = headers.single("x-amz-content-sha256");
  const payload = parsePayload(payloadHash ?? UNSIGNED_PAYLOAD);
  if (payload.kind === "signed-chunks") {
    throw new S3Error("AccessDenied", { message: "The chunks of a request that is not signed cannot be signed" });
  }
  return { kind: "anonymous", payload };
}

function dateOf(headers: HeaderFields): { readonly amzDate: string; readonly signedAtMs: number } {
  const amzDate = headers.single("x-amz-date");
  const text = amzDate ?? headers.single("date") ?? "";
  const ms = parseAmzDate(text);
  if (ms !== undefined) return { amzDate: text, signedAtMs: ms };
  const httpMs = amzDate === undefined ? parseHttpDate(text) : undefined;
  if (httpMs !== undefined) return { amzDate: formatAmzDate(httpMs), signedAtMs: httpMs };
  throw new S3Error("AccessDenied", { message: "AWS authentication requires a valid Date or x-amz-date header" });
}

function checkCredential(
  credential: Credential,
  amzDate: string,
  region: string | undefined,
  fail: (what: string, fields?: Readonly<Record<string, string>>) => S3Error,
): void {
  const { day, service, terminal } = credential;
  if (!amzDate.startsWith(day) || day.length !== 8) {
    throw fail(`Invalid credential date "${day}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`);
  }
  if (region !== undefined && credential.region !== region) {
    throw fail(`the region '${credential.region}' is wrong; expecting '${region}'`, { Region: region });
  }
  if (service !== "s3") throw fail(`incorrect service "${service}". This endpoint belongs to "s3".`);
  if (terminal !== "aws4_request") {
    throw fail(`incorrect terminal "${terminal}". This endpoint uses "aws4_request".`);
  }
}

/**
 * The host must be signed, and every `x-amz-*` header: one that is not could be added by whoever holds the request, and
 * `x-amz-copy-source` would turn a presigned upload into a read in the signer's name.
 */
function checkSignedHeaders(headers: HeaderFields, signedHeaders: readonly string[]): void {
  let unsigned = signedHeaders.includes("host") ? "" : "host";
  for (const name of headers.names) {
    if (!name.startsWith("x-amz-") || signedHeaders.includes(name)) continue;
    unsigned = unsigned === "" ? name : `${unsigned}, ${name}`;
  }
  if (unsigned !== "") {
    throw new S3Error("AccessDenied", {
      message: "There were headers present in the request which were not signed",
      fields: { HeadersNotSigned: unsigned },
    });
  }
  headers.single("host");
}

function refuseToken(token: string | undefined): void {
  // There are no temporary credentials: a key with a token is none of ours.
  if (token !== undefined) throw new S3Error("InvalidToken");
}

function checkLifetime(signedAtMs: number, expiresMs: number, nowMs: number): void {
  if (signedAtMs - nowMs > MAX_SKEW_MS) {
    throw new S3Error("AccessDenied", {
      message: "Request is not yet valid",
      fields: { ServerTime: formatIsoDate(nowMs) },
    });
  }
  if (nowMs >= expiresMs) {
    throw new S3Error("AccessDenied", {
      message: "Request has expired",
      fields: {
        "X-Amz-Expires": String((expiresMs - signedAtMs) / 1_000),
        Expires: formatIsoDate(expiresMs),
        ServerTime: formatIsoDate(nowMs),
      },
    });
  }
}

function tooSkewed(amzDate: string, nowMs: number): S3Error {
  return new S3Error("RequestTimeTooSkewed", {
    fields: {
      RequestTime: amzDate,
      ServerTime: formatIsoDate(nowMs),
      MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
    },
  });
}

/** Tells the client what the server signed, so that the difference can be found. The secret is in none of it. */
function mismatch(accessKeyId: string, stringToSign: string, signature: string, canonical: string): S3Error {
  return new S3Error("SignatureDoesNotMatch", {
    fields: {
      AWSAccessKeyId: accessKeyId,
      StringToSign: stringToSign,
      SignatureProvided: signature,
      CanonicalRequest: canonical,
    },
  });
}
