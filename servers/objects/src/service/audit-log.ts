import type { LineLog } from "./line-log.ts";

/** Who changed something: a user of S3, or somebody at the admin API. */
export interface AuditActor {
  /** A user's name, `anonymous`, or `admin-api`. */
  readonly who: string;
  readonly from: string | undefined;
  readonly requestId: string | undefined;
}

/** Writes down changes of buckets, users and policies: never an object's bytes, never a secret. */
export class AuditLog {
  readonly #log: LineLog | undefined;
  readonly #nowMs: () => number;

  constructor(log: LineLog | undefined, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** @param what Dotted, in the past tense: `bucket.created`. */
  record(what: string, actor: AuditActor, fields: Readonly<Record<string, unknown>>): void {
    if (!this.#log) return;
    const time = new Date(this.#nowMs()).toISOString();
    this.#log.write(JSON.stringify({ time, event: what, ...actor, ...fields }));
  }
}
