import { formatAmzDate } from "../dates.ts";
import { HeaderFields } from "../header-fields.ts";
import { ALGORITHM } from "./authorization.ts";
import { canonicalHeaders, canonicalPath, canonicalQuery } from "./canonical-request.ts";
import type { SigningHashes } from "./hashes.ts";
import { UNSIGNED_PAYLOAD } from "./payload.ts";
import { deriveSigningKey } from "./signing-key.ts";
import type { ChunkSigning } from "./verifier.ts";

/** Who signs, for which region. */
export interface SigningIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

/** A request to be signed. */
export interface RequestToSign {
  readonly method: string;
  /** Escaped as it will be sent. */
  readonly path: string;
  /** Escaped as it will be sent, without `?`. */
  readonly query: string;
  /** Name, value, name, value, …; with `host`. All of them are signed. */
  readonly rawHeaders: readonly string[];
}

/** A signed request: its headers, and what its chunks are signed with. */
export interface SignedHeaders {
  /** Those given, `x-amz-date`, `x-amz-content-sha256` and `authorization`. */
  readonly rawHeaders: readonly string[];
  readonly chunkSigning: ChunkSigning;
}

/** Signs requests as a client does; keeps the signing key of the day. */
export class RequestSigner {
  readonly #hashes: SigningHashes;
  readonly #identity: SigningIdentity;
  #day = "";
  #key: Uint8Array = new Uint8Array(0);

  constructor(hashes: SigningHashes, identity: SigningIdentity) {
    this.#hashes = hashes;
    this.#identity = identity;
  }

  /** Signs by header. @param payloadHash The value of `x-amz-content-sha256`. */
  signHeaders(request: RequestToSign, payloadHash: string, nowMs: number): SignedHeaders {
    const amzDate = formatAmzDate(nowMs);
    const rawHeaders = [...request.rawHeaders, "x-amz-date", amzDate, "x-amz-content-sha256", payloadHash];
    const headers = new HeaderFields(rawHeaders);
    const names = [...new Set(headers.names)].sort();
    const { signature, chunkSigning } = this.#sign(request, request.query, headers, names, payloadHash, amzDate);
    const credential = `${this.#identity.accessKeyId}/${chunkSigning.scope}`;
    rawHeaders.push(
      "authorization",
      `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
    );
    return { rawHeaders, chunkSigning };
  }

  /** The query of a presigned URL (without `?`), valid from now. The headers given must be sent as they are. */
  presign(request: RequestToSign, expiresSeconds: number, nowMs: number): string {
    const amzDate = formatAmzDate(nowMs);
    const headers = new HeaderFields(request.rawHeaders);
    const names = [...new Set(headers.names)].sort();
    const credential = `${this.#identity.accessKeyId}/${this.#scope(amzDate)}`;
    const query =
      `${request.query === "" ? "" : `${request.query}&`}X-Amz-Algorithm=${ALGORITHM}` +
      `&X-Amz-Credential=${encodeURIComponent(credential)}&X-Amz-Date=${amzDate}` +
      `&X-Amz-Expires=${expiresSeconds}&X-Amz-SignedHeaders=${encodeURIComponent(names.join(";"))}`;
    const { signature } = this.#sign(request, query, headers, names, UNSIGNED_PAYLOAD, amzDate);
    return `${query}&X-Amz-Signature=${signature}`;
  }

  #scope(amzDate: string): string {
    return `${amzDate.slice(0, 8)}/${this.#identity.region}/s3/aws4_request`;
  }

  #sign(
    request: RequestToSign,
    query: string,
    headers: HeaderFields,
    names: readonly string[],
    payloadHash: string,
    amzDate: string,
  ): { readonly signature: string; readonly chunkSigning: ChunkSigning } {
    const day = amzDate.slice(0, 8);
    if (this.#day !== day) {
      this.#key = deriveSigningKey(this.#hashes, this.#identity.secretAccessKey, day, this.#identity.region, "s3");
      this.#day = day;
    }
    const canonical =
      `${request.method}\n${canonicalPath(request.path)}\n${canonicalQuery(query)}\n` +
      `${canonicalHeaders(headers, names)}\n${names.join(";")}\n${payloadHash}`;
    const scope = this.#scope(amzDate);
    const signature = this.#hashes.hmacHex(
      this.#key,
      `${ALGORITHM}\n${amzDate}\n${scope}\n${this.#hashes.sha256Hex(canonical)}`,
    );
    return { signature, chunkSigning: { signingKey: this.#key, amzDate, scope, seedSignature: signature } };
  }
}

/** A policy of a form signed as a client does: base64 text in, signature in hex out. */
export function signPolicy(hashes: SigningHashes, identity: SigningIdentity, day: string, policy: string): string {
  return hashes.hmacHex(deriveSigningKey(hashes, identity.secretAccessKey, day, identity.region, "s3"), policy);
}
