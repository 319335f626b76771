import type { AmfValue } from "./amf-value.ts";
import { ChunkReader, type RtmpMessage } from "./chunk-reader.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { encodeCommand } from "./commands.ts";
import type { RtmpFailure } from "./errors.ts";
import type { ChunkLimits } from "./limits.ts";
import { MESSAGE_TYPE, uint32Payload, userControlPayload } from "./messages.ts";

/** Chunk streams for what is not media. 2 is the protocol's own. @see RTMP 1.0 §5.4 */
export const CHUNK_STREAM = { control: 2, command: 3, audio: 4, data: 5, video: 6 } as const;

/** The window for what we receive, until the peer names one; we name it in Set Peer Bandwidth. */
export const DEFAULT_WINDOW_BYTES = 2_500_000;
/** The window that we ask the peer to acknowledge: about a second of video, so that acknowledgements tell its backlog. */
export const ASKED_WINDOW_BYTES = 262_144;
/** A peer that asks for an acknowledgement every few bytes gets one every 16 KiB. */
const MIN_WINDOW_BYTES = 16_384;

/**
 * The chunk stream of a connection in both directions, after the handshake: messages in, bytes out, acknowledgements
 * both ways. Server and client session each own one.
 */
export class RtmpLink {
  readonly #reader: ChunkReader;
  readonly #writer: ChunkWriter;
  #output: Uint8Array[] = [];
  #receivedBytes = 0;
  #acknowledgedBytes = 0;
  #windowBytes = DEFAULT_WINDOW_BYTES;
  #peerAckBytes = 0;

  constructor(limits: ChunkLimits, isCompressing: boolean) {
    this.#reader = new ChunkReader(limits);
    this.#writer = new ChunkWriter(isCompressing);
  }

  get failure(): RtmpFailure | undefined {
    return this.#reader.failure;
  }

  get partialBytes(): number {
    return this.#reader.partialBytes;
  }

  /** See `ChunkReader.allocate`. */
  set allocate(allocate: (byteCount: number) => Uint8Array) {
    this.#reader.allocate = allocate;
  }

  set limits(limits: ChunkLimits) {
    this.#reader.limits = limits;
  }

  /** Gives bytes of the chunk stream; then `next` until it has no more. */
  push(bytes: Uint8Array, offset: number): void {
    this.#receivedBytes += bytes.length - offset;
    this.#reader.push(bytes, offset);
  }

  next(): RtmpMessage | undefined {
    return this.#reader.next();
  }

  /** Bytes to be written, oldest first; afterwards there are none. */
  takeOutput(): Uint8Array[] {
    const output = this.#output;
    if (output.length > 0) this.#output = [];
    return output;
  }

  /** Appends bytes that are laid out already. */
  sendRaw(bytes: Uint8Array): void {
    this.#output.push(bytes);
  }

  sendControl(messageType: number, payload: Uint8Array): void {
    this.send(CHUNK_STREAM.control, messageType, 0, 0, payload);
  }

  sendUserControl(event: number, value: number): void {
    this.sendControl(MESSAGE_TYPE.userControl, userControlPayload(event, value));
  }

  sendCommand(streamId: number, name: string, transactionId: number, ...values: readonly AmfValue[]): void {
    const payload = encodeCommand(name, transactionId, ...values);
    this.send(CHUNK_STREAM.command, MESSAGE_TYPE.commandAmf0, streamId, 0, payload);
  }

  send(
    chunkStreamId: number,
    messageType: number,
    messageStreamId: number,
    timestampMs: number,
    payload: Uint8Array,
  ): void {
    this.#output.push(this.#writer.write({ chunkStreamId, messageType, messageStreamId, timestampMs, payload }));
  }

  /** Announces a chunk size and uses it from the next message on. */
  sendChunkSize(chunkBytes: number): void {
    this.sendControl(MESSAGE_TYPE.setChunkSize, uint32Payload(chunkBytes));
    this.#writer.chunkBytes = chunkBytes;
  }

  /** The peer's Window Acknowledgement Size. */
  setWindow(windowBytes: number): void {
    this.#windowBytes = Math.max(windowBytes, MIN_WINDOW_BYTES);
  }

  /**
   * Acknowledges when half a window has come in since the last time: the specification says a whole one, but a peer
   * that stops at the end of its window would then stand still for a round trip.
   *
   * @see RTMP 1.0 §5.4.3
   */
  acknowledge(): void {
    if (this.#receivedBytes - this.#acknowledgedBytes < this.#windowBytes / 2) return;
    this.#acknowledgedBytes = this.#receivedBytes;
    this.sendControl(MESSAGE_TYPE.acknowledgement, uint32Payload(this.#receivedBytes % 0x1_0000_0000));
  }

  /** The bytes that the peer has received, unwrapped from 32 bits; a step back changes nothing. */
  onAcknowledgement(sequenceNumber: number): number {
    const step = (sequenceNumber - this.#peerAckBytes) >>> 0;
    if (step < 0x8000_0000) this.#peerAckBytes += step;
    return this.#peerAckBytes;
  }
}
