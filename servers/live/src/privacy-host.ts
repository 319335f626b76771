import { type Logger, systemClock } from "@kagami/kit";
import type { LiveConfig } from "./config.ts";
import type { FilterHandlers, FilterHost, FilterPort } from "./privacy/filter-stream.ts";
import { FilterSupervisor } from "./privacy/filter-supervisor.ts";
import { whyCodecIsMissing } from "./privacy/load-codec.ts";
import { whyKernelsAreMissing } from "./privacy/run-filter-process.ts";

/** A host that is to be closed when the server ends. */
export interface ClosableFilterHost extends FilterHost {
  /** Ends every filter process. Idempotent. */
  close(): Promise<void>;
}

/** What channels get their filter streams from; no process is started before the first stream. */
export function openFilterHost(config: LiveConfig, log: Logger): ClosableFilterHost {
  if (config.privacy === "off") return new UnavailableHost("the server was started with --privacy off");
  return new FilterSupervisor({ clock: systemClock, log, streamsPerProcess: config.privacyStreams });
}

/** Why the notification blur cannot run on this machine, with how to mend it; `undefined` if it can. Starts nothing. */
export function privacyUnavailableReason(): string | undefined {
  return whyCodecIsMissing() ?? whyKernelsAreMissing();
}

/** Fails every stream: a channel that is to be protected is not shown unprotected because nobody can. */
class UnavailableHost implements ClosableFilterHost {
  readonly unavailableReason: string;

  constructor(reason: string) {
    this.unavailableReason = reason;
  }

  openStream(_settings: unknown, handlers: FilterHandlers): FilterPort {
    const failure = { code: "FILTER_UNAVAILABLE", message: this.unavailableReason };
    let isClosed = false;
    setImmediate(() => {
      if (!isClosed) handlers.onFailed(failure);
    });
    return {
      send: () => "away",
      restart: () => undefined,
      close: () => {
        isClosed = true;
        setImmediate(() => handlers.onClosed());
      },
    };
  }

  async close(): Promise<void> {
    // Nothing was opened.
  }
}
