/**
 * The kinds of frames of a change stream. The numbers are on the wire: never renumbered, never reused.
 *
 * `hello` who the source is and where it stands, first of all · `record` one change · `batchEnd` up to where the records
 * since the last one make the copy whole; only then they are applied · `heartbeat` nothing new · `end` why the source
 * says no more; the last.
 */
export const FRAME_KINDS = { hello: 1, record: 2, batchEnd: 3, heartbeat: 4, end: 5 } as const;

export type FrameKind = (typeof FRAME_KINDS)[keyof typeof FRAME_KINDS];

export interface Frame {
  readonly kind: FrameKind;
  readonly payload: Uint8Array;
}

/** CRC-32C of bytes; `before` is that of the bytes before them. The caller gives one that is native. */
export type Crc32c = (bytes: Uint8Array, before?: number) => number;

/** What is wrong with a stream; who reads it ends the connection and asks again from where it stands. */
export class ReplicaStreamError extends Error {
  override readonly name = "ReplicaStreamError";
  /** API: never renamed, never reused. */
  readonly code = "STREAM_INVALID";
}

export const FRAME_HEADER_BYTES = 12;
const VERSION = 1;
/** A record with a body just below what gets a file of its own (8 MiB at most), and 2 MiB of metadata. */
export const MAX_FRAME_BYTES = 16 << 20;
const CONTROL_FRAME_BYTES = 65_536;

/**
 * The header of a frame: kind, version, a check of these and the length (2 bytes), length of the payload (4), CRC-32C of all
 * that and the payload (4); little-endian. The header has a check of its own, so that a wrong length is not waited
 * for.
 *
 * @param payload In pieces; they are not copied.
 * @throws RangeError if it is longer than its kind may be.
 */
export function encodeFrameHeader(kind: FrameKind, payload: readonly Uint8Array[], crc32c: Crc32c): Uint8Array {
  let lengthBytes = 0;
  for (const piece of payload) lengthBytes += piece.length;
  if (lengthBytes > limitOf(kind)) {
    throw new RangeError(`Cannot send a frame of ${lengthBytes} bytes: the limit is ${limitOf(kind)}`);
  }
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint8(0, kind);
  view.setUint8(1, VERSION);
  view.setUint16(2, checkOf(kind, VERSION, lengthBytes), true);
  view.setUint32(4, lengthBytes, true);
  let crc = crc32c(header.subarray(0, 8));
  for (const piece of payload) crc = crc32c(piece, crc);
  view.setUint32(8, crc, true);
  return header;
}

/** Of what the header says; any one bit of that changes it. */
function checkOf(kind: number, version: number, lengthBytes: number): number {
  return ((0x4b52 ^ (kind << 8) ^ version ^ lengthBytes ^ (lengthBytes >>> 16)) & 0xffff) >>> 0;
}

/**
 * Takes a stream apart, however the network cuts it. It holds the pieces of one frame at most: {@link MAX_FRAME_BYTES}
 * and what one {@link FrameDecoder.push} brought.
 */
export class FrameDecoder {
  readonly #crc32c: Crc32c;
  #pieces: Uint8Array[] = [];
  #heldBytes = 0;
  /** Of the frame whose header was read. */
  #wantedBytes: number | undefined;

  constructor(crc32c: Crc32c) {
    this.#crc32c = crc32c;
  }

  /** Bytes of a frame that is not whole. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The bytes are kept until the frames that they are of have been read: do not change them. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#heldBytes += bytes.length;
  }

  /** The next whole frame; its payload may alias what was pushed. @throws ReplicaStreamError */
  next(): Frame | undefined {
    if (this.#wantedBytes === undefined) {
      if (this.#heldBytes < FRAME_HEADER_BYTES) return undefined;
      this.#wantedBytes = FRAME_HEADER_BYTES + this.#readLength(this.#gather(FRAME_HEADER_BYTES));
    }
    if (this.#heldBytes < this.#wantedBytes) return undefined;
    const bytes = this.#gather(this.#wantedBytes);
    const frameBytes = this.#wantedBytes;
    this.#wantedBytes = undefined;
    this.#heldBytes -= frameBytes;
    const rest = bytes.subarray(frameBytes);
    if (rest.length === 0) this.#pieces.shift();
    else this.#pieces[0] = rest;
    const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEADER_BYTES);
    const payload = bytes.subarray(FRAME_HEADER_BYTES, frameBytes);
    if (this.#crc32c(payload, this.#crc32c(bytes.subarray(0, 8))) !== view.getUint32(8, true)) {
      throw new ReplicaStreamError(`A frame of ${payload.length} bytes fails its checksum`);
    }
    return { kind: view.getUint8(0) as FrameKind, payload };
  }

  /** @returns the length of the payload */
  #readLength(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEADER_BYTES);
    const kind = view.getUint8(0);
    const lengthBytes = view.getUint32(4, true);
    const version = view.getUint8(1);
    if (view.getUint16(2, true) !== checkOf(kind, version, lengthBytes)) {
      throw new ReplicaStreamError("What came is no frame of a change stream");
    }
    if (version !== VERSION || kind < FRAME_KINDS.hello || kind > FRAME_KINDS.end) {
      throw new ReplicaStreamError(`A frame of kind ${kind}, version ${version} is not known`);
    }
    if (lengthBytes > limitOf(kind as FrameKind)) {
      throw new ReplicaStreamError(`A frame says that it has ${lengthBytes} bytes, more than it may have`);
    }
    return lengthBytes;
  }

  /** The first piece, made at least so long. */
  #gather(lengthBytes: number): Uint8Array {
    const [first] = this.#pieces;
    if (first !== undefined && first.length >= lengthBytes) return first;
    const whole = new Uint8Array(this.#heldBytes);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [whole];
    return whole;
  }
}

function limitOf(kind: FrameKind): number {
  return kind === FRAME_KINDS.record ? MAX_FRAME_BYTES : CONTROL_FRAME_BYTES;
}
