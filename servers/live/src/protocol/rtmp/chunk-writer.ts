import { DEFAULT_CHUNK_BYTES } from "./chunk-reader.ts";

/** A message to be sent. */
export interface OutgoingMessage {
  /** 2 to 63: one byte on the wire, and nobody needs more. */
  readonly chunkStreamId: number;
  readonly messageType: number;
  readonly messageStreamId: number;
  /** Absolute, in milliseconds; taken modulo 2^32. */
  readonly timestampMs: number;
  readonly payload: Uint8Array;
}

const EXTENDED = 0xffffff;

/** What the last header on a chunk stream said, so that the next may leave it out. */
interface SentHeader {
  messageType: number;
  messageStreamId: number;
  messageBytes: number;
  timestampMs: number;
  field: number;
}

/**
 * Writes messages as chunks, each message in one piece of memory. With `isCompressing` it leaves out what the receiver
 * knows (formats 1 to 3, as encoders do); without, every message starts with format 0 and stands on its own.
 *
 * @see RTMP 1.0 §5.3.1
 */
export class ChunkWriter {
  readonly #isCompressing: boolean;
  readonly #sent = new Map<number, SentHeader>();
  #chunkBytes = DEFAULT_CHUNK_BYTES;

  constructor(isCompressing = false) {
    this.#isCompressing = isCompressing;
  }

  /** Applies to the messages after a Set Chunk Size that the caller sends. */
  set chunkBytes(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
  }

  get chunkBytes(): number {
    return this.#chunkBytes;
  }

  /** The chunks of `message`: one allocation. */
  write(message: OutgoingMessage): Uint8Array {
    const timestampMs = message.timestampMs >>> 0;
    const sent = this.#isCompressing ? this.#sent.get(message.chunkStreamId) : undefined;
    const format = chooseFormat(message, timestampMs, sent);
    const field = format === 0 || sent === undefined ? timestampMs : (timestampMs - sent.timestampMs) >>> 0;
    this.#remember(message, timestampMs, field);
    return writeChunks(message, format, field, this.#chunkBytes);
  }

  #remember(message: OutgoingMessage, timestampMs: number, field: number): void {
    if (!this.#isCompressing) return;
    this.#sent.set(message.chunkStreamId, {
      messageType: message.messageType,
      messageStreamId: message.messageStreamId,
      messageBytes: message.payload.length,
      timestampMs,
      field,
    });
  }
}

function chooseFormat(message: OutgoingMessage, timestampMs: number, sent: SentHeader | undefined): 0 | 1 | 2 | 3 {
  if (sent === undefined || sent.messageStreamId !== message.messageStreamId) return 0;
  const delta = (timestampMs - sent.timestampMs) >>> 0;
  // A step back is not a delta; half of the range tells the two apart.
  if (delta >= 0x8000_0000) return 0;
  if (sent.messageType !== message.messageType || sent.messageBytes !== message.payload.length) return 1;
  return delta === sent.field ? 3 : 2;
}

/** Lays out one message: a header of `format`, then format 3 between the chunks. */
function writeChunks(message: OutgoingMessage, format: 0 | 1 | 2 | 3, field: number, chunkBytes: number): Uint8Array {
  const { payload } = message;
  const extendedBytes = field >= EXTENDED ? 4 : 0;
  const headerBytes = (format === 0 ? 12 : format === 1 ? 8 : format === 2 ? 4 : 1) + extendedBytes;
  const followingCount = Math.max(0, Math.ceil(payload.length / chunkBytes) - 1);
  const out = new Uint8Array(headerBytes + payload.length + followingCount * (1 + extendedBytes));
  const view = new DataView(out.buffer);

  out[0] = (format << 6) | message.chunkStreamId;
  if (format < 3) writeUint24(out, 1, Math.min(field, EXTENDED));
  if (format < 2) {
    writeUint24(out, 4, payload.length);
    out[7] = message.messageType;
  }
  if (format === 0) view.setUint32(8, message.messageStreamId, true);
  if (extendedBytes > 0) view.setUint32(headerBytes - 4, field);

  let at = headerBytes;
  for (let from = 0; from < payload.length || from === 0; from += chunkBytes) {
    if (from > 0) {
      out[at++] = 0xc0 | message.chunkStreamId;
      if (extendedBytes > 0) {
        view.setUint32(at, field);
        at += 4;
      }
    }
    const part = payload.subarray(from, from + chunkBytes);
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function writeUint24(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 16;
  out[at + 1] = value >>> 8;
  out[at + 2] = value;
}
