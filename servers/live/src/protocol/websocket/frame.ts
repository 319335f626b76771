/** RFC 6455 §5.2. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Payload of a control frame, in bytes (§5.5). */
export const CONTROL_LIMIT_BYTES = 125;

const encoder = new TextEncoder();

/** Bytes of the header of an unmasked frame, binary or other: 2, 4 or 10. */
export function binaryHeaderSize(length: number): number {
  return length < 126 ? 2 : length < 0x10000 ? 4 : 10;
}

/**
 * Writes the header of an unmasked, unfragmented frame.
 *
 * @param length Bytes of payload that follow.
 * @returns Offset after the header.
 * @throws RangeError if `target` is too small.
 * @see RFC 6455 §5.2
 */
export function writeHeader(target: Uint8Array, offset: number, opcode: number, length: number): number {
  const endOffset = offset + binaryHeaderSize(length);
  if (endOffset > target.length) {
    throw new RangeError(`Cannot write a frame header up to byte ${endOffset}: the target has ${target.length}`);
  }
  target[offset] = 0x80 | opcode;
  if (length < 126) {
    target[offset + 1] = length;
  } else if (length < 0x10000) {
    target[offset + 1] = 126;
    target[offset + 2] = length >>> 8;
    target[offset + 3] = length;
  } else {
    target[offset + 1] = 127;
    // JavaScript shifts know 32 bits only.
    const high = Math.floor(length / 0x1_0000_0000);
    for (let i = 0; i < 4; i++) {
      target[offset + 2 + i] = high >>> (24 - 8 * i);
      target[offset + 6 + i] = length >>> (24 - 8 * i);
    }
  }
  return endOffset;
}

/** Writes the header of a binary message in front of a payload that is, or will be, in the same buffer. */
export function writeBinaryHeader(target: Uint8Array, offset: number, length: number): number {
  return writeHeader(target, offset, OPCODE.binary, length);
}

/** The header alone, to be written to every viewer's socket before the one shared payload. */
export function binaryFrameHeader(length: number): Uint8Array {
  const header = new Uint8Array(binaryHeaderSize(length));
  writeHeader(header, 0, OPCODE.binary, length);
  return header;
}

/** A whole unmasked frame. Server frames have no mask, so one buffer serves every viewer. */
export function encodeFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(binaryHeaderSize(payload.length) + payload.length);
  frame.set(payload, writeHeader(frame, 0, opcode, payload.length));
  return frame;
}

/** A text message. Lone surrogates become U+FFFD, so that it is always valid UTF-8. */
export function encodeText(text: string): Uint8Array {
  return encodeFrame(OPCODE.text, encoder.encode(text));
}

/**
 * A close frame.
 *
 * @param code See `isCloseCode`.
 * @param reason Cut to 123 bytes, between characters.
 * @throws RangeError if the code must not be sent.
 */
export function encodeClose(code: number, reason = ""): Uint8Array {
  if (!isCloseCode(code))
    throw new RangeError(`Cannot close with ${code}: not a code that may be sent (RFC 6455 §7.4)`);
  const payload = new Uint8Array(CONTROL_LIMIT_BYTES);
  payload[0] = code >>> 8;
  payload[1] = code;
  const { written } = encoder.encodeInto(reason, payload.subarray(2));
  return encodeFrame(OPCODE.close, payload.subarray(0, 2 + written));
}

/** @throws RangeError if the payload is over 125 bytes. */
export function encodePing(payload: Uint8Array = EMPTY): Uint8Array {
  return encodeControl(OPCODE.ping, payload);
}

/** @param payload That of the ping it answers. @throws RangeError if it is over 125 bytes. */
export function encodePong(payload: Uint8Array = EMPTY): Uint8Array {
  return encodeControl(OPCODE.pong, payload);
}

/** Whether a close frame may carry this code: not the reserved ones, 1005 and 1006 above all. @see RFC 6455 §7.4 */
export function isCloseCode(code: number): boolean {
  if (code >= 3000 && code <= 4999) return Number.isInteger(code);
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

const EMPTY = new Uint8Array(0);

function encodeControl(opcode: number, payload: Uint8Array): Uint8Array {
  if (payload.length > CONTROL_LIMIT_BYTES) {
    throw new RangeError(`Cannot send ${payload.length} bytes in a control frame: ${CONTROL_LIMIT_BYTES} is the limit`);
  }
  return encodeFrame(opcode, payload);
}
