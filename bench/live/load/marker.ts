/**
 * Every message that a bench publishes carries a marker inside its valid H.264 or AAC: in a user-data SEI, or in a data
 * stream element. Servers hand it on whatever they wrap around it, so a viewer of any protocol can tell, by searching
 * the bytes it receives, which message has arrived, when it was sent and where it ends.
 *
 *   KgmMark1 | kind: 1 | sequence number: 8 hex | sent, in µs: 14 hex | bytes that follow: 6 hex
 *
 * ASCII has no zero bytes, so H.264 needs no emulation prevention.
 */
export const MARKER_BYTES = 37;

/** Key picture, other picture, sound. */
export type MarkerKind = "K" | "V" | "A";

export interface Marker {
  readonly kind: MarkerKind;
  /** Rises by one with each message, pictures and sound apart. */
  readonly sequence: number;
  /** Whole microseconds on the clock of {@link monotonicUs}. */
  readonly sentUs: number;
  /** Bytes of the message after the marker, the same in every protocol. */
  readonly followingBytes: number;
}

const MAGIC = Buffer.from("KgmMark1", "latin1");
const KIND_OFFSET = MAGIC.length;

// On Linux all processes read the same monotonic clock, so times of two processes can be subtracted.
const offsetUs = Number(process.hrtime.bigint() / 1000n) - performance.now() * 1000;

/** Microseconds on a clock that all processes of this machine share. */
export function monotonicUs(): number {
  return performance.now() * 1000 + offsetUs;
}

/** Writes a marker into bytes that were kept free for it. */
export function writeMarker(target: Buffer, offset: number, marker: Marker): void {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  MAGIC.copy(target, offset);
  const { kind, sequence, sentUs, followingBytes } = marker;
  target.write(kind + hex(sequence, 8) + hex(sentUs, 14) + hex(followingBytes, 6), offset + KIND_OFFSET, "latin1");
}

/** Bytes of the coded picture or sound that a marker is in, without what any protocol wraps around it. */
export function payloadBytes({ kind, followingBytes }: Marker): number {
  return followingBytes + MARKER_BYTES + (kind === "A" ? SOUND_HEAD_BYTES : PICTURE_HEAD_BYTES);
}

/** What comes before the marker: the head of a data stream element; a length, SEI head and UUID. */
const SOUND_HEAD_BYTES = 2;
const PICTURE_HEAD_BYTES = 23;

/** Called when the last byte of a marked message has arrived. */
export type OnMarked = (marker: Marker, arrivedUs: number) => void;

/**
 * Finds markers in one viewer's bytes, cut anywhere. Costs a search through everything received, so only a few viewers
 * of a bench have one.
 */
export class MarkerScanner {
  readonly #onMarked: OnMarked;
  #carry: Buffer = Buffer.alloc(0);
  /** Bytes received so far. */
  #receivedBytes = 0;
  #pending: Marker | undefined;
  #pendingEnd = 0;

  constructor(onMarked: OnMarked) {
    this.#onMarked = onMarked;
  }

  push(bytes: Uint8Array, arrivedUs: number): void {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const text = this.#carry.length === 0 ? view : Buffer.concat([this.#carry, view]);
    const startPosition = this.#receivedBytes - this.#carry.length;
    this.#receivedBytes += bytes.length;
    let from = 0;
    for (;;) {
      const at = text.indexOf(MAGIC, from);
      if (at < 0 || at + MARKER_BYTES > text.length) {
        // A copy: the caller reuses its buffer.
        this.#carry = Buffer.from(text.subarray(at < 0 ? Math.max(from, text.length - MAGIC.length + 1) : at));
        break;
      }
      this.#finish(arrivedUs);
      from = at + MARKER_BYTES;
      this.#pending = readMarker(text, at);
      this.#pendingEnd = startPosition + from + (this.#pending?.followingBytes ?? 0);
    }
    if (this.#receivedBytes >= this.#pendingEnd) this.#finish(arrivedUs);
  }

  #finish(arrivedUs: number): void {
    const marker = this.#pending;
    this.#pending = undefined;
    if (marker) this.#onMarked(marker, arrivedUs);
  }
}

function readMarker(text: Buffer, offset: number): Marker | undefined {
  const kind = text.toString("latin1", offset + KIND_OFFSET, offset + KIND_OFFSET + 1);
  const hex = (from: number, digits: number) => Number.parseInt(text.toString("latin1", from, from + digits), 16);
  const numbers = offset + KIND_OFFSET + 1;
  const sequence = hex(numbers, 8);
  const sentUs = hex(numbers + 8, 14);
  const followingBytes = hex(numbers + 22, 6);
  if (kind !== "K" && kind !== "V" && kind !== "A") return undefined;
  if (Number.isNaN(sequence + sentUs + followingBytes)) return undefined;
  return { kind, sequence, sentUs, followingBytes };
}
