/**
 * Media for players, laid out once and written to every socket.
 *
 * The bytes depend on nothing that differs between players: fixed chunk streams, message stream 1 (the first that
 * `createStream` hands out, and the only one that may play), the chunk size that every player was told on `connect`,
 * and a format 0 header that needs no history. So hundreds of sockets can share one buffer, a player can join at any
 * message, and any message can be left out.
 */

/** The chunk size that the server announces on `connect`. */
export const PLAY_CHUNK_BYTES = 65_536;
/** The message stream that plays. */
export const PLAY_STREAM_ID = 1;

export const AUDIO_MESSAGE_TYPE = 8;
export const VIDEO_MESSAGE_TYPE = 9;

const AUDIO_CHUNK_STREAM_ID = 4;
const VIDEO_CHUNK_STREAM_ID = 6;
const EXTENDED = 0xffffff;

export interface MediaMessage {
  readonly messageType: 8 | 9;
  /** Absolute, in milliseconds; taken modulo 2^32. */
  readonly timestampMs: number;
  /** The message, in one part or in several to be joined. */
  readonly payload: Uint8Array | readonly Uint8Array[];
}

/** Bytes that `writeMediaMessage` will write for a payload of `payloadBytes` at `timestampMs`. */
export function mediaMessageSize(payloadBytes: number, timestampMs: number): number {
  const extendedBytes = timestampMs >>> 0 >= EXTENDED ? 4 : 0;
  const followingCount = payloadBytes > PLAY_CHUNK_BYTES ? Math.ceil(payloadBytes / PLAY_CHUNK_BYTES) - 1 : 0;
  return 12 + extendedBytes + payloadBytes + followingCount * (1 + extendedBytes);
}

/** One message in a buffer of its own: one allocation, one copy of the payload. */
export function encodeMediaMessage(message: MediaMessage): Uint8Array {
  const target = new Uint8Array(mediaMessageSize(payloadSize(message), message.timestampMs));
  writeMediaMessage(target, 0, message);
  return target;
}

/**
 * Writes a message into `target` at `offset`, so that several can share one buffer and one `write`.
 *
 * @returns The offset behind it.
 * @throws RangeError if it does not fit.
 * @see RTMP 1.0 §5.3.1.2.1
 */
export function writeMediaMessage(target: Uint8Array, offset: number, message: MediaMessage): number {
  const payloadBytes = payloadSize(message);
  const timestampMs = message.timestampMs >>> 0;
  const end = offset + mediaMessageSize(payloadBytes, timestampMs);
  if (end > target.length) {
    throw new RangeError(`Cannot write a message up to byte ${end}: the buffer has ${target.length}`);
  }
  const chunkStreamId = message.messageType === VIDEO_MESSAGE_TYPE ? VIDEO_CHUNK_STREAM_ID : AUDIO_CHUNK_STREAM_ID;
  const isExtended = timestampMs >= EXTENDED;
  let at = offset;
  target[at++] = chunkStreamId;
  at = writeUint24(target, at, isExtended ? EXTENDED : timestampMs);
  at = writeUint24(target, at, payloadBytes);
  target[at++] = message.messageType;
  target[at++] = PLAY_STREAM_ID; // little-endian, §5.3.1.2.5
  at = writeUint24(target, at, 0);
  if (isExtended) at = writeUint32(target, at, timestampMs);

  let roomBytes = PLAY_CHUNK_BYTES;
  const parts = message.payload instanceof Uint8Array ? [message.payload] : message.payload;
  for (const part of parts) {
    let from = 0;
    while (from < part.length) {
      if (roomBytes === 0) {
        target[at++] = 0xc0 | chunkStreamId;
        if (isExtended) at = writeUint32(target, at, timestampMs);
        roomBytes = PLAY_CHUNK_BYTES;
      }
      const count = Math.min(roomBytes, part.length - from);
      target.set(count === part.length ? part : part.subarray(from, from + count), at);
      from += count;
      at += count;
      roomBytes -= count;
    }
  }
  return at;
}

function payloadSize(message: MediaMessage): number {
  if (message.payload instanceof Uint8Array) return message.payload.length;
  let sizeBytes = 0;
  for (const part of message.payload) sizeBytes += part.length;
  return sizeBytes;
}

function writeUint24(target: Uint8Array, at: number, value: number): number {
  target[at] = value >>> 16;
  target[at + 1] = value >>> 8;
  target[at + 2] = value;
  return at + 3;
}

function writeUint32(target: Uint8Array, at: number, value: number): number {
  target[at] = value >>> 24;
  return writeUint24(target, at + 1, value);
}
