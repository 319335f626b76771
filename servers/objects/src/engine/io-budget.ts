/** Who wants the disk; the first is served first. Clients' requests do not ask: they are what the rest gives way to. */
export const IO_PRIORITIES = ["replication", "compaction", "tier-move", "scrub"] as const;
/** One of {@link IO_PRIORITIES}. */
export type IoPriority = (typeof IO_PRIORITIES)[number];

export interface IoBudgetOptions {
  /** Bytes read and written a second by all together, when the disk is well. */
  readonly bytesPerSecond: number;
  /** Foreground p99 that is too slow, in ms. */
  readonly targetP99Ms: number;
}

/** The rate never goes below this part of the full one: work that waits for ever would fill the disk. */
const MIN_RATE_PART = 1 / 64;
/** Unused budget is kept for so long: what comes at once, clients feel at once. Timers are a millisecond coarse. */
const BURST_SECONDS = 1 / 256;
/** How much of the full rate comes back with each good look at the latency. */
const RECOVERY_PART = 1 / 16;

interface Claim {
  readonly bytes: number;
  readonly priority: number;
  readonly grant: () => void;
}

/**
 * One token bucket per disk for all that is not a client's request. Its rate halves when the foreground is slower than
 * wanted, and comes back step by step when it is not. Owns no clock: the caller says when it is, and when to look again.
 *
 * A claim may be larger than what the bucket holds: it is granted when the bucket is not in debt, and pays off afterwards,
 * so that a large read needs no cutting and the rate still holds.
 */
export class IoBudget {
  readonly #fullRate: number;
  readonly #targetP99Ms: number;
  readonly #waiting: Claim[] = [];
  #rate: number;
  #tokens = 0;
  #filledAtMs: number | undefined;

  constructor(options: IoBudgetOptions) {
    if (!(options.bytesPerSecond > 0)) throw new RangeError("Cannot make an I/O budget of no bytes a second");
    this.#fullRate = options.bytesPerSecond;
    this.#targetP99Ms = options.targetP99Ms;
    this.#rate = options.bytesPerSecond;
  }

  /** Bytes a second at this moment. */
  get bytesPerSecond(): number {
    return this.#rate;
  }

  /** Asks for bytes; `grant` is called in this call or in a later {@link IoBudget.onDeadline}. */
  claim(nowMs: number, bytes: number, priority: IoPriority, grant: () => void): void {
    const claim = { bytes, priority: IO_PRIORITIES.indexOf(priority), grant };
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1]?.priority ?? 0) > claim.priority) at--;
    this.#waiting.splice(at, 0, claim);
    this.onDeadline(nowMs);
  }

  /** When to call {@link IoBudget.onDeadline} next; undefined if nobody waits. */
  deadlineMs(nowMs: number): number | undefined {
    if (this.#waiting.length === 0) return undefined;
    return nowMs + Math.max(0, (-this.#tokens / this.#rate) * 1_000);
  }

  /** Grants what the time that has passed allows. */
  onDeadline(nowMs: number): void {
    this.#fill(nowMs);
    while (this.#tokens >= 0) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#tokens -= next.bytes;
      next.grant();
    }
  }

  /** Grants all that wait, whatever it costs: the end. */
  grantAll(): void {
    for (const { grant } of this.#waiting.splice(0)) grant();
  }

  /** The foreground's p99 of the last moments; undefined if there were no requests. */
  onForegroundP99(nowMs: number, p99Ms: number | undefined): void {
    this.#fill(nowMs);
    if (p99Ms !== undefined && p99Ms > this.#targetP99Ms) {
      this.#rate = Math.max(this.#fullRate * MIN_RATE_PART, this.#rate / 2);
    } else this.#rate = Math.min(this.#fullRate, this.#rate + this.#fullRate * RECOVERY_PART);
  }

  #fill(nowMs: number): void {
    const before = this.#filledAtMs ?? nowMs;
    this.#filledAtMs = Math.max(before, nowMs);
    const gained = (this.#rate * Math.max(0, nowMs - before)) / 1_000;
    this.#tokens = Math.min(this.#rate * BURST_SECONDS, this.#tokens + gained);
  }
}
