import { readFile, writeFile } from "node:fs/promises";
import { fromHex, toHex } from "@kagami/bytes";

/** Who sent the bytes: `>` in the file is the client, `<` the server. */
export type CaptureDirection = "client" | "server";

/** Bytes that one side sent in one go. */
export interface CaptureEntry {
  readonly from: CaptureDirection;
  readonly bytes: Uint8Array;
  /** The comment lines above it, without `# `. */
  readonly comment: string;
}

/** A wire capture: how it was made, and what went over the wire. */
export interface Capture {
  /** The comment lines at the top, up to the first empty line: where the capture is from. */
  readonly provenance: string;
  readonly entries: readonly CaptureEntry[];
}

/** The text is not a capture; the message names the line. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
  readonly code = "CAPTURE_MALFORMED";
}

const BYTES_PER_LINE = 16;

/**
 * Reads an annotated hex file. `# ` begins a comment, on a line of its own or behind bytes; `> ` and `< ` begin what the
 * client and the server sent; lines of bytes without either continue the entry above.
 *
 * @throws CaptureError
 */
export function parseCapture(text: string): Capture {
  const entries: { from: CaptureDirection; hex: string; comment: string }[] = [];
  let provenance: string | undefined;
  let comments: string[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "") {
      if (provenance === undefined && entries.length === 0) {
        provenance = comments.join("\n");
        comments = [];
      }
    } else if (line.startsWith("#")) comments.push(line.replace(/^# ?/, ""));
    else {
      const direction = line[0] === ">" ? "client" : line[0] === "<" ? "server" : undefined;
      const hex = readHexLine(direction ? line.slice(1) : line, index + 1);
      const last = entries.at(-1);
      if (direction) {
        entries.push({ from: direction, hex, comment: comments.join("\n") });
        comments = [];
      } else if (last) last.hex += hex;
      else throw new CaptureError(`Cannot read capture: line ${index + 1} has bytes before the first ">" or "<"`);
    }
  }
  return {
    provenance: provenance ?? "",
    entries: entries.map(({ from, hex, comment }) => ({ from, bytes: fromHex(hex), comment })),
  };
}

/** Writes a capture so that {@link parseCapture} gives it back. */
export function formatCapture({ provenance, entries }: Capture): string {
  let out = provenance === "" ? "\n" : `${commentLines(provenance)}\n`;
  for (const { from, bytes, comment } of entries) {
    if (comment !== "") out += commentLines(comment);
    out += from === "client" ? ">" : "<";
    for (let start = 0; start < bytes.length; start += BYTES_PER_LINE) {
      const hex = toHex(bytes.subarray(start, start + BYTES_PER_LINE)).replace(/../g, " $&");
      out += start === 0 ? hex : `\n ${hex}`;
    }
    out += "\n";
  }
  return out;
}

/** Reads a capture file. @throws CaptureError that names the file */
export async function readCaptureFile(path: string | URL): Promise<Capture> {
  const text = await readFile(path, "utf8");
  try {
    return parseCapture(text);
  } catch (cause) {
    if (!(cause instanceof CaptureError)) throw cause;
    throw new CaptureError(`${String(path)}: ${cause.message}`, { cause });
  }
}

/** Writes a capture file. */
export async function writeCaptureFile(path: string | URL, capture: Capture): Promise<void> {
  await writeFile(path, formatCapture(capture));
}

/** Everything one side sent, in one piece. */
export function bytesFrom(capture: Capture, from: CaptureDirection): Uint8Array {
  const pieces = capture.entries.filter((entry) => entry.from === from);
  const all = new Uint8Array(pieces.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let offset = 0;
  for (const { bytes } of pieces) {
    all.set(bytes, offset);
    offset += bytes.length;
  }
  return all;
}

function readHexLine(text: string, lineNumber: number): string {
  const hex = (text.split("#", 1)[0] ?? "").replace(/\s+/g, "");
  if (!/^(?:[0-9a-f]{2})*$/i.test(hex)) {
    throw new CaptureError(`Cannot read capture: line ${lineNumber} has something other than pairs of hex digits`);
  }
  return hex;
}

function commentLines(text: string): string {
  return text
    .split("\n")
    .map((line) => `# ${line}`.trimEnd())
    .join("\n")
    .concat("\n");
}
