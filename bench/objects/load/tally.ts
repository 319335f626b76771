import { Histogram } from "./histogram.ts";
import type { EntryReport, LoadSecond } from "./load-plan.ts";
import { entryName, type MixEntry } from "./mix.ts";

/** Kinds of errors that are told apart; a server that invents a new one for each request must not fill our memory. */
const ERROR_KIND_LIMIT = 50;

interface Second {
  count: number;
  errorCount: number;
  readonly latency: Histogram;
}

/** Counts what became of the requests of one kind. */
export class Tally {
  readonly entry: MixEntry;
  readonly #latency = new Histogram();
  readonly #service = new Histogram();
  readonly #errors = new Map<string, number>();
  readonly #seconds: LoadSecond[] = [];
  #current: Second | undefined;
  #currentSecond = -1;
  #bytes = 0;

  constructor(entry: MixEntry) {
    this.entry = entry;
  }

  /** @param second Since the warm-up ended, of the request's end. */
  succeed(latencyUs: number, serviceUs: number, bytes: number, second: number): void {
    this.#latency.record(latencyUs);
    this.#service.record(serviceUs);
    this.#bytes += bytes;
    const current = this.#at(second);
    current.count++;
    current.latency.record(latencyUs);
  }

  fail(code: string, second: number): void {
    const known = this.#errors.has(code) || this.#errors.size < ERROR_KIND_LIMIT ? code : "other";
    this.#errors.set(known, (this.#errors.get(known) ?? 0) + 1);
    this.#at(second).errorCount++;
  }

  report(): EntryReport {
    this.#closeSecond();
    return {
      name: entryName(this.entry),
      wantedPerSecond: this.entry.perSecond,
      count: this.#latency.count,
      bytes: this.#bytes,
      errors: Object.fromEntries(this.#errors),
      latency: this.#latency.toSparse(),
      service: this.#service.toSparse(),
      seconds: this.#seconds,
    };
  }

  /** Seconds only go on, so one histogram for the current one is enough. */
  #at(second: number): Second {
    if (this.#current !== undefined && second <= this.#currentSecond) return this.#current;
    this.#closeSecond();
    this.#currentSecond = second;
    this.#current = { count: 0, errorCount: 0, latency: new Histogram() };
    return this.#current;
  }

  #closeSecond(): void {
    if (this.#current === undefined) return;
    const { count, errorCount, latency } = this.#current;
    const [p50Us, p99Us] = [latency.percentile(0.5), latency.percentile(0.99)];
    this.#seconds.push({ second: this.#currentSecond, count, errorCount, p50Us, p99Us });
    this.#current = undefined;
  }
}
