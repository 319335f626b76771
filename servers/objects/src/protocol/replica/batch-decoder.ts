import { type Crc32c, FRAME_KINDS, type Frame, FrameDecoder, MAX_FRAME_BYTES, ReplicaStreamError } from "./frames.ts";
import {
  type BatchEnd,
  decodeBatchEnd,
  decodeHeartbeat,
  decodeHello,
  decodeStreamEnd,
  decodeWireRecord,
  type Heartbeat,
  type ReplicaHello,
  type StreamEnd,
  type WireRecord,
} from "./messages.ts";

/** What a stream says, batches put together. */
export type StreamEvent =
  | { readonly kind: "hello"; readonly hello: ReplicaHello }
  | { readonly kind: "batch"; readonly records: readonly WireRecord[]; readonly end: BatchEnd }
  | { readonly kind: "heartbeat"; readonly heartbeat: Heartbeat }
  | { readonly kind: "end"; readonly end: StreamEnd };

/** Records of a batch on the way; the source ends it at a MiB, or with the one record that is larger. */
export const MAX_BATCH_BYTES = MAX_FRAME_BYTES + (2 << 20);

export interface BatchDecoderOptions {
  readonly crc32c: Crc32c;
  /** The seed of a store's heads, made of its id. */
  readonly seedOf: (storeId: string) => number;
  /** Where the follower stands. */
  readonly after: number;
}

/**
 * Reads a change stream: hello first, then records that belong to the store and rise, in batches. It holds one batch, at
 * most {@link MAX_BATCH_BYTES}, and the frame that is on its way.
 */
export class BatchDecoder {
  readonly #frames: FrameDecoder;
  readonly #options: BatchDecoderOptions;
  #seed: number | undefined;
  #records: WireRecord[] = [];
  #recordBytes = 0;
  #last: number;
  #isEnded = false;

  constructor(options: BatchDecoderOptions) {
    this.#options = options;
    this.#frames = new FrameDecoder(options.crc32c);
    this.#last = options.after;
  }

  /** Bytes that are held. */
  get heldBytes(): number {
    return this.#frames.heldBytes + this.#recordBytes;
  }

  /** The bytes are kept until what they say has been given out: do not change them. */
  push(bytes: Uint8Array): void {
    this.#frames.push(bytes);
  }

  /** What was said, if it is whole; ask again until undefined. @throws ReplicaStreamError */
  next(): StreamEvent | undefined {
    for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) {
      const event = this.#take(frame);
      if (event !== undefined) return event;
    }
    return undefined;
  }

  #take({ kind, payload }: Frame): StreamEvent | undefined {
    if (this.#isEnded) throw new ReplicaStreamError("The stream goes on behind its end");
    if ((this.#seed === undefined) !== (kind === FRAME_KINDS.hello) && kind !== FRAME_KINDS.end) {
      throw new ReplicaStreamError("The stream does not begin with one hello");
    }
    switch (kind) {
      case FRAME_KINDS.hello: {
        const hello = decodeHello(payload);
        this.#seed = this.#options.seedOf(hello.storeId);
        return { kind: "hello", hello };
      }
      case FRAME_KINDS.record:
        this.#add(decodeWireRecord(payload, this.#seed ?? 0), payload.length);
        return undefined;
      case FRAME_KINDS.batchEnd:
        return this.#endBatch(decodeBatchEnd(payload));
      case FRAME_KINDS.heartbeat:
        return { kind: "heartbeat", heartbeat: decodeHeartbeat(payload) };
      case FRAME_KINDS.end:
        this.#isEnded = true;
        return { kind: "end", end: decodeStreamEnd(payload) };
      default:
        kind satisfies never;
        return undefined;
    }
  }

  #add(record: WireRecord, payloadBytes: number): void {
    const { sequence } = record.head;
    if (sequence <= this.#last) throw new ReplicaStreamError(`Record ${sequence} comes behind ${this.#last}`);
    this.#last = sequence;
    this.#recordBytes += payloadBytes;
    if (this.#recordBytes > MAX_BATCH_BYTES) {
      throw new ReplicaStreamError(`A batch has more than ${MAX_BATCH_BYTES} bytes`);
    }
    this.#records.push(record);
  }

  #endBatch(end: BatchEnd): StreamEvent {
    if (end.nextAfter < this.#last) throw new ReplicaStreamError("A batch ends before its last record");
    this.#last = end.nextAfter;
    const records = this.#records;
    this.#records = [];
    this.#recordBytes = 0;
    return { kind: "batch", records, end };
  }
}
