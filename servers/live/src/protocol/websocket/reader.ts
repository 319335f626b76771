import { CONTROL_LIMIT_BYTES, isCloseCode, OPCODE } from "./frame.ts";

/** `code` is API: never renamed, never reused. */
export type WebSocketViolationCode =
  | "WEBSOCKET_NOT_MASKED"
  | "WEBSOCKET_RESERVED_BITS"
  | "WEBSOCKET_OPCODE"
  | "WEBSOCKET_CONTROL"
  | "WEBSOCKET_LENGTH"
  | "WEBSOCKET_FRAGMENTS"
  | "WEBSOCKET_TOO_LARGE"
  | "WEBSOCKET_UTF8"
  | "WEBSOCKET_CLOSE";

export type WebSocketEvent =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "binary"; readonly bytes: Uint8Array }
  /** Answer with a pong of the same bytes. */
  | { readonly kind: "ping"; readonly bytes: Uint8Array }
  | { readonly kind: "pong"; readonly bytes: Uint8Array }
  /** The peer closes; 1005 if it gave no code. Answer with a close frame of the same code, or 1000. */
  | { readonly kind: "close"; readonly code: number; readonly reason: string }
  /** The peer broke the protocol or a limit: send a close frame with `closeCode` and close the connection. */
  | {
      readonly kind: "violation";
      readonly closeCode: number;
      readonly code: WebSocketViolationCode;
      readonly message: string;
    };

export interface WebSocketLimits {
  /** Bytes of one message, all its fragments together. */
  readonly messageBytes: number;
  /** Frames of one message. */
  readonly fragmentCount: number;
}

export const DEFAULT_WEBSOCKET_LIMITS: WebSocketLimits = { messageBytes: 64 * 1024, fragmentCount: 64 };

const NO_EVENTS: readonly WebSocketEvent[] = [];
/** Header with the longest length and the mask. */
const HEADER_LIMIT_BYTES = 14;
const FIRST_BUFFER_BYTES = 1_024;

/**
 * Reads the frames of one client, in any pieces. Bytes are copied once, while they are unmasked; events own their
 * bytes. After a `close` or a `violation` the rest is passed over. Memory grows with what has arrived, never with what
 * a header promises.
 *
 *     push(bytes) -> header complete? -> checked -> payload unmasked into #message or #control -> event
 *
 * @see RFC 6455 §5, §7.4, §8.1
 */
export class WebSocketReader {
  readonly #limits: WebSocketLimits;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  readonly #header = new Uint8Array(HEADER_LIMIT_BYTES);
  #headerFilled = 0;
  /** Bytes of the whole header; 2 until the second byte says more. */
  #headerBytes = 2;
  #opcode = 0;
  #isFinal = false;
  #remaining = 0;
  /** Position in the payload of this frame, for the mask. */
  #payloadOffset = 0;
  #isInPayload = false;
  /** Opcode of the message under way, or 0. */
  #messageOpcode = 0;
  #message = new Uint8Array(0);
  #messageFilled = 0;
  #fragmentCount = 0;
  readonly #control = new Uint8Array(CONTROL_LIMIT_BYTES);
  #controlFilled = 0;
  #isDone = false;

  constructor(limits: Partial<WebSocketLimits> = {}) {
    this.#limits = { ...DEFAULT_WEBSOCKET_LIMITS, ...limits };
  }

  /** Whether a close or a violation has been told: nothing more will come. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Takes the next bytes of the connection; they are not kept. */
  push(bytes: Uint8Array): readonly WebSocketEvent[] {
    let events: WebSocketEvent[] | undefined;
    let offset = 0;
    while (!this.#isDone) {
      let event: WebSocketEvent | undefined;
      if (this.#isInPayload) {
        const count = Math.min(this.#remaining, bytes.length - offset);
        this.#unmask(bytes, offset, count);
        offset += count;
        if (this.#remaining > 0) break;
        event = this.#endFrame();
      } else {
        if (offset >= bytes.length) break;
        offset = this.#fillHeader(bytes, offset);
        if (this.#headerFilled < this.#headerBytes) continue;
        event = this.#beginFrame();
      }
      if (event === undefined) continue;
      if (event.kind === "close" || event.kind === "violation") this.#finish();
      if (events === undefined) events = [event];
      else events.push(event);
    }
    return events ?? NO_EVENTS;
  }

  #finish(): void {
    this.#isDone = true;
    this.#message = new Uint8Array(0);
  }

  #fillHeader(bytes: Uint8Array, from: number): number {
    const header = this.#header;
    let offset = from;
    while (offset < bytes.length && this.#headerFilled < this.#headerBytes) {
      header[this.#headerFilled++] = bytes[offset++] as number;
      if (this.#headerFilled === 2) {
        const second = header[1] as number;
        const length = second & 0x7f;
        this.#headerBytes = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0);
      }
    }
    return offset;
  }

  /** Checks a complete header (§5.2, §5.4, §5.5). */
  #beginFrame(): WebSocketEvent | undefined {
    const first = this.#header[0] as number;
    const second = this.#header[1] as number;
    const opcode = first & 0x0f;
    const isFinal = (first & 0x80) !== 0;
    const length = this.#length(second & 0x7f);
    if ((first & 0x70) !== 0) return violation(1002, "WEBSOCKET_RESERVED_BITS", "No extension is agreed on");
    if ((second & 0x80) === 0) return violation(1002, "WEBSOCKET_NOT_MASKED", "Client frames must be masked");
    if (length === undefined) return violation(1002, "WEBSOCKET_LENGTH", "The length is not in its shortest form");
    if (opcode >= OPCODE.close) {
      if (opcode > OPCODE.pong) return violation(1002, "WEBSOCKET_OPCODE", `Opcode ${opcode} is reserved`);
      if (!isFinal || length > CONTROL_LIMIT_BYTES) {
        return violation(1002, "WEBSOCKET_CONTROL", "A control frame is whole and has at most 125 bytes");
      }
    } else {
      const refused = this.#beginData(opcode, length);
      if (refused !== undefined) return refused;
    }
    this.#opcode = opcode;
    this.#isFinal = isFinal;
    this.#remaining = length;
    this.#payloadOffset = 0;
    this.#controlFilled = 0;
    this.#isInPayload = true;
    return undefined;
  }

  /** Takes a data frame into the message under way, or begins one. */
  #beginData(opcode: number, length: number): WebSocketEvent | undefined {
    if (opcode > OPCODE.binary) return violation(1002, "WEBSOCKET_OPCODE", `Opcode ${opcode} is reserved`);
    if ((opcode === OPCODE.continuation) !== (this.#messageOpcode !== 0)) {
      return violation(
        1002,
        "WEBSOCKET_FRAGMENTS",
        "A continuation must follow an unfinished message, and nothing else may",
      );
    }
    if (opcode !== OPCODE.continuation) {
      this.#messageOpcode = opcode;
      this.#messageFilled = 0;
      this.#fragmentCount = 0;
    }
    const { messageBytes, fragmentCount } = this.#limits;
    if (this.#messageFilled + length > messageBytes) {
      return violation(1009, "WEBSOCKET_TOO_LARGE", `A message may have ${messageBytes} bytes: send less at a time`);
    }
    if (++this.#fragmentCount > fragmentCount) {
      return violation(1009, "WEBSOCKET_TOO_LARGE", `A message may have ${fragmentCount} frames: send larger ones`);
    }
    return undefined;
  }

  /** @returns `undefined` if fewer bytes would have done, or the top bit is set. */
  #length(short: number): number | undefined {
    if (short < 126) return short;
    const view = new DataView(this.#header.buffer);
    if (short === 126) {
      const length = view.getUint16(2);
      return length < 126 ? undefined : length;
    }
    const high = view.getUint32(2);
    const length = high * 0x1_0000_0000 + view.getUint32(6);
    return length < 0x10000 || high >= 0x8000_0000 ? undefined : length;
  }

  #unmask(bytes: Uint8Array, from: number, count: number): void {
    const isControl = this.#opcode >= OPCODE.close;
    if (!isControl) this.#reserve(this.#messageFilled + count);
    const target = isControl ? this.#control : this.#message;
    const start = isControl ? this.#controlFilled : this.#messageFilled;
    const header = this.#header;
    const mask = this.#headerBytes - 4;
    const phase = this.#payloadOffset;
    for (let i = 0; i < count; i++) {
      target[start + i] = (bytes[from + i] as number) ^ (header[mask + ((phase + i) & 3)] as number);
    }
    if (isControl) this.#controlFilled += count;
    else this.#messageFilled += count;
    this.#payloadOffset += count;
    this.#remaining -= count;
  }

  #reserve(size: number): void {
    if (size <= this.#message.length) return;
    const grown = new Uint8Array(
      Math.max(size, FIRST_BUFFER_BYTES, Math.min(this.#message.length * 2, this.#limits.messageBytes)),
    );
    grown.set(this.#message.subarray(0, this.#messageFilled));
    this.#message = grown;
  }

  #endFrame(): WebSocketEvent | undefined {
    this.#isInPayload = false;
    this.#headerFilled = 0;
    this.#headerBytes = 2;
    if (this.#opcode >= OPCODE.close) return this.#endControl(this.#control.slice(0, this.#controlFilled));
    if (!this.#isFinal) return undefined;
    const opcode = this.#messageOpcode;
    this.#messageOpcode = 0;
    if (opcode === OPCODE.binary) return { kind: "binary", bytes: this.#message.slice(0, this.#messageFilled) };
    const text = this.#decode(this.#message.subarray(0, this.#messageFilled));
    return text === undefined
      ? violation(1007, "WEBSOCKET_UTF8", "A text message must be UTF-8")
      : { kind: "text", text };
  }

  #endControl(bytes: Uint8Array): WebSocketEvent {
    if (this.#opcode === OPCODE.ping) return { kind: "ping", bytes };
    if (this.#opcode === OPCODE.pong) return { kind: "pong", bytes };
    if (bytes.length === 0) return { kind: "close", code: 1005, reason: "" };
    const code = bytes.length === 1 ? 0 : (bytes[0] as number) * 256 + (bytes[1] as number);
    if (!isCloseCode(code)) return violation(1002, "WEBSOCKET_CLOSE", `${code} is no close code`);
    const reason = this.#decode(bytes.subarray(2));
    if (reason === undefined) return violation(1007, "WEBSOCKET_UTF8", "A close reason must be UTF-8");
    return { kind: "close", code, reason };
  }

  #decode(bytes: Uint8Array): string | undefined {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      // The only way the platform tells of bytes that are not UTF-8.
      return undefined;
    }
  }
}

function violation(closeCode: number, code: WebSocketViolationCode, message: string): WebSocketEvent {
  return { kind: "violation", closeCode, code, message };
}
