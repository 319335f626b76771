import { fileURLToPath } from "node:url";
import type { TimerClock } from "@kagami/clock";
import type { Logger } from "@kagami/kit";
import type { FilterSettings } from "../protocol/privacy/messages.ts";
import { ChildFilter } from "./child-filter.ts";
import type { FilterHandlers, FilterHost, FilterPort } from "./filter-stream.ts";
import { whyCodecIsMissing } from "./load-codec.ts";
import { whyKernelsAreMissing } from "./run-filter-process.ts";
import { SupervisedStream } from "./supervised-stream.ts";

export interface FilterSupervisorOptions {
  readonly clock: TimerClock;
  readonly log: Logger;
  /** Streams of one process; 4 if absent. One that took its process down gets one of its own. */
  readonly streamsPerProcess?: number;
  /** A process that says nothing for so long is killed; it says something every second. 10,000 if absent. */
  readonly silenceLimitMs?: number;
  /** Bytes that a process has not read yet; beyond this a stream is `behind`. 8 MiB if absent. */
  readonly unreadLimitBytes?: number;
  /** The first pause before a restart; each further one is twice as long, up to 100 times. 100 if absent. */
  readonly restartPauseMs?: number;
  /** Program of the processes, and its arguments; `filter-main.ts` if absent. */
  readonly program?: { readonly path: string; readonly args: readonly string[] };
}

const SILENCE_LIMIT_MS = 10_000;
const UNREAD_LIMIT_BYTES = 8 * 1_048_576;

/**
 * Runs filter processes on demand and gives streams to them. No process, no cost: the first stream starts one, and one
 * without streams is ended.
 */
export class FilterSupervisor implements FilterHost {
  readonly #options: FilterSupervisorOptions;
  readonly #program: { readonly path: string; readonly args: readonly string[] };
  readonly #children = new Set<ChildFilter>();
  readonly #streams = new Set<SupervisedStream>();
  #unavailableReason: string | undefined | null = null;
  #nextStreamId = 1;
  #isClosed = false;

  constructor(options: FilterSupervisorOptions) {
    this.#options = options;
    this.#program = options.program ?? {
      path: fileURLToPath(new URL("./filter-main.ts", import.meta.url)),
      args: [],
    };
  }

  get unavailableReason(): string | undefined {
    // Looked up once: packages do not come and go while a server runs.
    if (this.#unavailableReason === null) this.#unavailableReason = whyCodecIsMissing() ?? whyKernelsAreMissing();
    return this.#unavailableReason;
  }

  /** Processes that run or start, by their ids. */
  get pids(): number[] {
    return [...this.#children].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  openStream(settings: FilterSettings, handlers: FilterHandlers): FilterPort {
    const { clock, restartPauseMs = 100 } = this.#options;
    const stream = new SupervisedStream({
      ...{ clock, settings, handlers, restartPauseMs },
      place: () => this.#place(stream),
      forget: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    if (this.#isClosed) stream.close();
    else stream.start();
    return stream;
  }

  /** Ends every process; streams are told that they are closed. What is held is not answered any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const stream of [...this.#streams]) stream.onSupervisorClosed();
    await Promise.all([...this.#children].map((child) => child.end()));
  }

  #place(stream: SupervisedStream): void {
    if (this.#isClosed) return;
    const limit = this.#options.streamsPerProcess ?? 4;
    const hasRoom = (child: ChildFilter): boolean =>
      !stream.isAlone && !child.isEnding && !child.isExclusive && child.streamCount < limit;
    const child = [...this.#children].find(hasRoom) ?? this.#start(stream.isAlone);
    child.open(this.#nextStreamId++, stream);
  }

  #start(isExclusive: boolean): ChildFilter {
    const { clock, log } = this.#options;
    const child = new ChildFilter({
      ...{ clock, log, isExclusive, program: this.#program },
      silenceLimitMs: this.#options.silenceLimitMs ?? SILENCE_LIMIT_MS,
      unreadLimitBytes: this.#options.unreadLimitBytes ?? UNREAD_LIMIT_BYTES,
      onEnded: () => this.#children.delete(child),
    });
    this.#children.add(child);
    return child;
  }
}
