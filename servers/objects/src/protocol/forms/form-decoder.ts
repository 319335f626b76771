import { concatBytes } from "@kagami/bytes";
import { S3Error } from "../errors.ts";
import { type FormFields, MAX_FORM_FIELDS, type PartHead, parsePartHead } from "./form-fields.ts";

/** Everything before the bytes of the file, at most. @see Amazon S3 API Reference, "POST Object" */
export const MAX_FORM_BYTES_BEFORE_FILE = 20 * 1_024;

const CR = 0x0d;
const LF = 0x0a;
const HYPHEN = 0x2d;
const HEAD_END = Uint8Array.of(CR, LF, CR, LF);
const NOTHING = new Uint8Array(0);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Takes a `multipart/form-data` body in any pieces: first fields, which are kept, then the file, whose bytes are given
 * as views of what came in. Fields behind the file are passed over, as S3 does.
 *
 * ```
 * --boundary CRLF head CRLF CRLF value CRLF --boundary … head CRLF CRLF file CRLF --boundary-- CRLF
 * ```
 *
 * Before the file, bytes are gathered in one small array, and a field is read when all of it is there. In the file, only
 * the bytes that may begin the delimiter are held back.
 */
export class FormDecoder {
  /** CRLF, two hyphens, the boundary. The first of a body has no CRLF, so one is put before the body. */
  readonly #delimiter: Uint8Array;
  readonly #values = new Map<string, string>();
  #gathered: Uint8Array = new Uint8Array(MAX_FORM_BYTES_BEFORE_FILE + 2);
  #gatheredBytes = 2;
  /** Where the delimiter before the next field stands in what was gathered. */
  #at = 0;
  /** Of the field that is being read, once it is there. */
  #head: PartHead | undefined;
  #valueStart = 0;
  /** Before this, what is searched for does not begin. */
  #searchedTo = 0;
  #fields: FormFields | undefined;
  #isFileDone = false;
  #held: Uint8Array = NOTHING;

  /** @param boundary See `parseBoundary`. */
  constructor(boundary: string) {
    this.#delimiter = encoder.encode(`\r\n--${boundary}`);
    this.#gathered.set([CR, LF]);
  }

  /** The fields; undefined until the file begins. */
  get fields(): FormFields | undefined {
    return this.#fields;
  }

  /** How many bytes were taken and not given yet, because they may begin the delimiter. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /**
   * Takes the next bytes and returns those of the file among them.
   *
   * @throws S3Error MalformedPOSTRequest, MaxPostPreDataLengthExceededError, IncorrectNumberOfFilesInPostRequest (none).
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    if (this.#fields !== undefined) {
      this.#takeFile(bytes, pieces);
      return pieces;
    }
    const taken = Math.min(bytes.length, this.#gathered.length - this.#gatheredBytes);
    this.#gathered.set(bytes.subarray(0, taken), this.#gatheredBytes);
    this.#gatheredBytes += taken;
    const fileStart = this.#readFields();
    if (fileStart === undefined) {
      if (this.#gatheredBytes === this.#gathered.length) throw new S3Error("MaxPostPreDataLengthExceededError");
      return pieces;
    }
    this.#takeFile(this.#gathered.subarray(fileStart, this.#gatheredBytes), pieces);
    this.#takeFile(bytes.subarray(taken), pieces);
    this.#gathered = NOTHING;
    return pieces;
  }

  /** Says that the body has ended. @throws S3Error MalformedPOSTRequest if the file has not. */
  finish(): void {
    if (!this.#isFileDone) throw new S3Error("MalformedPOSTRequest");
  }

  /** Reads the fields that are whole; returns where the file begins once its head is there. */
  #readFields(): number | undefined {
    const bytes = this.#gathered.subarray(0, this.#gatheredBytes);
    for (;;) {
      if (this.#head === undefined && !this.#readHead(bytes)) return undefined;
      const head = this.#head as PartHead;
      if (head.name === "file") {
        this.#beginFile(head);
        return this.#valueStart;
      }
      const valueEnd = this.#find(bytes, this.#delimiter, this.#valueStart);
      if (valueEnd < 0) return undefined;
      this.#addField(head.name, decodeText(bytes.subarray(this.#valueStart, valueEnd)));
      this.#at = valueEnd;
      this.#head = undefined;
    }
  }

  #readHead(bytes: Uint8Array): boolean {
    const headStart = this.#headStart(bytes);
    const headEnd = headStart === undefined ? -1 : this.#find(bytes, HEAD_END, headStart);
    if (headStart === undefined || headEnd < 0) return false;
    this.#head = parsePartHead(decodeText(bytes.subarray(headStart, headEnd)));
    this.#valueStart = headEnd + HEAD_END.length;
    return true;
  }

  /** Goes on where it ended in vain the last time, so that a body of tiny pieces is not searched again and again. */
  #find(bytes: Uint8Array, sequence: Uint8Array, from: number): number {
    const found = indexOfSequence(bytes, sequence, Math.max(from, this.#searchedTo));
    this.#searchedTo = found < 0 ? Math.max(from, bytes.length - sequence.length + 1) : 0;
    return found;
  }

  /** Where the line of the next delimiter ends; undefined if more bytes are needed. */
  #headStart(bytes: Uint8Array): number | undefined {
    const end = this.#at + this.#delimiter.length;
    // What has come must begin the delimiter, or the body is refused at once.
    if (!startsWith(bytes, this.#delimiter, this.#at)) throw new S3Error("MalformedPOSTRequest");
    if (bytes.length < end + 2) return undefined;
    if (bytes[end] === HYPHEN && bytes[end + 1] === HYPHEN) throw new S3Error("IncorrectNumberOfFilesInPostRequest");
    if (bytes[end] !== CR || bytes[end + 1] !== LF) throw new S3Error("MalformedPOSTRequest");
    return end + 2;
  }

  #addField(name: string, value: string): void {
    // Of two fields of one name, policy and handler could take different ones.
    if (this.#values.has(name) || this.#values.size === MAX_FORM_FIELDS) throw new S3Error("MalformedPOSTRequest");
    this.#values.set(name, value);
  }

  #beginFile(head: PartHead): void {
    const fileType = this.#values.has("policy") ? undefined : head.contentType;
    this.#fields = { values: this.#values, fileName: head.fileName ?? "", fileType };
  }

  #takeFile(given: Uint8Array, pieces: Uint8Array[]): void {
    if (this.#isFileDone || given.length === 0) return;
    const bytes = this.#held.length === 0 ? given : concatBytes([this.#held, given]);
    this.#held = NOTHING;
    let end = bytes.indexOf(CR);
    while (end >= 0 && !startsWith(bytes, this.#delimiter, end)) end = bytes.indexOf(CR, end + 1);
    if (end < 0) end = bytes.length;
    else if (end + this.#delimiter.length <= bytes.length) this.#isFileDone = true;
    // A copy, since the caller may use its array again.
    else this.#held = bytes.slice(end);
    if (end > 0) pieces.push(end === bytes.length ? bytes : bytes.subarray(0, end));
  }
}

/** Whether `bytes` from `at` on begins with `sequence`, or is cut where it could. */
function startsWith(bytes: Uint8Array, sequence: Uint8Array, at: number): boolean {
  const count = Math.min(sequence.length, bytes.length - at);
  for (let i = 0; i < count; i++) if (bytes[at + i] !== sequence[i]) return false;
  return true;
}

/** Where the whole `sequence` stands, from `from` on; -1 if nowhere. It begins with CR. */
function indexOfSequence(bytes: Uint8Array, sequence: Uint8Array, from: number): number {
  let at = bytes.indexOf(CR, from);
  while (at >= 0) {
    if (at + sequence.length > bytes.length) return -1;
    if (startsWith(bytes, sequence, at)) return at;
    at = bytes.indexOf(CR, at + 1);
  }
  return -1;
}

function decodeText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (cause) {
    throw new S3Error("MalformedPOSTRequest", { cause });
  }
  // As in paths: no key holds NUL.
  if (text.includes("\0")) throw new S3Error("MalformedPOSTRequest");
  return text;
}
