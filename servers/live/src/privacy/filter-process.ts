import type { Duplex } from "node:stream";
import type { FilterReply, FilterRequest, FilterStreamId } from "../protocol/privacy/messages.ts";
import { createFilterRequestReader, encodeFilterReply, type FilterWireFault } from "../protocol/privacy/wire.ts";
import { CodecError } from "./load-codec.ts";
import { type FilterTools, StreamFilter } from "./stream-filter.ts";

/** Requests read and not done yet, in bytes; beyond this nothing more is read, and the relay notices. */
const QUEUE_LIMIT_BYTES = 4 * 1_048_576;
/** Replies that the relay has not read, in bytes; beyond this no more pictures are done. */
const UNREAD_LIMIT_BYTES = 8 * 1_048_576;
const STATS_INTERVAL_MS = 1_000;
/** What a request without data counts as. */
const REQUEST_BYTES = 64;

export interface FilterProcessOptions {
  /** To the relay. */
  readonly pipe: Duplex;
  readonly tools: FilterTools;
  /** CPU time of this process so far, in microseconds, and its resident memory. */
  readonly usage: () => { readonly cpuUs: number; readonly residentBytes: number };
}

interface OpenStream {
  readonly streamId: FilterStreamId;
  readonly filter: StreamFilter;
  readonly queue: FilterRequest[];
}

/**
 * Serves the relay until its pipe closes.
 *
 * @returns Why it ended: `undefined` if the relay closed the pipe, else what was wrong with what it sent.
 */
export function serveFilter(options: FilterProcessOptions): Promise<string | undefined> {
  return new FilterProcess(options).ended;
}

/**
 * Takes turns: each stream with work does one picture, then replies go out in one write and new requests come in. So no
 * stream waits for more than one picture of each other.
 */
class FilterProcess {
  readonly ended: Promise<string | undefined>;
  readonly #options: FilterProcessOptions;
  readonly #pipe: Duplex;
  readonly #reader = createFilterRequestReader();
  readonly #streams = new Map<FilterStreamId, OpenStream>();
  readonly #stats: NodeJS.Timeout;
  #resolve: (reason: string | undefined) => void = () => undefined;
  #queuedBytes = 0;
  #isTurnDue = false;
  #isCorked = false;
  #hasEnded = false;

  constructor(options: FilterProcessOptions) {
    this.#options = options;
    this.#pipe = options.pipe;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#pipe.on("data", (bytes: Uint8Array) => this.#onData(bytes));
    this.#pipe.on("drain", () => this.#askForTurn());
    this.#pipe.on("end", () => this.#end(undefined));
    this.#pipe.on("close", () => this.#end(undefined));
    // A relay that was killed; `close` follows.
    this.#pipe.on("error", () => this.#end(undefined));
    this.#stats = setInterval(() => this.#sendStats(), STATS_INTERVAL_MS);
    // The first of them says that the process is ready.
    this.#sendStats();
  }

  #onData(bytes: Uint8Array): void {
    for (const request of this.#reader.push(bytes)) {
      if (this.#hasEnded) return;
      this.#onRequest(request);
    }
    if (this.#queuedBytes > QUEUE_LIMIT_BYTES) this.#pipe.pause();
    this.#askForTurn();
  }

  #onRequest(request: FilterRequest | FilterWireFault): void {
    if (request.kind === "fault") {
      this.#end(`The relay sent what is no request: ${request.message}`);
      return;
    }
    const { streamId } = request;
    if (request.kind === "open") {
      this.#onOpen(streamId, request);
      return;
    }
    // A stream that has failed is still sent pictures until the relay has read so.
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    if (request.kind === "abandon") {
      this.#forget(stream);
      return;
    }
    stream.queue.push(request);
    this.#queuedBytes += sizeOf(request);
  }

  #onOpen(streamId: FilterStreamId, { settings }: FilterRequest & { readonly kind: "open" }): void {
    if (this.#streams.has(streamId)) {
      this.#end(`The relay opened stream ${streamId} twice`);
      return;
    }
    const filter = new StreamFilter(this.#options.tools, streamId, settings, (reply) => this.#send(reply));
    this.#streams.set(streamId, { streamId, filter, queue: [] });
  }

  #askForTurn(): void {
    if (this.#isTurnDue || this.#hasEnded) return;
    this.#isTurnDue = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isTurnDue = false;
    // Goes on with `drain`.
    if (this.#hasEnded || this.#pipe.writableLength > UNREAD_LIMIT_BYTES) return;
    this.#pipe.cork();
    this.#isCorked = true;
    let hasMore = false;
    for (const stream of [...this.#streams.values()]) {
      const request = stream.queue.shift();
      if (request === undefined) continue;
      this.#queuedBytes -= sizeOf(request);
      this.#work(stream, request);
      hasMore ||= stream.queue.length > 0;
    }
    this.#isCorked = false;
    this.#pipe.uncork();
    if (this.#queuedBytes <= QUEUE_LIMIT_BYTES / 2 && this.#pipe.isPaused()) this.#pipe.resume();
    if (hasMore) this.#askForTurn();
  }

  #work(stream: OpenStream, request: FilterRequest): void {
    const { streamId, filter } = stream;
    try {
      if (request.kind === "close") {
        filter.finish();
        this.#forget(stream);
        this.#send({ kind: "closed", streamId });
      } else if (request.kind !== "open" && request.kind !== "abandon") {
        filter.handle(request);
      }
    } catch (error) {
      this.#forget(stream);
      const code = error instanceof CodecError ? error.code : "FILTER_FAILED";
      this.#send({ kind: "failed", streamId, code, message: (error as Error).message });
      // Not a codec's refusal but a mistake of ours: the log gets its place.
      if (!(error instanceof CodecError)) process.stderr.write(`${oneLine((error as Error).stack ?? String(error))}\n`);
    }
  }

  #forget(stream: OpenStream): void {
    this.#streams.delete(stream.streamId);
    for (const request of stream.queue) this.#queuedBytes -= sizeOf(request);
    stream.filter.close();
  }

  #send(reply: FilterReply): void {
    if (this.#hasEnded) return;
    for (const bytes of encodeFilterReply(reply)) this.#pipe.write(bytes);
    if (!this.#isCorked && reply.kind !== "stats") this.#askForTurn();
  }

  #sendStats(): void {
    const { work } = this.#options.tools;
    const { cpuUs, residentBytes } = this.#options.usage();
    const us = (ms: number): number => Math.round(ms * 1_000);
    const stats = {
      ...{ decodedCount: work.decodedCount, encodedCount: work.encodedCount, cpuUs, residentBytes },
      ...{ decodeUs: us(work.decodeMs), detectUs: us(work.detectMs) },
      ...{ obscureUs: us(work.obscureMs), encodeUs: us(work.encodeMs) },
    };
    this.#send({ kind: "stats", stats });
  }

  #end(reason: string | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#stats);
    for (const { filter } of this.#streams.values()) filter.close();
    this.#streams.clear();
    this.#pipe.destroy();
    this.#resolve(reason);
  }
}

function sizeOf(request: FilterRequest): number {
  return REQUEST_BYTES + (request.kind === "picture" ? request.data.length : 0);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " | ");
}
