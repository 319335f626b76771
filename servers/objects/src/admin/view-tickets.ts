import { randomBytes } from "node:crypto";

/** What somebody with the token may have looked at without it, as a browser does for an image. */
export interface ViewTicket {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
  /** As it is answered: never a type that a browser would run. */
  readonly contentType: string;
  readonly isDownload: boolean;
  /** Bytes that are shown at most. */
  readonly limitBytes: number;
}

const TICKET_LIMIT = 1_000;
const LIFE_MS = 3_600_000;

/**
 * Elements of a page (`img`, `video`, `iframe`) send no `Authorization`, so they ask by a ticket: a name that cannot be
 * guessed, for one object, for an hour. The oldest goes when there are 1,000.
 */
export class ViewTickets {
  readonly #tickets = new Map<string, { readonly ticket: ViewTicket; readonly endMs: number }>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @returns The ticket's name. */
  issue(ticket: ViewTicket): string {
    const name = randomBytes(24).toString("base64url");
    this.#tickets.set(name, { ticket, endMs: this.#nowMs() + LIFE_MS });
    const [oldest] = this.#tickets.keys();
    if (this.#tickets.size > TICKET_LIMIT && oldest !== undefined) this.#tickets.delete(oldest);
    return name;
  }

  /** Undefined if there is none or it has ended. */
  find(name: string): ViewTicket | undefined {
    const found = this.#tickets.get(name);
    if (found && found.endMs > this.#nowMs()) return found.ticket;
    this.#tickets.delete(name);
    return undefined;
  }
}
