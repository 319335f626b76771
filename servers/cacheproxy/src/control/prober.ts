import type { Random, Timer, TimerClock } from "@kagami/clock";
import type { Cluster, Pool, ServerSpec } from "../engine/cluster.ts";
import { serversByAddress } from "../engine/cluster-state.ts";
import { type HealthLimits, ServerHealth, type Vote } from "../engine/health.ts";

export interface ProberOptions {
  readonly clock: TimerClock;
  readonly random: Random;
  readonly probeMs: number;
  /** `onLost` is called when the server closes the connection while it is asked nothing. */
  readonly openConnection: (server: ServerSpec, onLost: () => void) => ServerConnection;
  /** Called when a vote changes. */
  readonly onVote: (address: string, vote: Vote) => void;
}

/** Where a connection is refused or reset, no process serves: whether that stays so is asked this soon. */
const REFUSED_PROBE_MS = 50;
const REFUSED_CODES: readonly unknown[] = ["ECONNREFUSED", "ECONNRESET"];

/** How a server is asked; see MemcachedConnection. */
export interface ServerConnection {
  ask(command: string, isWhole: (text: string) => boolean): Promise<string>;
  close(): void;
}

/** A server's health for people. */
export interface ProbeView {
  readonly address: string;
  readonly vote: Vote;
  readonly failures: number;
  /** Of the last probe; `undefined` if it failed or none has ended. */
  readonly roundTripMs: number | undefined;
  readonly lastFailure: string | undefined;
}

/** How {@link Prober.uptime} or {@link Prober.flush} went. */
export type CleanResult =
  | { readonly kind: "uptime"; readonly uptimeSec: number }
  | { readonly kind: "flushed" }
  | { readonly kind: "failed"; readonly reason: string };

interface Probed {
  readonly server: ServerSpec;
  limits: HealthLimits;
  readonly health: ServerHealth;
  readonly connection: ServerConnection;
  timer: Timer | undefined;
  isProbing: boolean;
  /** Consul calls it critical. */
  isCritical: boolean;
  roundTripMs: number | undefined;
  lastFailure: string | undefined;
}

/**
 * Asks every server of the cluster for its version, over connections of its own, and counts what comes back into votes.
 * What clients' requests meet is only a hint to ask earlier.
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #probed = new Map<string, Probed>();
  #isClosed = false;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Probes the servers of this cluster from now on, and no others. */
  watch(cluster: Cluster): void {
    if (this.#isClosed) return;
    const servers = serversByAddress(cluster);
    for (const [address, probed] of this.#probed) {
      const now = servers.get(address);
      if (!now || now.server.tls !== probed.server.tls) this.#forget(address, probed);
    }
    for (const [address, { server, pools }] of servers) {
      const limits = strictest(pools);
      const existing = this.#probed.get(address);
      if (existing) existing.limits = limits;
      else this.#add(address, server, limits);
    }
  }

  /** A client's request to this server failed: probe it now, unless that is under way. It changes no vote by itself. */
  hint(address: string): void {
    const probed = this.#probed.get(address);
    if (!probed || probed.isProbing || this.#isClosed) return;
    probed.timer?.cancel();
    void this.#probe(address, probed);
  }

  /** Takes over which servers Consul calls critical; their probes count as failed. */
  setCritical(addresses: ReadonlySet<string>): void {
    for (const [address, probed] of this.#probed) probed.isCritical = addresses.has(address);
  }

  votes(): Record<string, Vote> {
    const votes: Record<string, Vote> = {};
    for (const [address, { health }] of this.#probed) if (health.vote !== "unknown") votes[address] = health.vote;
    return votes;
  }

  view(address: string): ProbeView | undefined {
    const probed = this.#probed.get(address);
    if (!probed) return undefined;
    const { health, roundTripMs, lastFailure } = probed;
    return { address, vote: health.vote, failures: health.failures, roundTripMs, lastFailure };
  }

  /** How long the server runs, in whole seconds. */
  async uptime(address: string): Promise<CleanResult> {
    return await this.#ask(address, async (connection) => {
      const text = await connection.ask("stats", (reply) => reply.endsWith("END\r\n") || isErrorLine(reply));
      const uptime = /^STAT uptime (\d{1,12})\r$/m.exec(text)?.[1];
      if (uptime === undefined)
        return { kind: "failed", reason: `it does not tell its uptime: ${text.slice(0, 80).trim()}` };
      return { kind: "uptime", uptimeSec: Number(uptime) };
    });
  }

  /** Empties the server. */
  async flush(address: string): Promise<CleanResult> {
    return await this.#ask(address, async (connection) => {
      const text = await connection.ask("flush_all", (reply) => reply.endsWith("\r\n"));
      return text === "OK\r\n" ? { kind: "flushed" } : { kind: "failed", reason: text.slice(0, 80).trim() };
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const [address, probed] of this.#probed) this.#forget(address, probed);
  }

  async #ask(address: string, ask: (connection: ServerConnection) => Promise<CleanResult>): Promise<CleanResult> {
    const probed = this.#probed.get(address);
    if (!probed) return { kind: "failed", reason: "no pool has it any more" };
    try {
      return await ask(probed.connection);
    } catch (error) {
      return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  #add(address: string, server: ServerSpec, limits: HealthLimits): void {
    const connection = this.#options.openConnection(server, () => this.hint(address));
    const state = { isProbing: false, isCritical: false, roundTripMs: undefined, lastFailure: undefined };
    const probed: Probed = { server, limits, health: new ServerHealth(), connection, timer: undefined, ...state };
    this.#probed.set(address, probed);
    void this.#probe(address, probed);
  }

  #forget(address: string, probed: Probed): void {
    probed.timer?.cancel();
    probed.connection.close();
    this.#probed.delete(address);
  }

  async #probe(address: string, probed: Probed): Promise<void> {
    const { clock, random, probeMs, onVote } = this.#options;
    probed.isProbing = true;
    const startedAtMs = clock.monotonicMs();
    let isGood = false;
    let isRefused = false;
    try {
      const text = await probed.connection.ask("version", (reply) => reply.endsWith("\r\n"));
      isGood = text.startsWith("VERSION ");
      probed.lastFailure = isGood ? undefined : `it answered ${JSON.stringify(text.slice(0, 80).trim())}`;
      probed.roundTripMs = isGood ? clock.monotonicMs() - startedAtMs : undefined;
    } catch (error) {
      probed.lastFailure = error instanceof Error ? error.message : String(error);
      probed.roundTripMs = undefined;
      isRefused = REFUSED_CODES.includes((error as { readonly code?: unknown }).code);
    }
    probed.isProbing = false;
    if (this.#isClosed || this.#probed.get(address) !== probed) return;
    if (isGood && probed.isCritical) {
      isGood = false;
      probed.lastFailure = "Consul calls it critical";
    }
    const hasChanged = probed.health.onProbe(isGood, probed.limits);
    const isUrgent = isRefused && probed.health.vote !== "down";
    // Spread over a tenth, so that proxies do not all ask at once.
    const waitMs = (isUrgent ? Math.min(REFUSED_PROBE_MS, probeMs) : probeMs) * (0.95 + 0.1 * random.float());
    probed.timer = clock.after(waitMs, () => void this.#probe(address, probed));
    if (hasChanged) onVote(address, probed.health.vote);
  }
}

function isErrorLine(reply: string): boolean {
  return /^(?:ERROR|CLIENT_ERROR|SERVER_ERROR)[^\n]*\n$/.test(reply);
}

/** Of several pools that name the server, the one that is quickest to vote it out and slowest to take it back. */
function strictest(pools: readonly Pool[]): HealthLimits {
  let failureLimit = Number.POSITIVE_INFINITY;
  let recoveryLimit = 1;
  for (const { options } of pools) {
    failureLimit = Math.min(failureLimit, options.failureLimit);
    recoveryLimit = Math.max(recoveryLimit, options.recoveryLimit);
  }
  return { failureLimit, recoveryLimit };
}
