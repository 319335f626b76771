import type { RtmpFailure, RtmpFailureCode } from "./errors.ts";
import type { ChunkLimits } from "./limits.ts";

/** One message, whole. @see RTMP 1.0 §6.1 */
export interface RtmpMessage {
  readonly chunkStreamId: number;
  readonly messageType: number;
  readonly messageStreamId: number;
  /** Absolute, in milliseconds modulo 2^32. */
  readonly timestampMs: number;
  /** The receiver's own memory, of exactly this length. */
  readonly payload: Uint8Array;
}

/** The chunk size of both directions until it is announced otherwise. @see RTMP 1.0 §5.4.1 */
export const DEFAULT_CHUNK_BYTES = 128;
/** The largest chunk size that makes sense, since no message is longer. @see RTMP 1.0 §5.4.1 */
const MAX_CHUNK_BYTES = 0xffffff;

const SET_CHUNK_SIZE = 1;
const ABORT = 2;
const EXTENDED = 0xffffff;
const MAX_HEADER_BYTES = 3 + 11 + 4;
const FIRST_BUFFER_BYTES = 16_384;
const EMPTY = new Uint8Array(0);

/** Bytes of the message header by format. @see RTMP 1.0 §5.3.1.2 */
const HEADER_BYTES = [11, 7, 3, 0] as const;

/** What is remembered of a chunk stream, so that later headers can leave it out. */
class ChunkStream {
  readonly id: number;
  messageType = 0;
  messageStreamId = 0;
  messageBytes = 0;
  timestampMs = 0;
  /** The field of the last format 0, 1 or 2: what a format 3 that starts a message adds. */
  timestampField = 0;
  isExtended = false;
  hasHeader = false;
  /** Memory for the message in progress; grows, so that a peer pays in bytes for what it announces. */
  buffer: Uint8Array = EMPTY;
  filledBytes = 0;
  isPartial = false;

  constructor(id: number) {
    this.id = id;
  }
}

/**
 * Cuts a byte stream into messages. `push` gives it bytes, `next` takes messages out until there are none; the bytes
 * are read in place, so they must not change before that. Set Chunk Size and Abort take effect here and are handed on
 * as well.
 *
 * Memory: a message gets one buffer of exactly its length if it lies in the bytes at hand, else one that grows
 * fourfold up to that length. All such buffers together stay below `maxPartialBytes`.
 *
 * Time: every byte is looked at once, except the at most 18 bytes of a header that the network cut.
 *
 * @see RTMP 1.0 §5.3
 */
export class ChunkReader {
  #limits: ChunkLimits;
  readonly #streams = new Map<number, ChunkStream>();
  #chunkBytes = DEFAULT_CHUNK_BYTES;
  #input: Uint8Array = EMPTY;
  #offset = 0;
  /** Where messages are put together: exactly so many bytes. A shared slab is for peers that are trusted with one. */
  allocate: (byteCount: number) => Uint8Array = newBytes;
  readonly #header = new Uint8Array(MAX_HEADER_BYTES);
  #headerBytes = 0;
  /** The chunk whose payload is being read. */
  #current: ChunkStream | undefined;
  #chunkRest = 0;
  #partialBytes = 0;
  #failure: RtmpFailure | undefined;

  constructor(limits: ChunkLimits) {
    this.#limits = limits;
  }

  /** Why reading stopped for good. */
  get failure(): RtmpFailure | undefined {
    return this.#failure;
  }

  /** Bytes allocated for messages that are not whole yet. */
  get partialBytes(): number {
    return this.#partialBytes;
  }

  get limits(): ChunkLimits {
    return this.#limits;
  }

  set limits(limits: ChunkLimits) {
    this.#limits = limits;
  }

  /** Gives bytes to read; `next` must have returned `undefined` before. */
  push(bytes: Uint8Array, offset = 0): void {
    this.#input = bytes;
    this.#offset = offset;
  }

  /** The next whole message; `undefined` if more bytes are needed, or on failure. */
  next(): RtmpMessage | undefined {
    while (this.#failure === undefined) {
      if (this.#current === undefined && !this.#readHeader()) break;
      const stream = this.#current;
      if (stream === undefined) break;
      const message = this.#readPayload(stream);
      if (message === undefined) {
        // Either this chunk is done and another may follow, or the input is.
        if (this.#current === undefined) continue;
        break;
      }
      this.#obey(message);
      return message;
    }
    this.#input = EMPTY;
    this.#offset = 0;
    return undefined;
  }

  /** Reads a header, across inputs if it must. */
  #readHeader(): boolean {
    if (this.#headerBytes === 0) {
      const usedBytes = this.#parseHeader(this.#input, this.#offset, this.#input.length);
      if (usedBytes > 0) {
        this.#offset += usedBytes;
        return true;
      }
      if (this.#failure !== undefined) return false;
    }
    // A cut header is put together byte by byte: it is at most 18 bytes long.
    while (this.#offset < this.#input.length) {
      this.#header[this.#headerBytes++] = this.#input[this.#offset++] as number;
      const usedBytes = this.#parseHeader(this.#header, 0, this.#headerBytes);
      if (this.#failure !== undefined) return false;
      if (usedBytes === 0) continue;
      // A guess about an extended timestamp may take bytes in that prove to be payload.
      const surplus = this.#headerBytes - usedBytes;
      this.#headerBytes = 0;
      if (surplus > 0) this.#unread(usedBytes, surplus);
      return true;
    }
    return false;
  }

  /** Puts bytes back in front of the input; they may have come with an earlier one. */
  #unread(headerBytes: number, surplus: number): void {
    if (this.#offset >= surplus) {
      this.#offset -= surplus;
      return;
    }
    const rest = this.#input.subarray(this.#offset);
    const joined = new Uint8Array(surplus + rest.length);
    joined.set(this.#header.subarray(headerBytes, headerBytes + surplus));
    joined.set(rest, surplus);
    this.#input = joined;
    this.#offset = 0;
  }

  /** Reads the header at `start` and opens its chunk. Returns its size, or 0 if bytes are missing. */
  #parseHeader(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) return 0;
    const first = bytes[start] as number;
    const format = first >> 6;
    const short = first & 0x3f;
    const basicBytes = short === 0 ? 2 : short === 1 ? 3 : 1;
    let at = start + basicBytes + (HEADER_BYTES[format] as number);
    if (at > end) return 0;
    let id = short;
    if (basicBytes > 1) id = 64 + (bytes[start + 1] as number);
    if (basicBytes > 2) id += (bytes[start + 2] as number) * 256;

    const stream = this.#streams.get(id) ?? this.#addStream(id);
    if (stream === undefined) return 0;
    if (format === 3) {
      at = this.#continueStream(stream, bytes, at, end);
    } else {
      at = this.#startMessage(stream, format, bytes, start + basicBytes, end);
    }
    if (at === 0) return 0;
    if (stream.messageBytes > this.#limits.maxMessageBytes) {
      this.#failMessage(stream);
      return 0;
    }
    this.#current = stream;
    this.#chunkRest = Math.min(this.#chunkBytes, stream.messageBytes - stream.filledBytes);
    return at - start;
  }

  /** Formats 0, 1 and 2 start a message. `at` is where the message header starts. */
  #startMessage(stream: ChunkStream, format: number, bytes: Uint8Array, at: number, end: number): number {
    const headerEnd = at + (HEADER_BYTES[format] as number);
    let field = uint24(bytes, at);
    const isExtended = field === EXTENDED;
    if (isExtended) {
      if (headerEnd + 4 > end) return 0;
      field = uint32(bytes, headerEnd);
    }
    if (format === 2 && !stream.hasHeader) return this.#failHeader(stream, format);
    // A message that was not finished is given up, as if it had been aborted.
    if (stream.isPartial) this.#drop(stream);

    stream.isExtended = isExtended;
    stream.timestampField = field;
    stream.timestampMs = format === 0 ? field : (stream.timestampMs + field) >>> 0;
    if (format < 2) {
      stream.messageBytes = uint24(bytes, at + 3);
      stream.messageType = bytes[at + 6] as number;
    }
    if (format === 0) stream.messageStreamId = uint32LittleEndian(bytes, at + 7);
    stream.hasHeader = true;
    return isExtended ? headerEnd + 4 : headerEnd;
  }

  /** Format 3 goes on with a message, or starts one like the last. `at` is behind the basic header. */
  #continueStream(stream: ChunkStream, bytes: Uint8Array, at: number, end: number): number {
    if (!stream.hasHeader) return this.#failHeader(stream, 3);
    let next = at;
    if (stream.isExtended) {
      // The specification repeats the extended timestamp here, and some encoders do not: it is there if it is equal.
      const field = stream.timestampField;
      let equal = 0;
      while (equal < 4 && at + equal < end && bytes[at + equal] === ((field >>> (24 - equal * 8)) & 0xff)) equal++;
      if (equal === 4) next = at + 4;
      else if (at + equal === end) return 0;
    }
    if (!stream.isPartial) stream.timestampMs = (stream.timestampMs + stream.timestampField) >>> 0;
    return next;
  }

  /** Reads what there is of the open chunk. Returns the message if that makes it whole. */
  #readPayload(stream: ChunkStream): RtmpMessage | undefined {
    const count = Math.min(this.#chunkRest, this.#input.length - this.#offset);
    const wantedBytes = stream.filledBytes + count;
    if (count > 0 || stream.messageBytes === 0) {
      if (wantedBytes > stream.buffer.length && !this.#grow(stream, wantedBytes)) return undefined;
      const end = this.#offset + count;
      stream.buffer.set(this.#input.subarray(this.#offset, end), stream.filledBytes);
      this.#offset = end;
      stream.filledBytes = wantedBytes;
      this.#chunkRest -= count;
      stream.isPartial = true;
    }
    if (this.#chunkRest > 0) return undefined;
    this.#current = undefined;
    if (stream.filledBytes < stream.messageBytes) return undefined;
    return this.#finish(stream);
  }

  /** Hands the buffer over: after the last growth it has exactly the length of the message. */
  #finish(stream: ChunkStream): RtmpMessage {
    const payload = stream.buffer;
    this.#partialBytes -= payload.length;
    stream.buffer = EMPTY;
    stream.filledBytes = 0;
    stream.isPartial = false;
    return {
      chunkStreamId: stream.id,
      messageType: stream.messageType,
      messageStreamId: stream.messageStreamId,
      timestampMs: stream.timestampMs,
      payload,
    };
  }

  #grow(stream: ChunkStream, wantedBytes: number): boolean {
    const paidBytes = stream.filledBytes + this.#input.length - this.#offset;
    const targetBytes = Math.max(wantedBytes, paidBytes, stream.buffer.length * 4, FIRST_BUFFER_BYTES);
    const sizeBytes = Math.min(stream.messageBytes, targetBytes);
    const partialBytes = this.#partialBytes - stream.buffer.length + sizeBytes;
    if (partialBytes > this.#limits.maxPartialBytes) {
      this.#fail(
        "RTMP_PARTIAL_LIMIT",
        `Cannot hold ${partialBytes} bytes of unfinished messages: ${this.#limits.maxPartialBytes} allowed. ` +
          "Finish messages before starting others, or raise maxPartialBytes",
      );
      return false;
    }
    const grown = this.allocate(sizeBytes);
    if (stream.filledBytes > 0) grown.set(stream.buffer.subarray(0, stream.filledBytes));
    stream.buffer = grown;
    this.#partialBytes = partialBytes;
    return true;
  }

  #drop(stream: ChunkStream): void {
    this.#partialBytes -= stream.buffer.length;
    stream.buffer = EMPTY;
    stream.filledBytes = 0;
    stream.isPartial = false;
  }

  /** Set Chunk Size and Abort concern only this layer. @see RTMP 1.0 §5.4.1, §5.4.2 */
  #obey(message: RtmpMessage): void {
    if (message.messageType !== SET_CHUNK_SIZE && message.messageType !== ABORT) return;
    const name = message.messageType === ABORT ? "Abort" : "Set Chunk Size";
    if (message.payload.length < 4) {
      this.#fail("RTMP_CONTROL_MALFORMED", `Cannot read ${name}: ${message.payload.length} bytes instead of 4`);
      return;
    }
    const value = uint32(message.payload, 0);
    if (message.messageType === ABORT) {
      const stream = this.#streams.get(value);
      if (stream?.isPartial) this.#drop(stream);
      return;
    }
    if (value === 0 || value > 0x7fffffff) {
      this.#fail("RTMP_CHUNK_SIZE_INVALID", `Cannot use chunks of ${value} bytes: the size is 1 to 2147483647`);
      return;
    }
    this.#chunkBytes = Math.min(value, MAX_CHUNK_BYTES);
  }

  #addStream(id: number): ChunkStream | undefined {
    if (this.#streams.size >= this.#limits.maxChunkStreams) {
      this.#fail(
        "RTMP_CHUNK_STREAM_LIMIT",
        `Cannot open chunk stream ${id}: ${this.#limits.maxChunkStreams} are in use. Use fewer, or raise maxChunkStreams`,
      );
      return undefined;
    }
    const stream = new ChunkStream(id);
    this.#streams.set(id, stream);
    return stream;
  }

  #failHeader(stream: ChunkStream, format: number): 0 {
    this.#fail(
      "RTMP_CHUNK_HEADER_MISSING",
      `Cannot read chunk stream ${stream.id}: format ${format} leaves out what no earlier chunk said. ` +
        "Start each chunk stream with format 0",
    );
    return 0;
  }

  #failMessage(stream: ChunkStream): void {
    this.#fail(
      "RTMP_MESSAGE_LIMIT",
      `Cannot take a message of ${stream.messageBytes} bytes and type ${stream.messageType}: ` +
        `${this.#limits.maxMessageBytes} allowed. Lower the bit rate, or raise maxMessageBytes`,
    );
  }

  #fail(code: RtmpFailureCode, message: string): void {
    this.#failure = { code, message };
  }
}

function uint24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((uint24(bytes, at) << 8) | (bytes[at + 3] as number)) >>> 0;
}

/** The message stream id is the only little-endian number of RTMP. */
function uint32LittleEndian(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at + 3] as number) << 24) | ((bytes[at + 2] as number) << 16);
  return (high | ((bytes[at + 1] as number) << 8) | (bytes[at] as number)) >>> 0;
}

function newBytes(byteCount: number): Uint8Array {
  return new Uint8Array(byteCount);
}
