import { readU32, writeU32 } from "@kagami/bytes";
import { checkReply, checkRequest } from "./check.ts";
import type { FilterReply, FilterRequest } from "./messages.ts";

/*
 * A message is its size in bytes after these four, a type, and what the type says; integers are big-endian.
 *
 *   picture | size 4 | 1 | stream 4 | sequence 4 | ptsUs 8 | flags 1 | data ...
 *   replace | size 4 | 2 | stream 4 | sequence 4 | ptsUs 8 | flags 1 | data ...
 *   pass    | size 4 | 3 | stream 4 | sequence 4 |
 *   drop    | size 4 | 4 | stream 4 | sequence 4 |
 *   others  | size 4 | 5 | JSON size 4 | JSON ... | data ...
 *
 * Both ends are of one version and on one machine, so there is no negotiation; a message that cannot be is a bug or a
 * damaged process, and ends the connection.
 */

const PICTURE = 1;
const REPLACE = 2;
const PASS = 3;
const DROP = 4;
const JSON_MESSAGE = 5;

const FLAG_KEY = 1;
const FLAG_REPLAY = 2;

const SIZE_BYTES = 4;
const CODED_HEAD_BYTES = 18; // type to flags
const MARK_BYTES = 9;
const JSON_HEAD_BYTES = 5;
const JSON_LIMIT_BYTES = 1 << 20;

/** A message may have this many bytes, its size field not counted. */
export const FILTER_MESSAGE_LIMIT_BYTES = 16 * 1_048_576;

/** The other end sent something that is no message; nothing after it can be read. */
export interface FilterWireFault {
  readonly kind: "fault";
  readonly message: string;
}

/**
 * A request's bytes in pieces, to be written one after the other. The last one may be the request's own data.
 *
 * @throws RangeError if it is over `FILTER_MESSAGE_LIMIT_BYTES`.
 */
export function encodeFilterRequest(request: FilterRequest): Uint8Array[] {
  if (request.kind === "picture") {
    const flags = (request.isKey ? FLAG_KEY : 0) | (request.isReplay ? FLAG_REPLAY : 0);
    return coded(PICTURE, request, flags);
  }
  if (request.kind !== "config") return json(request);
  const { record, ...rest } = request;
  return json(rest, record);
}

/** As `encodeFilterRequest`, of a reply. */
export function encodeFilterReply(reply: FilterReply): Uint8Array[] {
  switch (reply.kind) {
    case "replace":
      return coded(REPLACE, reply, reply.isKey ? FLAG_KEY : 0);
    case "pass":
      return mark(PASS, reply);
    case "drop":
      return mark(DROP, reply);
    case "config": {
      const { record, ...rest } = reply;
      return json(rest, record);
    }
    case "preview": {
      const { jpeg, ...rest } = reply;
      return json(rest, jpeg);
    }
    default:
      return json(reply);
  }
}

/** Reads the relay's requests out of a stream of bytes. */
export function createFilterRequestReader(): FilterMessageReader<FilterRequest> {
  return new FilterMessageReader(decodeRequest);
}

/** Reads a filter process's replies out of a stream of bytes. */
export function createFilterReplyReader(): FilterMessageReader<FilterReply> {
  return new FilterMessageReader(decodeReply);
}

/** Puts messages together from pieces of any size. Holds one message at the most, so `FILTER_MESSAGE_LIMIT_BYTES`. */
export class FilterMessageReader<Message> {
  readonly #decode: (body: Uint8Array) => Message | string;
  readonly #size = new Uint8Array(SIZE_BYTES);
  #sizeFilled = 0;
  /** Of the message being read; made when its size is known. */
  #body: Uint8Array | undefined;
  #bodyFilled = 0;
  #hasFailed = false;

  constructor(decode: (body: Uint8Array) => Message | string) {
    this.#decode = decode;
  }

  /** @returns The messages that are complete now; they do not alias `bytes`. After a fault there are no more. */
  push(bytes: Uint8Array): (Message | FilterWireFault)[] {
    const out: (Message | FilterWireFault)[] = [];
    for (let offset = 0; offset < bytes.length && !this.#hasFailed; ) {
      if (this.#body === undefined) {
        const taken = Math.min(SIZE_BYTES - this.#sizeFilled, bytes.length - offset);
        this.#size.set(bytes.subarray(offset, offset + taken), this.#sizeFilled);
        this.#sizeFilled += taken;
        offset += taken;
        if (this.#sizeFilled < SIZE_BYTES) break;
        const sizeBytes = readU32(this.#size, 0);
        if (sizeBytes === 0 || sizeBytes > FILTER_MESSAGE_LIMIT_BYTES) {
          out.push(this.#fail(`A message of ${sizeBytes} bytes; 1 to ${FILTER_MESSAGE_LIMIT_BYTES} are allowed`));
          break;
        }
        this.#body = new Uint8Array(sizeBytes);
        this.#bodyFilled = 0;
      }
      const body = this.#body;
      const taken = Math.min(body.length - this.#bodyFilled, bytes.length - offset);
      body.set(bytes.subarray(offset, offset + taken), this.#bodyFilled);
      this.#bodyFilled += taken;
      offset += taken;
      if (this.#bodyFilled < body.length) break;
      this.#body = undefined;
      this.#sizeFilled = 0;
      const message = this.#decode(body);
      out.push(typeof message === "string" ? this.#fail(message) : message);
    }
    return out;
  }

  #fail(message: string): FilterWireFault {
    this.#hasFailed = true;
    this.#body = undefined;
    return { kind: "fault", message };
  }
}

interface CodedFields {
  readonly streamId: number;
  readonly sequence: number;
  readonly ptsUs: number;
  readonly data: Uint8Array;
}

function coded(type: number, { streamId, sequence, ptsUs, data }: CodedFields, flags: number): Uint8Array[] {
  const head = startMessage(type, CODED_HEAD_BYTES, data.length);
  writeU32(head, SIZE_BYTES + 1, streamId);
  writeU32(head, SIZE_BYTES + 5, sequence);
  viewOf(head).setFloat64(SIZE_BYTES + 9, ptsUs);
  head[SIZE_BYTES + 17] = flags;
  return data.length > 0 ? [head, data] : [head];
}

function mark(type: number, { streamId, sequence }: { streamId: number; sequence: number }): Uint8Array[] {
  const head = startMessage(type, MARK_BYTES, 0);
  writeU32(head, SIZE_BYTES + 1, streamId);
  writeU32(head, SIZE_BYTES + 5, sequence);
  return [head];
}

function json(value: object, data?: Uint8Array): Uint8Array[] {
  const text = new TextEncoder().encode(JSON.stringify(value));
  if (text.length > JSON_LIMIT_BYTES) throw new RangeError(`Cannot send ${text.length} bytes of JSON in one message`);
  const head = startMessage(JSON_MESSAGE, JSON_HEAD_BYTES, text.length + (data?.length ?? 0));
  writeU32(head, SIZE_BYTES + 1, text.length);
  return data === undefined ? [head, text] : [head, text, data];
}

function startMessage(type: number, headBytes: number, restBytes: number): Uint8Array {
  const sizeBytes = headBytes + restBytes;
  if (sizeBytes > FILTER_MESSAGE_LIMIT_BYTES) {
    throw new RangeError(`Cannot send a message of ${sizeBytes} bytes: ${FILTER_MESSAGE_LIMIT_BYTES} is the most`);
  }
  const head = new Uint8Array(SIZE_BYTES + headBytes);
  writeU32(head, 0, sizeBytes);
  head[SIZE_BYTES] = type;
  return head;
}

function decodeRequest(body: Uint8Array): FilterRequest | string {
  if (body[0] === JSON_MESSAGE) return decodeJson(body, checkRequest);
  if (body[0] !== PICTURE || body.length < CODED_HEAD_BYTES)
    return `No request has type ${body[0]} in ${body.length} bytes`;
  const { flags, ...fields } = readCoded(body);
  if (!Number.isSafeInteger(fields.ptsUs)) return "A picture's time is no whole number of microseconds";
  return { kind: "picture", ...fields, isKey: (flags & FLAG_KEY) !== 0, isReplay: (flags & FLAG_REPLAY) !== 0 };
}

function decodeReply(body: Uint8Array): FilterReply | string {
  const [type] = body;
  if (type === JSON_MESSAGE) return decodeJson(body, checkReply);
  if ((type === PASS || type === DROP) && body.length === MARK_BYTES) {
    const kind = type === PASS ? "pass" : "drop";
    return { kind, streamId: readU32(body, 1), sequence: readU32(body, 5) };
  }
  if (type !== REPLACE || body.length < CODED_HEAD_BYTES) return `No reply has type ${type} in ${body.length} bytes`;
  const { flags, ...fields } = readCoded(body);
  if (!Number.isSafeInteger(fields.ptsUs)) return "A picture's time is no whole number of microseconds";
  return { kind: "replace", ...fields, isKey: (flags & FLAG_KEY) !== 0 };
}

function readCoded(body: Uint8Array): CodedFields & { readonly flags: number } {
  return {
    streamId: readU32(body, 1),
    sequence: readU32(body, 5),
    ptsUs: viewOf(body).getFloat64(9),
    flags: body[17] as number,
    data: body.subarray(CODED_HEAD_BYTES),
  };
}

function decodeJson<Message>(
  body: Uint8Array,
  check: (value: unknown, data: Uint8Array) => Message | string,
): Message | string {
  const sizeBytes = body.length >= JSON_HEAD_BYTES ? readU32(body, 1) : body.length;
  const end = JSON_HEAD_BYTES + sizeBytes;
  if (end > body.length || sizeBytes > JSON_LIMIT_BYTES)
    return `JSON of ${sizeBytes} bytes in a message of ${body.length}`;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body.subarray(JSON_HEAD_BYTES, end)));
  } catch (error) {
    return `A message is not JSON: ${(error as Error).message}`;
  }
  return check(value, body.subarray(end));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
