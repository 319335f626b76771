/*
 * Names, rules and patterns of users are bytes of any value, yet they are kept in maps, compared, cut and joined. So the
 * ACL keeps them as "byte text": a string whose characters are 0 to 255, each one byte. Nothing here is on the path of a
 * command; what is (patterns) is kept as bytes beside.
 */

const PIECE = 4_096;

/** The bytes `[start, end)` as byte text: one character a byte. */
export function byteText(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = "";
  for (let at = start; at < end; at += PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + PIECE)));
  }
  return text;
}

/** The bytes of a byte text. The caller gives no character above 255. */
export function bytesOfText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** What a C program sees of a text: up to its first zero byte. */
export function untilZero(text: string): string {
  const zero = text.indexOf("\0");
  return zero < 0 ? text : text.slice(0, zero);
}

/** Lower case for ASCII letters only, as `strcasecmp` compares in the C locale. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Whether a name or pattern has a zero byte or what C calls space: rules could not be written down with it. */
export function hasSpaces(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || isSpace(code)) return true;
  }
  return false;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };

/**
 * Splits a line at spaces as Redis does for its configuration and for the rules inside parentheses: `"…"` with escapes
 * and `'…'` hold spaces; what comes after a zero byte is not seen.
 *
 * @returns `undefined` if a quote does not end, or something else than a space follows it.
 */
export function splitArguments(line: string): string[] | undefined {
  const text = untilZero(line);
  const words: string[] = [];
  let at = 0;
  while (true) {
    while (at < text.length && isSpace(text.charCodeAt(at))) at++;
    if (at === text.length) return words;
    const word = readWord(text, at);
    if (word === undefined) return undefined;
    words.push(word.text);
    at = word.next;
  }
}

interface Word {
  readonly text: string;
  readonly next: number;
}

/** A vertical tab or form feed separates words only in front of one: inside, Redis keeps it. */
function readWord(text: string, start: number): Word | undefined {
  let word = "";
  let at = start;
  while (at < text.length) {
    const letter = text.charAt(at);
    if (letter === '"' || letter === "'") {
      const quoted = letter === '"' ? readDoubleQuoted(text, at + 1) : readSingleQuoted(text, at + 1);
      if (quoted === undefined) return undefined;
      if (quoted.next < text.length && !isSpace(text.charCodeAt(quoted.next))) return undefined;
      return { text: word + quoted.text, next: quoted.next };
    }
    at++;
    if (letter === " " || letter === "\n" || letter === "\r" || letter === "\t") break;
    word += letter;
  }
  return { text: word, next: at };
}

function readDoubleQuoted(text: string, start: number): Word | undefined {
  let word = "";
  let at = start;
  while (at < text.length) {
    const letter = text.charAt(at);
    if (letter === '"') return { text: word, next: at + 1 };
    const hex = /^\\x([0-9a-fA-F]{2})/.exec(text.slice(at, at + 4))?.[1];
    if (hex !== undefined) {
      word += String.fromCharCode(Number.parseInt(hex, 16));
      at += 4;
    } else if (letter === "\\" && at + 1 < text.length) {
      const escaped = text.charAt(at + 1);
      word += ESCAPES[escaped] ?? escaped;
      at += 2;
    } else {
      word += letter;
      at++;
    }
  }
  return undefined;
}

function readSingleQuoted(text: string, start: number): Word | undefined {
  let word = "";
  let at = start;
  while (at < text.length) {
    const letter = text.charAt(at);
    if (letter === "'") return { text: word, next: at + 1 };
    const isEscapedQuote = letter === "\\" && text.charAt(at + 1) === "'";
    word += isEscapedQuote ? "'" : letter;
    at += isEscapedQuote ? 2 : 1;
  }
  return undefined;
}
