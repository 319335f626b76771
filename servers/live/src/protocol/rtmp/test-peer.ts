import { type AmfValue, amfObject } from "./amf-value.ts";
import { ChunkReader, type RtmpMessage } from "./chunk-reader.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { decodeCommand, encodeCommand } from "./commands.ts";
import { HANDSHAKE_BYTES, type RandomBytes } from "./handshake.ts";
import { DEFAULT_RTMP_LIMITS, type RtmpLimits } from "./limits.ts";
import { MESSAGE_TYPE } from "./messages.ts";
import type { RtmpEvent } from "./server-events.ts";
import { RtmpServerSession } from "./server-session.ts";

/** Bytes that look random and are the same for the same seed. For tests and fuzzing only. */
export function seededBytes(seed: number): RandomBytes {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  return (count) => {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      state >>>= 0;
      bytes[i] = state >>> 11;
    }
    return bytes;
  };
}

/** C0, C1 and C2 of a plain handshake by a client that does not wait for answers. */
export function plainHello(): Uint8Array {
  const hello = new Uint8Array(HANDSHAKE_BYTES);
  hello[0] = 3;
  return hello;
}

/** All `parts` in one piece. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** One message in chunks of 128 bytes, with a full header. */
export function wireMessage(
  messageType: number,
  payload: Uint8Array,
  messageStreamId = 0,
  timestampMs = 0,
  chunkStreamId = 3,
): Uint8Array {
  return new ChunkWriter().write({ chunkStreamId, messageType, messageStreamId, timestampMs, payload });
}

/** One command. */
export function wireCommand(
  streamId: number,
  name: string,
  transactionId: number,
  ...values: readonly AmfValue[]
): Uint8Array {
  return wireMessage(MESSAGE_TYPE.commandAmf0, encodeCommand(name, transactionId, ...values), streamId);
}

/** A command that the server sent. */
export interface Answer {
  readonly name: string;
  readonly streamId: number;
  readonly transactionId: number;
  readonly values: readonly AmfValue[];
  /** `code` of the information object, where there is one. */
  readonly code: AmfValue;
}

/** A hand-held client: it sends what it is told to, and reads the server's answers. */
export class TestPeer {
  readonly session: RtmpServerSession;
  readonly #reader = new ChunkReader(DEFAULT_RTMP_LIMITS.afterAccept);
  #skipBytes = HANDSHAKE_BYTES;
  nowMs = 0;

  constructor(limits: Partial<RtmpLimits> = {}) {
    this.session = new RtmpServerSession({ randomBytes: seededBytes(1), nowMs: 0, limits });
  }

  /** Gives bytes to the session, all at once. */
  send(...parts: readonly Uint8Array[]): RtmpEvent[] {
    return this.session.receive(concat(parts), this.nowMs);
  }

  /** Handshake, `connect` with `properties`, and `streamCount` times `createStream`. */
  open(properties: { readonly [key: string]: AmfValue } = {}, streamCount = 1): this {
    this.send(plainHello());
    const object = amfObject({ app: "live", tcUrl: "rtmp://127.0.0.1/live", flashVer: "test", ...properties });
    this.send(wireCommand(0, "connect", 1, object));
    for (let i = 0; i < streamCount; i++) this.send(wireCommand(0, "createStream", 2 + i, null));
    this.takeMessages();
    return this;
  }

  /** Opens, and publishes on stream 1. */
  publish(): this {
    this.open();
    this.send(wireCommand(1, "publish", 3, null, "key", "live"));
    this.session.acceptPublish(1);
    this.takeMessages();
    return this;
  }

  /** Opens, and plays on stream 1. */
  play(): this {
    this.open();
    this.send(wireCommand(1, "play", 3, null, "name"));
    this.session.acceptPlay(1);
    this.takeMessages();
    return this;
  }

  /** Messages that the session wrote since the last time. */
  takeMessages(): RtmpMessage[] {
    const bytes = concat(this.session.takeOutput());
    const skipped = Math.min(this.#skipBytes, bytes.length);
    this.#skipBytes -= skipped;
    this.#reader.push(bytes, skipped);
    const messages: RtmpMessage[] = [];
    for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next())
      messages.push(message);
    return messages;
  }

  /** Commands that the session wrote since the last time. */
  takeAnswers(): Answer[] {
    const answers: Answer[] = [];
    for (const message of this.takeMessages()) {
      if (message.messageType !== MESSAGE_TYPE.commandAmf0) continue;
      const command = decodeCommand(message.messageType, message.payload, DEFAULT_RTMP_LIMITS.amf);
      if (!command.ok) throw new Error(command.message);
      const { name, transactionId, values } = command;
      const info = values[0];
      const code = typeof info === "object" && info !== null && "code" in info ? (info.code as AmfValue) : undefined;
      answers.push({ name, streamId: message.messageStreamId, transactionId, values, code });
    }
    return answers;
  }
}

/** The code of the error among `events`. */
export function errorCode(events: readonly RtmpEvent[]): string | undefined {
  for (const event of events) if (event.kind === "error") return event.code;
  return undefined;
}
