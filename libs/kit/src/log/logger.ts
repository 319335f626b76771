import { isatty } from "node:tty";
import type { Clock } from "@kagami/clock";
import { systemClock } from "../system-clock.ts";
import { FloodGate } from "./flood-gate.ts";
import { formatJsonLine, formatPretty } from "./format.ts";
import { sanitizeField } from "./sanitize.ts";
import { FileDescriptorSink, type LogSink } from "./sink.ts";

export type LogLevel = "error" | "warn" | "info" | "debug";

/** Facts about an event. Fields named key, token, secret, password, authorization or cookie are redacted. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes one line per event. The event's name is dotted and in the past tense: `publisher.accepted`. */
export interface Logger {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  /** Whether this level is written; ask before gathering costly fields. */
  isEnabled(level: LogLevel): boolean;
  /** A logger that adds these fields to every event. */
  child(fields: LogFields): Logger;
  /** Writes out what is pending, with the summary of held-back events. */
  flush(): Promise<void>;
}

export interface LoggerOptions {
  /** `info` if absent. */
  readonly level?: LogLevel;
  /** `auto` (if absent) is pretty on a terminal and JSON otherwise. */
  readonly format?: "auto" | "json" | "pretty";
  /** Standard error if absent, so that standard output stays free for what a command prints. */
  readonly sink?: LogSink;
  readonly clock?: Clock;
  /** Events of one name written per second; the rest are counted. 200 if absent. */
  readonly limitPerSecond?: number;
  readonly fields?: LogFields;
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };
const STANDARD_ERROR_FD = 2;

export function createLogger(options: LoggerOptions = {}): Logger {
  const isTerminal = options.sink === undefined && isatty(STANDARD_ERROR_FD);
  const format = options.format ?? "auto";
  const core = new LogCore({
    severity: SEVERITY[options.level ?? "info"],
    sink: options.sink ?? new FileDescriptorSink(STANDARD_ERROR_FD),
    clock: options.clock ?? systemClock,
    isPretty: format === "pretty" || (format === "auto" && isTerminal),
    useColour: isTerminal,
    limitPerSecond: options.limitPerSecond ?? 200,
  });
  return new BoundLogger(core, sanitizeAll(options.fields ?? {}));
}

interface LogCoreOptions {
  readonly severity: number;
  readonly sink: LogSink;
  readonly clock: Clock;
  readonly isPretty: boolean;
  readonly useColour: boolean;
  readonly limitPerSecond: number;
}

/** What a logger and all its children share. */
class LogCore {
  readonly severity: number;
  readonly #options: LogCoreOptions;
  readonly #gate: FloodGate;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LogCoreOptions) {
    this.severity = options.severity;
    this.#options = options;
    this.#gate = new FloodGate(options.limitPerSecond);
  }

  write(level: LogLevel, event: string, bound: LogFields, fields: LogFields | undefined): void {
    this.#summarise(false);
    if (!this.#gate.admit(event)) {
      // Without this the last flood before a quiet time would go unreported.
      this.#timer ??= setTimeout(() => this.#summarise(true), 1_000).unref();
      return;
    }
    this.#writeLine(level, event, fields ? { ...bound, ...sanitizeAll(fields) } : bound);
  }

  flush(): Promise<void> {
    this.#summarise(true);
    return this.#options.sink.flush();
  }

  #summarise(force: boolean): void {
    for (const { event, count } of this.#gate.turn(this.#options.clock.monotonicMs(), force)) {
      this.#writeLine("warn", "log.suppressed", { suppressedEvent: event, count });
    }
    if (this.#timer && !this.#gate.isHoldingBack) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  #writeLine(level: LogLevel, event: string, fields: LogFields): void {
    const { sink, clock, isPretty, useColour } = this.#options;
    const entry = { atMs: clock.wallMs(), level, event, fields };
    sink.write(isPretty ? formatPretty(entry, useColour) : formatJsonLine(entry));
  }
}

class BoundLogger implements Logger {
  readonly #core: LogCore;
  readonly #fields: LogFields;

  constructor(core: LogCore, fields: LogFields) {
    this.#core = core;
    this.#fields = fields;
  }

  error(event: string, fields?: LogFields): void {
    this.#core.write("error", event, this.#fields, fields);
  }

  warn(event: string, fields?: LogFields): void {
    if (this.#core.severity >= SEVERITY.warn) this.#core.write("warn", event, this.#fields, fields);
  }

  info(event: string, fields?: LogFields): void {
    if (this.#core.severity >= SEVERITY.info) this.#core.write("info", event, this.#fields, fields);
  }

  debug(event: string, fields?: LogFields): void {
    if (this.#core.severity >= SEVERITY.debug) this.#core.write("debug", event, this.#fields, fields);
  }

  isEnabled(level: LogLevel): boolean {
    return this.#core.severity >= SEVERITY[level];
  }

  child(fields: LogFields): Logger {
    return new BoundLogger(this.#core, { ...this.#fields, ...sanitizeAll(fields) });
  }

  flush(): Promise<void> {
    return this.#core.flush();
  }
}

function sanitizeAll(fields: LogFields): LogFields {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(fields)) copy[key] = sanitizeField(key, fields[key]);
  return copy;
}
