import { S3Error } from "../errors.ts";
import { hexDigit } from "../routing/percent.ts";
import { ChunkSignatures, equalSecrets, type RunningSha256, type SigningHashes } from "../sigv4/index.ts";
import type { ChunkSigning } from "../sigv4/verifier.ts";
import { MAX_TRAILER_BYTES, TrailerLines } from "./trailers.ts";

/** A chunk's header line is at most so long: size, `;chunk-signature=` and 64 digits take 97. */
export const MAX_CHUNK_HEADER_BYTES = 128;
/** Larger chunks than this are refused; no object is larger than 5 TiB, no part than 5 GiB. */
const MAX_CHUNK_BYTES = 5 * 2 ** 30;

const CR = 0x0d;
const LF = 0x0a;
const EXTENSION = ";chunk-signature=";

/** How a body is framed. */
export interface ChunkDecoderOptions {
  /** Of `x-amz-decoded-content-length`. */
  readonly decodedLength: number;
  /** Of signed chunks; undefined if they are not signed. */
  readonly signing: { readonly hashes: SigningHashes; readonly chunk: ChunkSigning } | undefined;
  /** Whether a trailer stands behind the last chunk. */
  readonly hasTrailer: boolean;
  /** See `parseTrailerNames`. */
  readonly declaredTrailers: readonly string[];
}

type State = "header" | "data" | "data-end" | "trailer" | "end";

/**
 * Takes an `aws-chunked` body in any pieces and gives the bytes of the object, each piece a part of a piece that was
 * given (nothing is copied).
 *
 * ```
 * size[;chunk-signature=hex] CRLF bytes CRLF …  0[;chunk-signature=hex] CRLF [trailers] CRLF
 * ```
 *
 * A chunk is verified when it is complete, so bytes come out before they are known to be right: whoever takes them must
 * keep nothing before {@link finish} has returned.
 *
 * @see Amazon S3 API Reference, "Signature calculations: transferring payload in multiple chunks"
 */
export class ChunkDecoder {
  readonly #options: ChunkDecoderOptions;
  readonly #signatures: ChunkSignatures | undefined;
  readonly #trailers: TrailerLines;
  #state: State = "header";
  /** The part of a line that has come. */
  #line = "";
  /** Bytes of the chunk that are to come. */
  #chunkLeft = 0;
  #isLastChunk = false;
  #claimedSignature = "";
  #sha256: RunningSha256 | undefined;
  /** Bytes of line ends behind a chunk that have come. */
  #endsSeen = 0;
  #trailerBytes = 0;
  #decodedBytes = 0;
  #takenBytes = 0;

  constructor(options: ChunkDecoderOptions) {
    const { signing, declaredTrailers } = options;
    this.#options = options;
    this.#signatures = signing === undefined ? undefined : new ChunkSignatures(signing.hashes, signing.chunk);
    this.#trailers = new TrailerLines(declaredTrailers, signing !== undefined);
    if (!options.hasTrailer && declaredTrailers.length > 0) {
      throw new S3Error("MalformedTrailerError", { message: "x-amz-trailer is given, but the body has no trailer" });
    }
  }

  /**
   * Takes the next bytes of the body and returns those of the object among them, in order, as views of `bytes`.
   *
   * @throws S3Error InvalidRequest (framing), SignatureDoesNotMatch, IncompleteBody (more than the decoded length),
   * MalformedTrailerError. The decoder is of no use afterwards.
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#state === "data") offset = this.#takeData(bytes, offset, pieces);
      else if (this.#state === "data-end") offset = this.#takeDataEnd(bytes, offset);
      else offset = this.#takeLine(bytes, offset);
    }
    this.#takenBytes += bytes.length;
    return pieces;
  }

  /**
   * Says that the body has ended, and returns its trailers by name.
   *
   * @throws S3Error IncompleteBody if the last chunk or its trailer is missing, or the decoded length is another.
   */
  finish(): ReadonlyMap<string, string> {
    if (this.#state !== "end") throw incomplete("The body ended before its last chunk");
    if (this.#line !== "") throw this.#malformed(0, "bytes stand behind the last chunk");
    return this.#trailers.values;
  }

  #takeData(bytes: Uint8Array, offset: number, pieces: Uint8Array[]): number {
    const end = Math.min(bytes.length, offset + this.#chunkLeft);
    const piece = offset === 0 && end === bytes.length ? bytes : bytes.subarray(offset, end);
    pieces.push(piece);
    this.#sha256?.update(piece);
    this.#chunkLeft -= end - offset;
    if (this.#chunkLeft === 0) {
      this.#checkChunk();
      this.#state = "data-end";
      this.#endsSeen = 0;
    }
    return end;
  }

  #takeDataEnd(bytes: Uint8Array, offset: number): number {
    const expected = this.#endsSeen === 0 ? CR : LF;
    if (bytes[offset] !== expected) throw this.#malformed(offset, "a chunk is longer than its header says");
    this.#endsSeen++;
    if (this.#endsSeen === 2) this.#state = this.#isLastChunk ? "end" : "header";
    return offset + 1;
  }

  /** Takes bytes up to the end of a line, in the states that read lines; behind the end only line ends may stand. */
  #takeLine(bytes: Uint8Array, offset: number): number {
    const limit = this.#state === "header" ? MAX_CHUNK_HEADER_BYTES : MAX_TRAILER_BYTES;
    let line = this.#line;
    for (let i = offset; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (byte === LF) {
        this.#line = "";
        this.#endLine(line, i);
        return i + 1;
      }
      line += String.fromCharCode(byte);
      if (line.length > limit) throw this.#malformed(i, "a line is too long");
    }
    this.#line = line;
    return bytes.length;
  }

  #endLine(line: string, offset: number): void {
    const hasCr = line.charCodeAt(line.length - 1) === CR;
    const text = hasCr ? line.slice(0, -1) : line;
    if (this.#state === "header") {
      if (!hasCr) throw this.#malformed(offset, "a chunk header does not end with CR LF");
      this.#startChunk(text, offset);
      return;
    }
    this.#trailerBytes += line.length + 1;
    if (this.#trailerBytes > MAX_TRAILER_BYTES) throw new S3Error("MalformedTrailerError");
    if (this.#state === "end") {
      if (text !== "") throw this.#malformed(offset, "bytes stand behind the last chunk");
      return;
    }
    if (!this.#trailers.take(text)) return;
    this.#checkTrailer();
    this.#state = "end";
  }

  #startChunk(header: string, offset: number): void {
    const semicolon = header.indexOf(";");
    const size = parseSize(semicolon < 0 ? header : header.slice(0, semicolon));
    if (size === undefined) throw this.#malformed(offset, "a chunk header has no size");
    const extension = semicolon < 0 ? "" : header.slice(semicolon);
    if (this.#signatures === undefined) {
      if (extension !== "") throw this.#malformed(offset, "an unsigned chunk has an extension");
    } else {
      if (!extension.startsWith(EXTENSION)) throw this.#malformed(offset, "a chunk header has no signature");
      this.#claimedSignature = extension.slice(EXTENSION.length);
      this.#sha256 = this.#options.signing?.hashes.startSha256();
    }
    this.#decodedBytes += size;
    if (this.#decodedBytes > this.#options.decodedLength) {
      throw incomplete("The body is longer than x-amz-decoded-content-length");
    }
    this.#chunkLeft = size;
    this.#state = "data";
    if (size === 0) this.#endChunks();
  }

  #endChunks(): void {
    this.#isLastChunk = true;
    if (this.#decodedBytes !== this.#options.decodedLength) {
      throw incomplete("The body is shorter than x-amz-decoded-content-length");
    }
    this.#checkChunk();
    this.#endsSeen = 0;
    this.#state = this.#options.hasTrailer ? "trailer" : "data-end";
  }

  #checkChunk(): void {
    if (this.#signatures === undefined || this.#sha256 === undefined) return;
    const right = this.#signatures.next(this.#sha256.digestHex());
    this.#sha256 = undefined;
    if (!equalSecrets(right, this.#claimedSignature)) throw new S3Error("SignatureDoesNotMatch");
  }

  #checkTrailer(): void {
    if (this.#signatures === undefined) return;
    const right = this.#signatures.trailer(this.#trailers.signedText);
    if (!equalSecrets(right, this.#trailers.signature ?? "")) throw new S3Error("SignatureDoesNotMatch");
  }

  #malformed(offset: number, what: string): S3Error {
    return new S3Error("InvalidRequest", {
      message: `The aws-chunked body is malformed at byte ${this.#takenBytes + offset}: ${what}`,
    });
  }
}

function incomplete(message: string): S3Error {
  return new S3Error("IncompleteBody", { message });
}

function parseSize(text: string): number | undefined {
  if (text === "" || text.length > 16) return undefined;
  let size = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = hexDigit(text.charCodeAt(i));
    if (Number.isNaN(digit)) return undefined;
    size = size * 16 + digit;
  }
  return size <= MAX_CHUNK_BYTES ? size : undefined;
}
