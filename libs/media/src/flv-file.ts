import { readU24, readU32, writeU24, writeU32 } from "@kagami/bytes";
import { type Malformed, malformed } from "./malformed.ts";

/** FLV tag types; RTMP message type ids are the same numbers. */
export const FLV_TAG_AUDIO = 8;
export const FLV_TAG_VIDEO = 9;
export const FLV_TAG_SCRIPT = 18;

/** Bytes before a tag's body. */
export const FLV_TAG_HEADER_BYTES = 11;
/** Bytes after a tag's body: its size, once more. */
export const FLV_TAG_TRAILER_BYTES = 4;

/** One tag of an FLV file or stream. */
export interface FlvTag {
  readonly kind: "tag";
  /** 8 audio, 9 video, 18 script data; others are handed on. */
  readonly type: number;
  /** Milliseconds, 0 to 2^32 - 1. */
  readonly timestampMs: number;
  /** A copy: it may be kept. */
  readonly body: Uint8Array;
}

/** The start of an FLV file. */
export interface FlvFileHeader {
  readonly kind: "header";
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
}

const FILE_HEADER_BYTES = 9;
const TAG_LIMIT_BYTES = 0xff_ffff;

/**
 * File header and the first previous-tag size: 13 bytes.
 *
 * @see Adobe FLV 10.1 §E.2
 */
export function buildFlvFileHeader(hasVideo: boolean, hasAudio: boolean): Uint8Array {
  const out = new Uint8Array(FILE_HEADER_BYTES + FLV_TAG_TRAILER_BYTES);
  out.set([0x46, 0x4c, 0x56, 1, (hasAudio ? 4 : 0) | (hasVideo ? 1 : 0)]);
  out[8] = FILE_HEADER_BYTES;
  return out;
}

/**
 * A whole tag with the size behind it. Copies the body once.
 *
 * @param timestampMs Milliseconds; wraps at 2^32.
 * @throws RangeError if the body is over 16 777 215 bytes.
 * @see Adobe FLV 10.1 §E.4.1
 */
export function buildFlvTag(type: number, timestampMs: number, body: Uint8Array): Uint8Array {
  if (body.length > TAG_LIMIT_BYTES) {
    throw new RangeError(`Cannot build an FLV tag of ${body.length} bytes: ${TAG_LIMIT_BYTES} is the most`);
  }
  const out = new Uint8Array(flvTagSize(body.length));
  writeFlvTag(out, 0, type, timestampMs, [body]);
  return out;
}

/** Bytes of a tag with a body of so many. */
export function flvTagSize(bodyBytes: number): number {
  return FLV_TAG_HEADER_BYTES + bodyBytes + FLV_TAG_TRAILER_BYTES;
}

/**
 * Writes a whole tag, whose body may come in parts, at `offset` of a buffer that has room for it.
 *
 * @returns The offset behind it.
 * @see Adobe FLV 10.1 §E.4.1
 */
export function writeFlvTag(
  target: Uint8Array,
  offset: number,
  type: number,
  timestampMs: number,
  body: readonly Uint8Array[],
): number {
  let bodyBytes = 0;
  for (const part of body) bodyBytes += part.length;
  target[offset] = type;
  writeU24(target, offset + 1, bodyBytes);
  writeU24(target, offset + 4, timestampMs % 0x100_0000);
  target[offset + 7] = Math.floor(timestampMs / 0x100_0000); // the upper eight bits come last
  target.fill(0, offset + 8, offset + FLV_TAG_HEADER_BYTES); // stream id
  let at = offset + FLV_TAG_HEADER_BYTES;
  for (const part of body) {
    target.set(part, at);
    at += part.length;
  }
  writeU32(target, at, FLV_TAG_HEADER_BYTES + bodyBytes);
  return at + FLV_TAG_TRAILER_BYTES;
}

/**
 * Takes an FLV file or stream apart as it arrives, cut anywhere. Keeps the bytes of the one tag that is not yet
 * whole, at most the limit; each byte is copied once, or twice if its tag came in pieces.
 *
 * After a refusal it yields nothing more: where the next tag would begin cannot be known.
 */
export class FlvDemuxer {
  readonly #tagLimitBytes: number;
  #pending: Uint8Array = new Uint8Array(0);
  #pendingBytes = 0;
  #hasHeader = false;
  #isFailed = false;

  /** @param tagLimitBytes Refuse larger bodies with `FLV_TAG_TOO_LARGE`. */
  constructor(tagLimitBytes: number = TAG_LIMIT_BYTES) {
    this.#tagLimitBytes = tagLimitBytes;
  }

  /** Everything that is complete with these bytes, in order. A refusal is the last. */
  push(bytes: Uint8Array): (FlvFileHeader | FlvTag | Malformed)[] {
    if (this.#isFailed) return [];
    const out: (FlvFileHeader | FlvTag | Malformed)[] = [];
    const input = this.#join(bytes);
    let offset = 0;
    for (;;) {
      const sizeBytes = this.#hasHeader ? this.#readTag(input, offset, out) : this.#readHeader(input, offset, out);
      if (sizeBytes === 0) break;
      offset += sizeBytes;
    }
    this.#keep(input, offset);
    return out;
  }

  /** @returns How many bytes were used; 0 if more are needed or it failed. */
  #readHeader(input: Uint8Array, offset: number, out: (FlvFileHeader | FlvTag | Malformed)[]): number {
    const left = input.length - offset;
    if (left < FILE_HEADER_BYTES) return 0;
    const headerBytes = readU32(input, offset + 5);
    if (readU24(input, offset) !== 0x464c56 || headerBytes < FILE_HEADER_BYTES || headerBytes > 1024) {
      return this.#fail(out, malformed("FLV_SIGNATURE", "The file does not begin with an FLV header"));
    }
    if (left < headerBytes + FLV_TAG_TRAILER_BYTES) return 0;
    const flags = input[offset + 4] as number;
    out.push({ kind: "header", hasVideo: (flags & 1) !== 0, hasAudio: (flags & 4) !== 0 });
    this.#hasHeader = true;
    return headerBytes + FLV_TAG_TRAILER_BYTES;
  }

  #readTag(input: Uint8Array, offset: number, out: (FlvFileHeader | FlvTag | Malformed)[]): number {
    const left = input.length - offset;
    if (left < FLV_TAG_HEADER_BYTES) return 0;
    const bodyBytes = readU24(input, offset + 1);
    if (bodyBytes > this.#tagLimitBytes) {
      const message = `A tag of ${bodyBytes} bytes is over the limit of ${this.#tagLimitBytes}; send smaller frames`;
      return this.#fail(out, malformed("FLV_TAG_TOO_LARGE", message));
    }
    const sizeBytes = FLV_TAG_HEADER_BYTES + bodyBytes + FLV_TAG_TRAILER_BYTES;
    if (left < sizeBytes) return 0;
    const bodyStart = offset + FLV_TAG_HEADER_BYTES;
    out.push({
      kind: "tag",
      type: (input[offset] as number) & 0x1f, // upper bits: reserved, encryption filter
      timestampMs: (input[offset + 7] as number) * 0x100_0000 + readU24(input, offset + 4),
      body: input.slice(bodyStart, bodyStart + bodyBytes),
    });
    return sizeBytes;
  }

  #fail(out: (FlvFileHeader | FlvTag | Malformed)[], why: Malformed): 0 {
    this.#isFailed = true;
    out.push(why);
    return 0;
  }

  /** What is pending and the new bytes, in one piece. Grows by doubling, so small pieces do not cost a copy each. */
  #join(bytes: Uint8Array): Uint8Array {
    if (this.#pendingBytes === 0) return bytes;
    const neededBytes = this.#pendingBytes + bytes.length;
    if (neededBytes > this.#pending.length) {
      const grown = new Uint8Array(Math.max(neededBytes, this.#pending.length * 2));
      grown.set(this.#pending.subarray(0, this.#pendingBytes));
      this.#pending = grown;
    }
    this.#pending.set(bytes, this.#pendingBytes);
    return this.#pending.subarray(0, neededBytes);
  }

  #keep(input: Uint8Array, offset: number): void {
    const left = this.#isFailed ? 0 : input.length - offset;
    if (offset === 0 && this.#pendingBytes > 0) {
      this.#pendingBytes = left; // all of it is still in place
      return;
    }
    // A copy: the caller may reuse its buffer.
    this.#pending = left === 0 ? new Uint8Array(0) : input.slice(offset);
    this.#pendingBytes = left;
  }
}
