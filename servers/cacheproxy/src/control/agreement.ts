import type { MoveReads } from "../engine/cluster-leader.ts";
import type { AgreedState } from "../engine/cluster-state.ts";
import type { Member } from "../engine/health-ejection.ts";

/** What a proxy publishes of itself. */
export interface MemberReport extends Member {
  /** Reads of moving slots by pool, since the move's present window began as far as this proxy has seen it. */
  readonly moveReads: Readonly<Record<string, MoveReads & { readonly windowSinceMs: number }>>;
}

/** Where proxies agree: one state, changed by compare-and-set, and what living proxies say. */
export interface Agreement {
  /** The latest known; its epoch never goes back. */
  readonly state: AgreedState;
  /** Whether this proxy decides. */
  readonly isLeader: boolean;
  /** Reports of living proxies without one's own, as last heard of; only a leader hears of them. */
  readonly others: readonly MemberReport[];
  /** Why others may have agreed on something that this proxy does not know; `undefined` if all is well. */
  readonly trouble: string | undefined;
  /** Called after each change of `state`, `isLeader`, `others` or `trouble`. */
  onChange(listener: () => void): void;
  /**
   * Changes the state. `change` is called with the latest, more than once if others change it at the same time; it
   * returns its argument to leave it, or one with a larger epoch.
   *
   * @throws Error if that cannot be agreed on just now
   */
  update(change: (state: AgreedState) => AgreedState): Promise<AgreedState>;
  /**
   * Reads the reports of all living proxies but one's own. Who is not among them has not joined yet, and will act by no
   * state older than the one known now.
   *
   * @throws Error if they cannot be read just now
   */
  readOthers(): Promise<readonly MemberReport[]>;
  /** Publishes one's own report. */
  publish(report: MemberReport): void;
  /**
   * Publishes the first report and then reads the state anew, so that whoever decides either waits for this proxy or has
   * decided before, in what was read. To be awaited before clients are served. Gives up when nobody can be reached.
   */
  join(report: MemberReport): Promise<void>;
  close(): Promise<void>;
}
