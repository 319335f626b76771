import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import type { Timer, TimerClock } from "@kagami/clock";
import type { Logger } from "@kagami/kit";
import type { FilterReply, FilterRequest } from "../protocol/privacy/messages.ts";
import { createFilterReplyReader, encodeFilterRequest } from "../protocol/privacy/wire.ts";
import type { FilterFailure, SendOutcome } from "./filter-stream.ts";
import { type StreamPlace, type SupervisedStream, withStreamId } from "./supervised-stream.ts";

export interface ChildFilterOptions {
  readonly clock: TimerClock;
  readonly log: Logger;
  /** Takes one stream only. */
  readonly isExclusive: boolean;
  readonly program: { readonly path: string; readonly args: readonly string[] };
  readonly silenceLimitMs: number;
  readonly unreadLimitBytes: number;
  readonly onEnded: () => void;
}

/** A process that has not said anything yet loads FFmpeg, on a machine that may be busy. */
const START_LIMIT_MS = 20_000;
/** It says something every second, and has so much time for that on a busy machine. */
const WELL_LIMIT_MS = 2_500;
/** A process without streams waits so long for one that was restarted: its pause grows up to this. */
const LINGER_MS = 10_000;
/** From the end of its pipe to its death by force. */
const END_GRACE_MS = 2_000;
/**
 * The process has one thing to do at a time. Without helper threads for compilation and garbage its pictures took 4.8 ms
 * of CPU time each and not 6.2 (720x1280, nothing shows).
 */
const V8_FLAGS = ["--single-threaded"];
/** Lines of one process that go to the log; and characters of a line. */
const LINE_LIMIT = 100;
const LINE_LENGTH_LIMIT = 500;

/** One filter process and the streams in it. Its pipe is its life: when this one closes, the process ends. */
export class ChildFilter {
  readonly isExclusive: boolean;
  readonly #options: ChildFilterOptions;
  readonly #child: ChildProcess;
  readonly #pipe: Duplex | undefined;
  readonly #reader = createFilterReplyReader();
  readonly #streams = new Map<number, SupervisedStream>();
  readonly #exited: Promise<void>;
  #silence: Timer;
  #killTimer: Timer | undefined;
  #lingerTimer: Timer | undefined;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #isReady = false;
  #isEnding = false;
  #hasFailed = false;
  #isCorked = false;
  #lastLine = "";
  #lineCount = 0;

  constructor(options: ChildFilterOptions) {
    this.#options = options;
    this.isExclusive = options.isExclusive;
    const { path, args } = options.program;
    // Away from the terminal's group, so that Ctrl-C reaches the relay alone.
    this.#child = spawn(process.execPath, [...V8_FLAGS, path, ...args], {
      detached: process.platform !== "win32",
      stdio: ["ignore", "ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    this.#pipe = this.#child.stdio[3] as Duplex | undefined;
    this.#pipe?.on("data", (bytes: Uint8Array) => this.#onData(bytes));
    this.#pipe?.on("error", (error: Error) => this.#fail(`its pipe broke: ${error.message}`));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#onSaid(text));
    this.#child.on("error", (error) => this.#fail(`it could not be started: ${error.message}`));
    this.#exited = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        this.#onExit(code, signal);
        resolve();
      });
      this.#child.once("error", () => resolve());
    });
    this.#silence = this.#watch(START_LIMIT_MS);
    options.log.info("filter.started", { pid: this.#child.pid });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** Takes no streams any more. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  open(streamId: number, stream: SupervisedStream): void {
    this.#streams.set(streamId, stream);
    const place: StreamPlace = {
      send: (request) => this.#sendOf(streamId, withStreamId(streamId, request)),
      leave: () => this.#leave(streamId),
    };
    stream.onPlaced(place);
    this.#write({ kind: "open", streamId, settings: stream.openSettings });
    if (this.#isReady) stream.onReady();
  }

  /** Ends the process, by force if it does not end by itself. Done when it is gone. */
  end(): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#lingerTimer?.cancel();
      this.#pipe?.destroy();
      this.#killTimer = this.#options.clock.after(END_GRACE_MS, () => this.#kill());
    }
    return this.#exited;
  }

  #sendOf(streamId: number, request: FilterRequest): SendOutcome {
    if (this.#isEnding || !this.#streams.has(streamId)) return "away";
    const isSmall = request.kind !== "picture";
    if (!isSmall && (this.#pipe?.writableLength ?? 0) > this.#options.unreadLimitBytes) return "behind";
    this.#write(request);
    return "sent";
  }

  #leave(streamId: number): boolean {
    if (!this.#streams.delete(streamId) || this.#isEnding) return false;
    const { clock } = this.#options;
    const isWell = clock.monotonicMs() - this.#heardAtMs < WELL_LIMIT_MS;
    if (isWell) {
      this.#write({ kind: "abandon", streamId });
      this.#lingerTimer?.cancel();
      this.#lingerTimer = clock.after(LINGER_MS, () => this.#endIfEmpty());
    } else {
      this.#endIfEmpty();
    }
    return isWell;
  }

  #write(request: FilterRequest): void {
    const pipe = this.#pipe;
    if (pipe === undefined || pipe.destroyed) return;
    if (!this.#isCorked) {
      // All that is sent in one turn of the event loop goes out in one call of the system.
      this.#isCorked = true;
      pipe.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        pipe.uncork();
      });
    }
    for (const bytes of encodeFilterRequest(request)) pipe.write(bytes);
  }

  #onData(bytes: Uint8Array): void {
    this.#silence.cancel();
    this.#silence = this.#watch(this.#options.silenceLimitMs);
    this.#heardAtMs = this.#options.clock.monotonicMs();
    for (const reply of this.#reader.push(bytes)) {
      if (this.#isEnding) return;
      if (reply.kind === "fault") this.#fail(`it wrote what is no reply: ${reply.message}`);
      else this.#onReply(reply);
    }
  }

  #onReply(reply: FilterReply): void {
    if (reply.kind === "stats") {
      if (!this.#isReady) {
        this.#isReady = true;
        for (const stream of [...this.#streams.values()]) stream.onReady();
      }
      for (const stream of [...this.#streams.values()]) stream.onStats(reply.stats, this.#streams.size);
      return;
    }
    // One that was left is not told any more.
    const stream = this.#streams.get(reply.streamId);
    if (stream === undefined) return;
    const isLast = reply.kind === "closed" || reply.kind === "failed";
    if (isLast) this.#streams.delete(reply.streamId);
    stream.onReply(reply);
    if (isLast) this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    if (this.#streams.size === 0 && !this.#isEnding) void this.end();
  }

  #watch(limitMs: number): Timer {
    return this.#options.clock.after(limitMs, () => {
      if (!this.#isEnding) this.#fail(`it said nothing for ${limitMs} ms`, "FILTER_SILENT");
    });
  }

  #onExit(code: number | null, signal: string | null): void {
    this.#fail(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`);
    this.#killTimer?.cancel();
    this.#options.log.info("filter.ended", { pid: this.#child.pid, code, signal });
    this.#options.onEnded();
  }

  #fail(what: string, code = "FILTER_DIED"): void {
    this.#silence.cancel();
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#lingerTimer?.cancel();
    const wasEnding = this.#isEnding;
    this.#isEnding = true;
    this.#kill();
    this.#pipe?.destroy();
    const said = this.#lastLine === "" ? "" : `. It said: ${this.#lastLine}`;
    const failure: FilterFailure = { code, message: `The filter process ${this.pid ?? ""} failed: ${what}${said}` };
    if (!wasEnding) this.#options.log.error("filter.failed", { pid: this.pid, ...failure });
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.onFailed(failure, true);
    // One that was never started does not exit either.
    if (this.pid === undefined) this.#options.onEnded();
  }

  #kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
  }

  #onSaid(text: string): void {
    for (const line of text.split("\n")) {
      const trimmed = line.trim().slice(0, LINE_LENGTH_LIMIT);
      if (trimmed === "") continue;
      this.#lastLine = trimmed;
      if (this.#lineCount++ < LINE_LIMIT) this.#options.log.warn("filter.said", { pid: this.pid, line: trimmed });
    }
  }
}
