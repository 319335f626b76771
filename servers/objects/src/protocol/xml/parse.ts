import { S3Error } from "../errors.ts";
import { readReference } from "./references.ts";

/** Documents of requests are at most so large unless their reader allows more. */
export const MAX_XML_BYTES = 1 << 20;
/** Elements nest at most so deep … */
export const MAX_XML_DEPTH = 16;
/** … are so many … */
export const MAX_XML_ELEMENTS = 80_000;
/** … and have so many attributes each. */
export const MAX_XML_ATTRIBUTES = 8;

/** An element: either text or elements are inside, never both. */
export interface XmlElement {
  /** Without its namespace prefix. */
  readonly name: string;
  /** Decoded; empty if there are children. */
  readonly text: string;
  readonly children: readonly XmlElement[];
  /** By name as written, namespace prefix included. */
  readonly attributes: ReadonlyMap<string, string>;
}

interface OpenElement {
  readonly tag: string;
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
  readonly attributes: ReadonlyMap<string, string>;
}

const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();
const utf8 = new TextDecoder("utf-8", { fatal: true });
const NAME = /[A-Za-z_][A-Za-z0-9_.:-]{0,127}/y;
const WHITE = /[ \t\r\n]*/y;
const DECLARATION =
  /^<\?xml[ \t\r\n]+version=["']1\.[01]["'](?:[ \t\r\n]+encoding=["']utf-?8["'])?(?:[ \t\r\n]+standalone=["'](?:yes|no)["'])?[ \t\r\n]*\?>/i;

/**
 * Reads a document of UTF-8 into its root element. It is strict and small on purpose: no document type, no processing
 * instructions, no entities but the five, no text beside elements. Comments and CDATA are understood.
 *
 * @param maxBytes See {@link MAX_XML_BYTES}; a completed upload of 10,000 parts takes more.
 * @throws S3Error MalformedXML; MaxMessageLengthExceeded if it is too large.
 */
export function parseXml(bytes: Uint8Array, maxBytes: number = MAX_XML_BYTES): XmlElement {
  if (bytes.length > maxBytes) throw new S3Error("MaxMessageLengthExceeded");
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (cause) {
    throw new S3Error("MalformedXML", { cause });
  }
  return new Parser(text).parse();
}

function malformed(): S3Error {
  return new S3Error("MalformedXML");
}

/** Walks once over the text; the open elements are its only memory. */
class Parser {
  readonly #text: string;
  #at = 0;
  readonly #open: OpenElement[] = [];
  #root: XmlElement | undefined;
  #elementCount = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): XmlElement {
    this.#at = DECLARATION.exec(this.#text)?.[0].length ?? 0;
    while (this.#at < this.#text.length) {
      const next = this.#text.indexOf("<", this.#at);
      const end = next < 0 ? this.#text.length : next;
      if (end > this.#at) this.#takeText(decodeText(this.#text.slice(this.#at, end)));
      this.#at = end;
      if (next >= 0) this.#takeMarkup();
    }
    if (this.#root === undefined || this.#open.length > 0) throw malformed();
    return this.#root;
  }

  #takeText(text: string): void {
    const parent = this.#open.at(-1);
    if (parent === undefined) {
      if (!isWhite(text)) throw malformed();
    } else parent.text += text;
  }

  #takeMarkup(): void {
    const following = this.#text.charCodeAt(this.#at + 1);
    if (following === 0x2f) this.#takeEndTag();
    else if (following === 0x21) this.#takeSpecial();
    else this.#takeStartTag();
  }

  /** A comment or CDATA; everything else behind `<!` is refused, a document type above all. */
  #takeSpecial(): void {
    if (this.#text.startsWith("<!--", this.#at)) {
      this.#at = this.#endOf("-->", this.#at + 4);
      return;
    }
    if (!this.#text.startsWith("<![CDATA[", this.#at) || this.#open.length === 0) throw malformed();
    const start = this.#at + 9;
    this.#at = this.#endOf("]]>", start);
    this.#takeText(this.#text.slice(start, this.#at - 3));
  }

  #endOf(mark: string, from: number): number {
    const at = this.#text.indexOf(mark, from);
    if (at < 0) throw malformed();
    return at + mark.length;
  }

  #takeStartTag(): void {
    this.#at++;
    const tag = this.#match(NAME);
    if (tag === "" || this.#root !== undefined) throw malformed();
    if (++this.#elementCount > MAX_XML_ELEMENTS || this.#open.length >= MAX_XML_DEPTH) throw malformed();
    const attributes = this.#takeAttributes();
    this.#open.push({ tag, name: tag.slice(tag.indexOf(":") + 1), text: "", children: [], attributes });
    if (this.#text.startsWith("/>", this.#at)) {
      this.#at += 2;
      this.#close();
    } else if (this.#text.charCodeAt(this.#at) === 0x3e) this.#at++;
    else throw malformed();
  }

  #takeAttributes(): ReadonlyMap<string, string> {
    let attributes: Map<string, string> | undefined;
    for (;;) {
      const white = this.#match(WHITE);
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x3e || code === 0x2f) return attributes ?? NO_ATTRIBUTES;
      const name = white === "" ? "" : this.#match(NAME);
      if (name === "") throw malformed();
      this.#match(WHITE);
      if (this.#text.charCodeAt(this.#at++) !== 0x3d) throw malformed();
      this.#match(WHITE);
      const value = this.#takeQuoted();
      attributes ??= new Map();
      if (attributes.has(name) || attributes.size === MAX_XML_ATTRIBUTES) throw malformed();
      attributes.set(name, value);
    }
  }

  #takeQuoted(): string {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") throw malformed();
    const start = this.#at + 1;
    this.#at = this.#endOf(quote, start);
    const raw = this.#text.slice(start, this.#at - 1);
    if (raw.includes("<")) throw malformed();
    return decodeText(raw);
  }

  #takeEndTag(): void {
    this.#at += 2;
    const tag = this.#match(NAME);
    this.#match(WHITE);
    if (this.#text.charCodeAt(this.#at++) !== 0x3e || this.#open.at(-1)?.tag !== tag) throw malformed();
    this.#close();
  }

  #close(): void {
    const { name, text, children, attributes } = this.#open.pop() as OpenElement;
    if (children.length > 0 && !isWhite(text)) throw malformed();
    const element: XmlElement = { name, text: children.length > 0 ? "" : text, children, attributes };
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = element;
    else parent.children.push(element);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }
}

function isWhite(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code !== 0x20 && (code < 0x09 || code > 0x0d)) return false;
  }
  return true;
}

function decodeText(raw: string): string {
  const text = raw.includes("\r") ? raw.replace(/\r\n?/g, "\n") : raw;
  let from = text.indexOf("&");
  if (from < 0) return text;
  let out = text.slice(0, from);
  while (from >= 0) {
    const end = text.indexOf(";", from);
    // The longest is `&#x10ffff;`, with zeros a little more.
    const character = end < 0 || end - from > 12 ? undefined : readReference(text.slice(from + 1, end));
    if (character === undefined) throw malformed();
    const next = text.indexOf("&", end);
    out += character + text.slice(end + 1, next < 0 ? text.length : next);
    from = next;
  }
  return out;
}
