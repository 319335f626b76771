import type { FilterReply, FilterRequest, FilterSettings, FilterStats } from "../protocol/privacy/messages.ts";

/** Each member of a union without some of its fields. */
type WithoutStream<T> = T extends unknown ? Omit<T, "streamId"> : never;

/** What the owner of a stream sends; the supervisor adds the stream's id, and opens and closes by itself. */
export type FilterStreamRequest = WithoutStream<
  Exclude<FilterRequest, { readonly kind: "open" | "close" | "abandon" }>
>;

/** What the owner of a stream is told; the rest is for the supervisor. */
export type FilterStreamReply = WithoutStream<Exclude<FilterReply, { readonly kind: "stats" | "closed" | "failed" }>>;

/**
 * `sent`: on its way. `behind`: the process has too much to read; the request was not taken, and the stream should be
 * treated as failed (`restart`) if it stays so. `away`: there is no process; wait for `onReady`. Settings are remembered
 * in every case, and given to the next process.
 */
export type SendOutcome = "sent" | "behind" | "away";

/** One stream's way to a filter process, through all restarts. */
export interface FilterPort {
  /** Nothing of the request may be written to afterwards: its bytes are not copied. */
  send(request: FilterStreamRequest): SendOutcome;
  /**
   * Gives the stream up and opens it anew, `onFailed` first; for an owner whose pictures are not answered in time. In
   * the same process if that has said anything of late, in another one if not. A process that answers to nothing is
   * noticed and killed without that.
   */
  restart(message: string): void;
  /**
   * What is held is answered first, then `onClosed` follows, at once if there is no process. Nothing may be sent
   * afterwards.
   */
  close(): void;
}

/** Called from the event loop, never from inside of a method of `FilterPort` or of `openStream`. */
export interface FilterHandlers {
  /**
   * There is a process, the first or another one. Whatever was sent before is lost: the owner sends `config`, the
   * pictures since the last key frame as a replay, and those that have no answer.
   */
  onReady(): void;
  /** In the order in which the process wrote them; none of a process that failed comes after `onFailed`. */
  onReply(reply: FilterStreamReply): void;
  /** The stream has no process until the next `onReady`; everything without an answer stays so. */
  onFailed(failure: FilterFailure): void;
  /** The last call. */
  onClosed(): void;
  /** Once a second, of the whole process that the stream is in. */
  onStats(stats: FilterStats, streamCount: number): void;
}

export interface FilterFailure {
  /** `FILTER_DIED`, `FILTER_SILENT`, `FILTER_UNAVAILABLE`, `FILTER_RESTARTED` or what the process said. */
  readonly code: string;
  /** For people. */
  readonly message: string;
}

/** What the channels ask for streams. `FilterSupervisor` is the real one. */
export interface FilterHost {
  /** Why there can be no filter here, with how to mend it; `undefined` if there can. Does not load the codec. */
  readonly unavailableReason: string | undefined;
  /** The stream starts uncovered in its first process as `settings` say, and covered in every later one. */
  openStream(settings: FilterSettings, handlers: FilterHandlers): FilterPort;
}
