import { type AmfLimits, DEFAULT_AMF_LIMITS } from "./amf-value.ts";

/** What the chunk layer may hold for one peer. */
export interface ChunkLimits {
  /** Bytes of one message. */
  readonly maxMessageBytes: number;
  /** Chunk streams that the peer may use in the life of the connection. */
  readonly maxChunkStreams: number;
  /** Bytes allocated for messages that are not whole yet, over all chunk streams. */
  readonly maxPartialBytes: number;
}

/** Everything that a peer can make a session hold or do. Times are in milliseconds. */
export interface RtmpLimits {
  /** Until a publish or play is accepted. */
  readonly beforeAccept: ChunkLimits;
  readonly afterAccept: ChunkLimits;
  readonly amf: AmfLimits;
  /** Message streams open at once. */
  readonly maxStreams: number;
  /** Payload bytes that wait while a publish is undecided. */
  readonly maxUndecidedBytes: number;
  /** Messages that ask for an answer, at once; `commandsPerSecond` of them grow back. */
  readonly maxCommandBurst: number;
  readonly commandsPerSecond: number;
  /** From the first byte expected to the last byte of C2. */
  readonly handshakeTimeoutMs: number;
  /** From the handshake to `connect`. */
  readonly connectTimeoutMs: number;
  /** From `connect`, or the end of the last stream, to an accepted publish or play. */
  readonly idleTimeoutMs: number;
  /** Silence before a ping, and again before the end. */
  readonly pingAfterMs: number;
}

export const DEFAULT_RTMP_LIMITS: RtmpLimits = {
  beforeAccept: { maxMessageBytes: 65_536, maxChunkStreams: 8, maxPartialBytes: 262_144 },
  afterAccept: { maxMessageBytes: 8 << 20, maxChunkStreams: 64, maxPartialBytes: 16 << 20 },
  amf: DEFAULT_AMF_LIMITS,
  maxStreams: 4,
  maxUndecidedBytes: 262_144,
  maxCommandBurst: 100,
  commandsPerSecond: 20,
  handshakeTimeoutMs: 10_000,
  connectTimeoutMs: 10_000,
  idleTimeoutMs: 30_000,
  pingAfterMs: 30_000,
};
