import { CHUNK_BYTES } from "../protocol/volume/index.ts";

/** Bodies from this size on are kept as they came: their memory is their own. */
const OWN_MEMORY_BYTES = CHUNK_BYTES;
const MAX_SEGMENT_BYTES = 1_048_576;
/** The ring has room for so many of the largest bodies at least. */
const MIN_BODIES = 4;
const MIN_SEGMENTS = 8;

interface Segment {
  /** Undefined when the ring has gone on. */
  bytes: Uint8Array | undefined;
}

/** A body that was written a moment ago. */
export class RecentBody {
  readonly #segment: Segment;
  readonly #start: number;
  readonly #end: number;

  constructor(segment: Segment, start: number, end: number) {
    this.#segment = segment;
    this.#start = start;
    this.#end = end;
  }

  /** Aliases the ring's memory, which is never written again; undefined when the ring has gone on. */
  get bytes(): Uint8Array | undefined {
    const { bytes } = this.#segment;
    if (bytes === undefined || (this.#start === 0 && this.#end === bytes.length)) return bytes;
    return bytes.subarray(this.#start, this.#end);
  }
}

/**
 * The bodies of the last writes: live segments and thumbnails are read within seconds. Which body is whose is known to the
 * cache of entries alone, so that whatever makes an entry outdated makes its body unreachable, too.
 *
 * Small bodies are copied into segments of up to a MiB. To keep each one's own memory would cost more than the copy, since
 * the collector looks through what is young again and again. A segment is filled once and dropped as a whole, in the order
 * of filling; its memory is never used again, since an answer that is on its way may still show it.
 */
export class RecentBodies {
  readonly #limitBytes: number;
  readonly #segmentBytes: number;
  /** Oldest first; the last one is being filled. */
  readonly #segments: Segment[] = [];
  #filling: Segment | undefined;
  #filledBytes = 0;
  #usedBytes = 0;

  /** @param limitBytes Of all segments together; 0 keeps nothing. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#segmentBytes = Math.min(MAX_SEGMENT_BYTES, Math.floor(limitBytes / MIN_SEGMENTS));
  }

  /** Memory that is held. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Keeps a body; undefined if it is too large for the ring, or empty. The caller must never change it. */
  keep(body: Uint8Array): RecentBody | undefined {
    if (body.length === 0 || body.length > this.#limitBytes / MIN_BODIES) return undefined;
    if (body.length >= OWN_MEMORY_BYTES || body.length > this.#segmentBytes) {
      return new RecentBody(this.#add(body), 0, body.length);
    }
    let segment = this.#filling;
    if (segment?.bytes === undefined || this.#filledBytes + body.length > segment.bytes.length) {
      segment = this.#add(Buffer.allocUnsafeSlow(this.#segmentBytes));
      this.#filling = segment;
      this.#filledBytes = 0;
    }
    const start = this.#filledBytes;
    segment.bytes?.set(body, start);
    this.#filledBytes += body.length;
    return new RecentBody(segment, start, this.#filledBytes);
  }

  #add(bytes: Uint8Array): Segment {
    const segment: Segment = { bytes };
    this.#segments.push(segment);
    this.#usedBytes += bytes.length;
    while (this.#usedBytes > this.#limitBytes) {
      const oldest = this.#segments.shift();
      if (oldest === undefined) break;
      this.#usedBytes -= oldest.bytes?.length ?? 0;
      oldest.bytes = undefined;
    }
    return segment;
  }
}
