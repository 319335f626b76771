import type { LogLevel } from "./logger.ts";

/** A log event whose fields are already sanitized. */
export interface LogEvent {
  readonly atMs: number;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const RESERVED = new Set(["at", "level", "event"]);

/** One JSON object and a newline. A field named like one of the three fixed ones gets an underscore behind it. */
export function formatJsonLine({ atMs, level, event, fields }: LogEvent): string {
  const line: Record<string, unknown> = { at: new Date(atMs).toISOString(), level, event };
  for (const key of Object.keys(fields)) line[RESERVED.has(key) ? `${key}_` : key] = fields[key];
  return `${JSON.stringify(line)}\n`;
}

const COLOURS: Readonly<Record<LogLevel, string>> = { error: "31", warn: "33", info: "36", debug: "90" };

/** One line for people; an error's stack follows, indented. Control characters of peers are escaped. */
export function formatPretty({ atMs, level, event, fields }: LogEvent, useColour: boolean): string {
  const paint = (code: string, text: string) => (useColour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const time = new Date(atMs).toISOString().slice(11, 23);
  const parts = [paint("90", time), paint(COLOURS[level], level.toUpperCase().padEnd(5)), printable(event)];
  let stack = "";
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (isSerialisedError(value)) {
      parts.push(
        `${paint("90", `${printable(key)}=`)}${quote(value.code ? `${value.code}: ${value.message}` : value.message)}`,
      );
      stack += (value.stack ?? "")
        .split("\n")
        .slice(1)
        .map((line) => `    ${printable(line.trim())}\n`)
        .join("");
    } else parts.push(`${paint("90", `${printable(key)}=`)}${quote(value)}`);
  }
  return `${parts.join(" ")}\n${stack}`;
}

function isSerialisedError(value: unknown): value is { message: string; code?: string; stack?: string } {
  return typeof value === "object" && value !== null && "message" in value && "stack" in value;
}

function quote(value: unknown): string {
  if (typeof value === "string" && /^[\w.:/@+-]+$/.test(value)) return value;
  return printable(JSON.stringify(value) ?? "undefined");
}

/** Escapes what a terminal would obey: C0, DEL and C1 control characters, and bidirectional overrides. */
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
