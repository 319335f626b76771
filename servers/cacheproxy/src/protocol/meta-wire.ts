import type { MetaReply, MetaRequest } from "../engine/meta.ts";
import { ascii, asciiText } from "./ascii.ts";
import { encodeBase64Key, isPlainKey } from "./base64-key.ts";

const SPACE = 32;
const CR = 13;
const LF = 10;

const CODES: ReadonlySet<string> = new Set(["HD", "VA", "EN", "NS", "EX", "NF", "ME"]);

/**
 * Writes a request for a server. A key that a line cannot hold as it is goes in base64; of such keys at most 187 bytes
 * fit.
 */
export function encodeMeta(request: MetaRequest): Uint8Array {
  const { key, value, flags } = request;
  const isPlain = isPlainKey(key);
  const wireKey = isPlain ? key : encodeBase64Key(key);
  const tail = ascii(
    (value === undefined ? "" : ` ${value.length}`) +
      (isPlain ? "" : " b") +
      (flags.length === 0 ? "" : ` ${flags.join(" ")}`) +
      // A CR that ends the key must not be taken for the line's.
      (flags.length === 0 && value === undefined && wireKey[wireKey.length - 1] === CR ? " \r\n" : "\r\n"),
  );

  const headBytes = 3 + wireKey.length + tail.length;
  const bytes = new Uint8Array(headBytes + (value === undefined ? 0 : value.length + 2));
  bytes[0] = request.verb.charCodeAt(0);
  bytes[1] = request.verb.charCodeAt(1);
  bytes[2] = SPACE;
  bytes.set(wireKey, 3);
  bytes.set(tail, 3 + wireKey.length);
  if (value === undefined) return bytes;
  bytes.set(value, headBytes);
  bytes[bytes.length - 2] = CR;
  bytes[bytes.length - 1] = LF;
  return bytes;
}

/**
 * Reads the reply to a meta request: `buffer[start, end)`, whose bounds the reply parser has found. The value is a copy.
 * What is no reply to a meta request becomes a `SERVER_ERROR`.
 */
export function decodeMeta(buffer: Uint8Array, start: number, end: number): MetaReply {
  let lineEnd = start;
  while (lineEnd < end && buffer[lineEnd] !== LF) lineEnd++;
  const contentEnd = lineEnd > start && buffer[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
  const line = asciiText(buffer, start, contentEnd);
  const wordEnd = line.indexOf(" ");
  const word = wordEnd < 0 ? line : line.slice(0, wordEnd);

  if (word === "CLIENT_ERROR" || word === "SERVER_ERROR") {
    return { code: word, flags: [], message: wordEnd < 0 ? "" : line.slice(wordEnd + 1) };
  }
  if (word === "ERROR") return { code: "ERROR", flags: [], message: "" };
  if (!isMetaCode(word)) return { code: "SERVER_ERROR", flags: [], message: "unexpected reply of a server" };
  const flags =
    wordEnd < 0
      ? []
      : line
          .slice(wordEnd + 1)
          .split(" ")
          .filter((flag) => flag !== "");
  if (word !== "VA") return { code: word, flags };
  return { code: word, flags: flags.slice(1), value: buffer.slice(lineEnd + 1, end - 2) };
}

function isMetaCode(word: string): word is "HD" | "VA" | "EN" | "NS" | "EX" | "NF" | "ME" {
  return CODES.has(word);
}
