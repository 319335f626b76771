import { contentMd5Of, type RequestChecksum, requestChecksumOf } from "../../protocol/checksums/index.ts";
import { ChunkDecoder, parseTrailerNames } from "../../protocol/chunked/index.ts";
import { invalidArgument, S3Error } from "../../protocol/errors.ts";
import type { Payload } from "../../protocol/sigv4/index.ts";
import type { ChecksumAlgorithm } from "../../store/object-store.ts";
import type { RequestContext } from "../request-context.ts";

/** Takes framing off a body. */
export interface BodyDecoder {
  /** The bytes of the body among those given. @throws S3Error */
  push(bytes: Uint8Array): Uint8Array[];
  /** Says that all has come, and gives what stood behind the body. @throws S3Error */
  finish(): ReadonlyMap<string, string>;
}

/** What a request says of its body before the body comes. */
export interface BodyPlan {
  /** Of the body itself, without its framing. */
  readonly sizeBytes: number;
  /** Whether a small body may turn out to be smaller. */
  readonly isSizeUpperBound: boolean;
  readonly payload: Payload;
  /** 32 hex digits of Content-MD5. */
  readonly md5Hex: string | undefined;
  /** Given by header, by trailer, or only wanted: then its value is nowhere. */
  readonly claim: RequestChecksum | undefined;
  readonly isClaimInTrailer: boolean;
  /** Takes the framing off; undefined for a plain body. */
  readonly decoder: BodyDecoder | undefined;
}

/** A single upload and a part are at most so large. */
export const MAX_OBJECT_BYTES = 5 * 2 ** 30;

/**
 * Reads and checks the headers about the body.
 *
 * @param wanted The checksum that the upload was begun with, computed if the part brings none.
 * @throws S3Error MissingContentLength, EntityTooLarge, InvalidDigest, InvalidRequest, MalformedTrailerError …
 */
export function readBodyPlan(cx: RequestContext, maxBytes: number, wanted?: ChecksumAlgorithm): BodyPlan {
  const { headers, authentication } = cx;
  if (!authentication) throw new TypeError("The body was planned before the request was authenticated");
  const { payload } = authentication;
  const isChunked = payload.kind === "signed-chunks" || payload.kind === "unsigned-chunks";
  const sizeBytes = isChunked ? decodedLength(cx) : contentLength(cx);
  if (sizeBytes > maxBytes) {
    throw new S3Error("EntityTooLarge", {
      fields: { ProposedSize: String(sizeBytes), MaxSizeAllowed: String(maxBytes) },
    });
  }
  const trailers = parseTrailerNames(headers.get("x-amz-trailer"));
  const given = requestChecksumOf(cx.amzFields, trailers);
  const claim = given ?? (wanted && { algorithm: wanted, value: undefined });
  const md5 = contentMd5Of(headers);
  return {
    sizeBytes,
    isSizeUpperBound: false,
    payload,
    md5Hex: md5 && Buffer.from(md5).toString("hex"),
    claim,
    isClaimInTrailer: given !== undefined && given.value === undefined,
    decoder: decoderOf(cx, payload, sizeBytes, trailers),
  };
}

function decoderOf(
  cx: RequestContext,
  payload: Payload,
  decodedLength: number,
  declaredTrailers: readonly string[],
): BodyDecoder | undefined {
  if (payload.kind === "unsigned-chunks") {
    return new ChunkDecoder({ decodedLength, signing: undefined, hasTrailer: true, declaredTrailers });
  }
  if (payload.kind !== "signed-chunks") {
    if (declaredTrailers.length > 0) {
      throw new S3Error("InvalidRequest", { message: "x-amz-trailer is only for aws-chunked bodies with a trailer" });
    }
    return undefined;
  }
  const { authentication, service } = cx;
  if (authentication === undefined || authentication.kind === "anonymous") {
    // Chunks are signed with the key of the request's signature, and there is none.
    throw new S3Error("InvalidRequest", { message: "Signed chunks need a signed request" });
  }
  const signing = { hashes: service.signingHashes, chunk: authentication.chunkSigning };
  return new ChunkDecoder({ decodedLength, signing, hasTrailer: payload.hasTrailer, declaredTrailers });
}

/** What Content-Length says. @throws S3Error MissingContentLength */
export function contentLength({ headers, request }: RequestContext): number {
  const text = headers.single("content-length");
  if (text === undefined) {
    // Without a length or an encoding HTTP says that there is no body: an empty object is put so.
    if (headers.has("transfer-encoding")) throw new S3Error("MissingContentLength");
    if (request.method === "PUT") throw new S3Error("MissingContentLength");
    return 0;
  }
  // Node has refused what is no number.
  return Number(text);
}

function decodedLength({ headers }: RequestContext): number {
  const text = headers.single("x-amz-decoded-content-length");
  if (text === undefined) throw new S3Error("MissingContentLength");
  if (!/^\d{1,15}$/.test(text)) {
    throw invalidArgument(
      "x-amz-decoded-content-length must be a number of bytes",
      "x-amz-decoded-content-length",
      text,
    );
  }
  return Number(text);
}
