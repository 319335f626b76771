import type { User } from "./acl/index.ts";
import { Session, type SessionOutput } from "./session.ts";

/** What a connection is made with. */
export interface SessionOptions {
  readonly address?: string;
  readonly localAddress?: string;
  readonly nowMs?: number;
  readonly isAuthenticated?: boolean;
}

/** Which commands CLIENT PAUSE holds back. */
export type PauseMode = "write" | "all";

/** Every client there is, by its number; numbers are never used again. */
export class Sessions {
  /** Those that MONITOR shows everything to. */
  readonly monitors = new Set<Session>();
  readonly #byId = new Map<number, Session>();
  #lastId = 0;
  /** Connections that were ever opened, and that were turned away: `maxclients`. */
  openedCount = 0;
  rejectedCount = 0;
  pauseMode: PauseMode = "all";
  /** Until when commands are held back, in ms since 1970; 0 if they are not. */
  pausedUntilMs = 0;

  get count(): number {
    return this.#byId.size;
  }

  /** In the order in which they connected. */
  all(): IterableIterator<Session> {
    return this.#byId.values();
  }

  get(id: number): Session | undefined {
    return this.#byId.get(id);
  }

  open(output: SessionOutput, user: User, options: SessionOptions = {}): Session {
    const { isAuthenticated = true, address = "", localAddress = "", nowMs = 0 } = options;
    const session = new Session(++this.#lastId, output, user, { isAuthenticated });
    session.address = address;
    session.localAddress = localAddress;
    session.createdMs = nowMs;
    session.activeMs = nowMs;
    this.#byId.set(session.id, session);
    this.openedCount++;
    return session;
  }

  /** Forgets a session whose connection is gone. */
  remove(session: Session): void {
    this.#byId.delete(session.id);
    this.monitors.delete(session);
  }

  /** Begins or prolongs a pause. As in Redis a pause of everything is not weakened by one of writes. */
  pause(untilMs: number, mode: PauseMode, nowMs: number): void {
    const isPaused = this.isPaused(nowMs);
    if (!isPaused || mode === "all") this.pauseMode = mode;
    if (!isPaused || untilMs > this.pausedUntilMs) this.pausedUntilMs = untilMs;
  }

  unpause(): void {
    this.pausedUntilMs = 0;
  }

  isPaused(nowMs: number): boolean {
    return this.pausedUntilMs > nowMs;
  }
}
