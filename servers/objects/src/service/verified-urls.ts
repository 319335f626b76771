import type { HeaderFields } from "../protocol/header-fields.ts";
import type { Route } from "../protocol/routing/index.ts";
import type { Authentication } from "../protocol/sigv4/index.ts";
import type { User } from "./user-rights.ts";

/** A presigned request that was verified and routed. */
export interface VerifiedUrl {
  readonly authentication: Authentication;
  readonly user: User;
  readonly route: Route;
  readonly expiresMs: number;
  /** Of the users when it was verified: any change of users makes it void. */
  readonly usersGeneration: number;
}

/** What a presigned request is known by. */
interface PresignedRequest {
  readonly method: string;
  readonly url: string;
  readonly host: string;
  readonly headers: HeaderFields;
}

/** By its URL. A signature is right for one method and one host, so the same URL with another cannot push it out. */
interface Known {
  readonly method: string;
  readonly host: string;
  readonly verified: VerifiedUrl;
}

const URL_LIMIT_CHARACTERS = 2_048;

/**
 * Remembers presigned URLs that were right. A live segment is fetched by thousands of viewers with one URL, and whether
 * its signature is right depends on nothing but the method, the host and the URL: all three are compared, whole. So only
 * URLs that sign the host and no other header are kept, and only requests without any header that would have to be
 * signed, or that would authenticate, are found.
 *
 * Two generations bound the memory: what is found in the old one moves to the young one.
 */
export class VerifiedUrls {
  readonly #generationLimit: number;
  #young = new Map<string, Known>();
  #old = new Map<string, Known>();

  /** @param limit URLs remembered at once, at most. */
  constructor(limit: number) {
    this.#generationLimit = Math.max(Math.floor(limit / 2), 1);
  }

  get(request: PresignedRequest, usersGeneration: number, nowMs: number): VerifiedUrl | undefined {
    if (!mayBeKnown(request)) return undefined;
    const { url } = request;
    const young = this.#young.get(url);
    const known = young ?? this.#old.get(url);
    if (!known || known.method !== request.method || known.host !== request.host) return undefined;
    const { verified } = known;
    if (verified.usersGeneration !== usersGeneration || verified.expiresMs <= nowMs) return undefined;
    if (!young) this.#insert(url, known);
    return verified;
  }

  remember(request: PresignedRequest, verified: VerifiedUrl): void {
    const { authentication } = verified;
    if (authentication.kind !== "query" || authentication.payload.kind !== "unsigned") return;
    if (authentication.signedHeaders.length !== 1 || authentication.signedHeaders[0] !== "host") return;
    if (!mayBeKnown(request)) return;
    const { url, method, host } = request;
    this.#insert(url, { method, host, verified });
  }

  #insert(url: string, known: Known): void {
    this.#young.set(url, known);
    if (this.#young.size < this.#generationLimit) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}

function mayBeKnown({ url, headers }: PresignedRequest): boolean {
  if (url.length > URL_LIMIT_CHARACTERS || !url.includes("X-Amz-Signature=")) return false;
  let hosts = 0;
  for (const name of headers.names) {
    if (name === "host") hosts += 1;
    else if (name === "authorization" || name.startsWith("x-amz-")) return false;
  }
  return hosts === 1;
}
