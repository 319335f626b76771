import type { Random, Timer, TimerClock } from "@kagami/clock";
import type { Logger } from "@kagami/kit";
import { z } from "zod";
import type { AgreedState } from "../engine/cluster-state.ts";
import type { Agreement, MemberReport } from "./agreement.ts";
import { type ConsulClient, ConsulError, type KvEntry } from "./consul-client.ts";
import { ConsulSession } from "./consul-session.ts";
import { ConsulWatch } from "./consul-watch.ts";
import { formatState, parseState } from "./state-file.ts";

export interface ConsulAgreementOptions {
  readonly client: ConsulClient;
  readonly clock: TimerClock;
  readonly random: Random;
  readonly log: Logger;
  /** Where the cluster's keys are, without a slash at its end. */
  readonly prefix: string;
  readonly proxyId: string;
  readonly ttlMs: number;
  readonly waitMs: number;
  /** What is acted by until Consul answers. */
  readonly initial: AgreedState;
}

const STATE_LIMIT_BYTES = 524_288;
const RETRY_MS = 500;
const UPDATE_ATTEMPTS = 8;
const JOIN_LIMIT_MS = 5_000;

const readsSchema = z.object({
  windowSinceMs: z.number(),
  hitsTo: z.number(),
  hitsFrom: z.number(),
  misses: z.number(),
});

const reportSchema = z.object({
  id: z.string(),
  appliedEpoch: z.number(),
  votes: z.record(z.string(), z.enum(["up", "down", "unknown"])),
  moveReads: z.record(z.string(), readsSchema),
});

/**
 * Agreement of many proxies through Consul's KV store:
 *
 * - `PREFIX/state`: the agreed state, written by compare-and-set alone, so that two who believe to lead cannot both win;
 * - `PREFIX/leader`: locked by the session of the proxy that decides;
 * - `PREFIX/proxies/ID`: each proxy's report, locked by its session and gone with it.
 *
 * A proxy that is cut off keeps the state it has and decides nothing: neither its lock nor its writes can be confirmed.
 */
export class ConsulAgreement implements Agreement {
  readonly #options: ConsulAgreementOptions;
  readonly #session: ConsulSession;
  readonly #stateWatch: ConsulWatch<KvEntry[]>;
  readonly #leaderWatch: ConsulWatch<KvEntry[]>;
  readonly #listeners: (() => void)[] = [];
  readonly #troubles = new Map<string, string>();
  #memberWatch: ConsulWatch<KvEntry[]> | undefined;
  #state: AgreedState;
  /** Of the state in Consul; `undefined` until it is known, `"0"` if there is none. */
  #modifyIndex: string | undefined;
  #leaderSession: string | undefined;
  #others: MemberReport[] = [];
  #report: MemberReport | undefined;
  #isPublishing = false;
  /** Whether the state was read since the others have known of this proxy. */
  #hasJoined = false;
  #onJoined: (() => void) | undefined;
  /** Epoch of the state in Consul; below that of ours if it was lost or restored there. */
  #storedEpoch = 0;
  readonly #timers = new Set<Timer>();
  #isClosed = false;

  constructor(options: ConsulAgreementOptions) {
    const { client, clock, proxyId, ttlMs } = options;
    this.#options = options;
    this.#state = options.initial;
    this.#session = new ConsulSession({
      client,
      clock,
      name: `kagami cacheproxy ${proxyId}`,
      ttlMs,
      onChange: () => this.#onSession(),
      onTrouble: (error) => this.#onTrouble("session", error),
    });
    this.#stateWatch = this.#watch("state", true, (entries) => this.#onState(entries[0]));
    this.#leaderWatch = this.#watch("leader", true, (entries) => this.#onLeader(entries[0]));
  }

  get state(): AgreedState {
    return this.#state;
  }

  get isLeader(): boolean {
    const id = this.#session.id;
    return id !== undefined && this.#leaderSession === id && this.#modifyIndex !== undefined;
  }

  get others(): readonly MemberReport[] {
    return this.#others;
  }

  get trouble(): string | undefined {
    const [trouble] = this.#troubles.values();
    return trouble ?? (this.#modifyIndex === undefined ? "Consul has not told the state yet" : undefined);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async update(change: (state: AgreedState) => AgreedState): Promise<AgreedState> {
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS; attempt++) {
      const [base, modifyIndex] = [this.#state, this.#modifyIndex];
      if (modifyIndex === undefined) throw new ConsulError("CONSUL_UNREACHABLE", "Consul has not told the state yet");
      const next = this.#restored(change(base), base);
      if (next === base) return base;
      const text = formatState(next);
      if (Buffer.byteLength(text) > STATE_LIMIT_BYTES) {
        throw new ConsulError(
          "CONSUL_REFUSED",
          `Cannot agree on epoch ${next.cluster.epoch}: it has more than 512 KiB`,
        );
      }
      const isWritten = await this.#options.client.compareAndSet(this.#key("state"), text, modifyIndex);
      // Read it back either way: only Consul knows the new index, and the state if another was faster.
      this.#onState(await this.#options.client.getKv(this.#key("state")));
      if (isWritten) return this.#state;
    }
    throw new ConsulError("CONSUL_REFUSED", "Cannot agree: others change the state all the time; try again");
  }

  /** What is in use is written again where it was lost; with a larger epoch, so that all take it for the latest. */
  #restored(next: AgreedState, base: AgreedState): AgreedState {
    if (next !== base || this.#storedEpoch >= base.cluster.epoch) return next;
    return { ...base, cluster: { ...base.cluster, epoch: base.cluster.epoch + 1 } };
  }

  async readOthers(): Promise<readonly MemberReport[]> {
    return this.#otherReports(await this.#options.client.listKv(this.#key("proxies/")));
  }

  publish(report: MemberReport): void {
    this.#report = report;
    void this.#publish();
  }

  async join(report: MemberReport): Promise<void> {
    if (this.trouble !== undefined) return;
    const joined = new Promise<void>((resolve) => {
      this.#onJoined = resolve;
      this.#later(resolve, JOIN_LIMIT_MS);
    });
    this.publish(report);
    await joined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) timer.cancel();
    for (const watch of [this.#stateWatch, this.#leaderWatch, this.#memberWatch]) watch?.close();
    await this.#session.close();
  }

  #key(name: string): string {
    return `${this.#options.prefix}/${name}`;
  }

  #watch(name: string, isExact: boolean, onValue: (entries: KvEntry[]) => void): ConsulWatch<KvEntry[]> {
    const { client, clock, random, waitMs } = this.#options;
    return new ConsulWatch({
      clock,
      random,
      waitMs,
      query: (blocking) => client.watchKv(this.#key(name), isExact, blocking),
      onValue,
      onTrouble: (error) => this.#onTrouble(name, error),
    });
  }

  #onState(entry: KvEntry | undefined): void {
    this.#modifyIndex = entry?.modifyIndex ?? "0";
    const state = entry ? parseState(entry.value) : undefined;
    this.#storedEpoch = state?.cluster.epoch ?? 0;
    if (entry && !state) {
      this.#onTrouble("state-text", new Error(`${entry.key} is not a state that this version understands`));
    } else this.#onTrouble("state-text", undefined);
    // An older one comes from a restored snapshot: what is in use stays, and the next decision goes on from there.
    if (state && state.cluster.epoch > this.#state.cluster.epoch) this.#state = state;
    this.#changed();
  }

  #onLeader(entry: KvEntry | undefined): void {
    this.#leaderSession = entry?.session;
    if (entry?.session === undefined) void this.#tryToLead();
    this.#followMembers();
    this.#changed();
  }

  #onSession(): void {
    void this.#publish();
    if (this.#leaderSession === undefined) void this.#tryToLead();
    this.#followMembers();
    this.#changed();
  }

  async #tryToLead(): Promise<void> {
    const id = this.#session.id;
    if (id === undefined || this.#isClosed) return;
    try {
      const { client, proxyId } = this.#options;
      if (await client.acquire(this.#key("leader"), proxyId, id)) return;
    } catch {
      // The watch of the same key tells what is wrong.
    }
    // The lock-delay after a leader that died passes without any change to be told of.
    this.#later(() => {
      if (this.#leaderSession === undefined) void this.#tryToLead();
    });
  }

  /** Only a leader asks what the others say; else every report would wake every proxy. */
  #followMembers(): void {
    const isLeading = this.#leaderSession !== undefined && this.#leaderSession === this.#session.id;
    if (isLeading && !this.#memberWatch) {
      this.#memberWatch = this.#watch("proxies/", false, (entries) => this.#onMembers(entries));
    } else if (!isLeading && this.#memberWatch) {
      this.#memberWatch.close();
      this.#memberWatch = undefined;
      this.#others = [];
      this.#onTrouble("proxies/", undefined);
    }
  }

  #onMembers(entries: readonly KvEntry[]): void {
    this.#others = this.#otherReports(entries);
    this.#changed();
  }

  #otherReports(entries: readonly KvEntry[]): MemberReport[] {
    const others: MemberReport[] = [];
    for (const { value, session } of entries) {
      const report = session === undefined ? undefined : parseReport(value);
      if (report && report.id !== this.#options.proxyId) others.push(report);
    }
    return others;
  }

  /** One write at a time; what is published meanwhile goes with the next. */
  async #publish(): Promise<void> {
    const session = this.#session.id;
    const report = this.#report;
    if (this.#isPublishing || session === undefined || !report || this.#isClosed) return;
    this.#isPublishing = true;
    let isDone = false;
    try {
      isDone = await this.#options.client.acquire(this.#key(`proxies/${report.id}`), JSON.stringify(report), session);
      if (isDone && !this.#hasJoined) await this.#readStateOnJoining();
    } catch {
      isDone = false;
      // The session's own renewal tells what is wrong.
    }
    this.#isPublishing = false;
    if (!isDone) this.#later(() => void this.#publish());
    else if (report !== this.#report) void this.#publish();
  }

  async #readStateOnJoining(): Promise<void> {
    this.#onState(await this.#options.client.getKv(this.#key("state")));
    this.#hasJoined = true;
    this.#onJoined?.();
  }

  #later(run: () => void, delayMs = RETRY_MS): void {
    if (this.#isClosed) return;
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }

  #onTrouble(what: string, error: Error | undefined): void {
    const had = this.trouble;
    if (error) this.#troubles.set(what, error.message);
    else this.#troubles.delete(what);
    const has = this.trouble;
    if (this.#isClosed || had === has) return;
    if (has === undefined) this.#options.log.info("consul.reached", {});
    else if (had === undefined)
      this.#options.log.warn("consul.lost", { reason: has, epoch: this.#state.cluster.epoch });
    this.#changed();
  }

  #changed(): void {
    if (!this.#isClosed) for (const listener of this.#listeners) listener();
  }
}

function parseReport(text: string): MemberReport | undefined {
  try {
    const parsed = reportSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // another version's, or being written by hand
  }
}
