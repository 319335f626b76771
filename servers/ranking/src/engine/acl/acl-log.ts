/** What was refused. */
export type AclLogReason = "command" | "key" | "channel" | "auth";
/** Where the command came from. */
export type AclLogContext = "toplevel" | "multi" | "lua" | "module";

/** One refusal, or several alike. Texts are byte text. */
export interface AclLogEntry {
  readonly count: number;
  readonly reason: AclLogReason;
  readonly context: AclLogContext;
  /** The command's full name, the key or the channel; for `auth` the command as it was sent. */
  readonly object: string;
  readonly username: string;
  /** As in CLIENT LIST, of the latest client. */
  readonly clientInfo: string;
  /** When it last happened, in ms on the caller's clock. */
  readonly timeMs: number;
}

const GROUPING_LIMIT_MS = 60_000;
/** Redis looks for an entry like the new one among so many of the latest only. */
const GROUPING_DEPTH = 10;
/** The setting `acllog-max-len` is cut to this. */
const LENGTH_LIMIT = 10_000;
/** Keys are shorter; a channel's or a user's name that is longer is cut. */
const TEXT_LIMIT = 65_535;

/** The refusals of late, latest first: ACL LOG. Not replicated: each node has its own. */
export class AclLog {
  #entries: AclLogEntry[] = [];
  #maxLength: number;

  /** @param maxLength The setting `acllog-max-len`; at most 10,000. */
  constructor(maxLength = 128) {
    this.#maxLength = Math.min(maxLength, LENGTH_LIMIT);
  }

  /** As in Redis a shorter length takes effect at the next new entry. */
  set maxLength(entryCount: number) {
    this.#maxLength = Math.min(entryCount, LENGTH_LIMIT);
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Notes a refusal. One like it within 60 s is counted instead and moves to the front. */
  add(refusal: Omit<AclLogEntry, "count">): void {
    const entry: AclLogEntry = {
      ...refusal,
      count: 1,
      object: refusal.object.slice(0, TEXT_LIMIT),
      username: refusal.username.slice(0, TEXT_LIMIT),
    };
    const at = this.#entries.slice(0, GROUPING_DEPTH).findIndex((known) => isAlike(known, entry));
    const alike = this.#entries[at];
    if (alike !== undefined) {
      this.#entries.splice(at, 1);
      this.#entries.unshift({ ...entry, count: alike.count + 1 });
      return;
    }
    this.#entries.unshift(entry);
    if (this.#entries.length > this.#maxLength) this.#entries.length = this.#maxLength;
  }

  /** The latest entries, latest first. */
  latest(count: number): readonly AclLogEntry[] {
    return this.#entries.slice(0, Math.max(0, count));
  }

  reset(): void {
    this.#entries = [];
  }
}

function isAlike(a: AclLogEntry, b: AclLogEntry): boolean {
  return (
    a.reason === b.reason &&
    a.context === b.context &&
    Math.abs(a.timeMs - b.timeMs) <= GROUPING_LIMIT_MS &&
    a.object === b.object &&
    a.username === b.username
  );
}
