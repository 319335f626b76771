import { binaryHeaderSize, OPCODE, writeHeader } from "./frame.ts";

/**
 * A whole masked frame of a client, for benches and tests.
 *
 * @param mask Four bytes; random in a real client (RFC 6455 §5.3).
 */
export function encodeClientFrame(opcode: number, payload: Uint8Array, mask: Uint8Array): Uint8Array {
  const plainHeaderBytes = binaryHeaderSize(payload.length);
  const frame = new Uint8Array(plainHeaderBytes + 4 + payload.length);
  writeHeader(frame, 0, opcode, payload.length);
  frame[1] = (frame[1] as number) | 0x80;
  frame.set(mask.subarray(0, 4), plainHeaderBytes);
  const start = plainHeaderBytes + 4;
  for (let i = 0; i < payload.length; i++) frame[start + i] = (payload[i] as number) ^ (mask[i & 3] as number);
  return frame;
}

/** What a `WebSocketSkimmer` tells besides its counters. Both are optional. */
export interface SkimmerHandlers {
  readonly onText?: (text: string) => void;
  /** The first bytes of a binary message, up to `headBytes`; a view that is valid during the call only. */
  readonly onBinary?: (byteCount: number, head: Uint8Array) => void;
}

/** Text longer than this is counted but not collected, in bytes. */
const TEXT_LIMIT_BYTES = 64 * 1024;

/**
 * Counts what a server sends without touching the payload of binary messages: a bench can have thousands of viewers
 * in one process and still measure the server. Text is collected; frames are taken to be well-formed otherwise.
 * Trusts its server: it is no defence against anything.
 */
export class WebSocketSkimmer {
  binaryMessageCount = 0;
  /** Payload bytes of binary messages, whole or not. */
  binaryByteCount = 0;
  textMessageCount = 0;
  pingCount = 0;
  /** Code of the server's close frame; 1005 if it had none; `undefined` before. */
  closeCode: number | undefined;
  readonly #handlers: SkimmerHandlers;
  readonly #head: Uint8Array;
  #headFilled = 0;
  #messageBytes = 0;
  readonly #header = new Uint8Array(10);
  #headerFilled = 0;
  #headerBytes = 2;
  #remaining = -1;
  #opcode = 0;
  #messageOpcode = 0;
  #isFinal = false;
  #collected: number[] = [];
  readonly #closeBytes: number[] = [];

  /** @param headBytes How many bytes of each binary message `onBinary` is given. */
  constructor(handlers: SkimmerHandlers = {}, headBytes = 0) {
    this.#handlers = handlers;
    this.#head = new Uint8Array(headBytes);
  }

  push(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#remaining < 0) {
        offset = this.#readHeader(bytes, offset);
        if (this.#remaining !== 0) continue;
      }
      const count = Math.min(this.#remaining, bytes.length - offset);
      this.#take(bytes, offset, count);
      offset += count;
      this.#remaining -= count;
      if (this.#remaining === 0) this.#endFrame();
    }
  }

  #readHeader(bytes: Uint8Array, from: number): number {
    const header = this.#header;
    let offset = from;
    while (offset < bytes.length && this.#headerFilled < this.#headerBytes) {
      header[this.#headerFilled++] = bytes[offset++] as number;
      if (this.#headerFilled === 2) {
        const short = (header[1] as number) & 0x7f;
        this.#headerBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
      }
    }
    if (this.#headerFilled < this.#headerBytes) return offset;
    const first = header[0] as number;
    this.#opcode = first & 0x0f;
    this.#isFinal = (first & 0x80) !== 0;
    if (this.#opcode === OPCODE.text || this.#opcode === OPCODE.binary) {
      this.#messageOpcode = this.#opcode;
      this.#messageBytes = 0;
      this.#headFilled = 0;
    }
    const short = (header[1] as number) & 0x7f;
    let length = short;
    if (short >= 126) {
      length = 0;
      for (let i = 2; i < this.#headerBytes; i++) length = length * 256 + (header[i] as number);
    }
    this.#remaining = length;
    return offset;
  }

  #take(bytes: Uint8Array, offset: number, count: number): void {
    const isControl = this.#opcode >= OPCODE.close;
    if (!isControl && this.#messageOpcode === OPCODE.binary) {
      this.binaryByteCount += count;
      this.#messageBytes += count;
      const wanted = Math.min(this.#head.length - this.#headFilled, count);
      for (let i = 0; i < wanted; i++) this.#head[this.#headFilled++] = bytes[offset + i] as number;
      return;
    }
    if (this.#opcode === OPCODE.ping || this.#opcode === OPCODE.pong) return;
    const target = isControl ? this.#closeBytes : this.#collected;
    for (let i = 0; i < count && target.length < TEXT_LIMIT_BYTES; i++) target.push(bytes[offset + i] as number);
  }

  #endFrame(): void {
    this.#remaining = -1;
    this.#headerFilled = 0;
    this.#headerBytes = 2;
    if (this.#opcode === OPCODE.ping) this.pingCount++;
    else if (this.#opcode === OPCODE.close) {
      const [high, low] = this.#closeBytes;
      this.closeCode = high === undefined || low === undefined ? 1005 : high * 256 + low;
    } else if (this.#opcode < OPCODE.close && this.#isFinal) this.#endMessage();
  }

  #endMessage(): void {
    if (this.#messageOpcode === OPCODE.binary) {
      this.binaryMessageCount++;
      this.#handlers.onBinary?.(this.#messageBytes, this.#head.subarray(0, this.#headFilled));
      return;
    }
    this.textMessageCount++;
    const bytes = Uint8Array.from(this.#collected);
    this.#collected = [];
    this.#handlers.onText?.(new TextDecoder().decode(bytes));
  }
}
