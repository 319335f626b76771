import type { Pool } from "./cluster.ts";
import {
  type AgreedState,
  type EjectedServer,
  ejectionTime,
  type FlapCount,
  serverAddress,
  serversByAddress,
  serversOfPool,
} from "./cluster-state.ts";
import type { Vote } from "./health.ts";

/** A living proxy, as it last reported. */
export interface Member {
  readonly id: string;
  /** All of its workers act by this epoch or a later one. */
  readonly appliedEpoch: number;
  /** By address; what is absent is `unknown`. */
  readonly votes: Readonly<Record<string, Vote>>;
}

/** What ejections are decided from. */
export interface EjectionInput {
  readonly nowMs: number;
  /** Every living proxy, at least one. */
  readonly members: readonly Member[];
  /** Share of a pool that may be out at once, 0 to 1. */
  readonly ejectionShare: number;
  /** Addresses that were found or made empty since their present stage began, with the epoch of that stage. */
  readonly cleaned: ReadonlyMap<string, number>;
}

/** An ejection that long ago says nothing about today. */
const FLAP_MEMORY_MS = 600_000;
const FIRST_HOLD_MS = 5_000;
const HOLD_LIMIT_MS = 300_000;

/**
 * How long a server stays out at the least: the first time as long as it is down, then 5 s, doubled each time within ten
 * minutes, up to five minutes. A server that flaps is thus out rather than flushed over and over.
 */
export function holdMs(flapCount: number): number {
  if (flapCount <= 1) return 0;
  return Math.min(HOLD_LIMIT_MS, FIRST_HOLD_MS * 2 ** Math.min(20, flapCount - 2));
}

/** Moves each server's ejection one step on, where votes and reports allow it. The result is a draft to be committed. */
export function decideEjections(state: AgreedState, input: EjectionInput): AgreedState {
  let draft: AgreedState = { ...state, ejected: [] };
  for (const entry of state.ejected) {
    const next = stepEjected(entry, state, input);
    if (next) draft = { ...draft, ejected: [...draft.ejected, next] };
    if (next?.stage !== "fencing" || entry.stage !== "rejoining") continue;
    draft = reEject(draft, next, input.nowMs);
  }
  for (const address of serversByAddress(state.cluster).keys()) {
    if (state.ejected.some((entry) => entry.address === address)) continue;
    if (!hasMajority(input.members, address, "down")) continue;
    if (!mayEject(draft, address, input.ejectionShare)) continue;
    draft = eject(draft, address, "votes", input.nowMs);
  }
  return draft;
}

/** Takes a server out of use; the caller commits. */
export function eject(state: AgreedState, address: string, reason: "votes" | "hand", nowMs: number): AgreedState {
  const sinceMs = ejectionTime(state, nowMs);
  const stageEpoch = state.cluster.epoch + 1;
  const entry: EjectedServer = { address, stage: "fencing", sinceMs, stageEpoch, reason };
  return {
    ...state,
    ejected: [...state.ejected.filter((other) => other.address !== address), entry],
    flaps: countFlap(state.flaps, address, nowMs),
    lastEjectionMs: sinceMs,
  };
}

/**
 * A server that went down again behind its second fence: an ejection of its own, for deletes that were answered meanwhile
 * did not reach the gutter.
 */
export function reEject(state: AgreedState, entry: EjectedServer, nowMs: number): AgreedState {
  const sinceMs = ejectionTime(state, nowMs);
  const again: EjectedServer = { ...entry, stage: "fencing", sinceMs, stageEpoch: state.cluster.epoch + 1 };
  const ejected = state.ejected.map((other) => (other.address === entry.address ? again : other));
  return { ...state, ejected, lastEjectionMs: sinceMs };
}

/**
 * Ejected servers that may be emptied now: no proxy uses them, and they answer. With the stage's epoch, which the caller
 * remembers with its success.
 */
export function serversToClean(state: AgreedState, members: readonly Member[]): EjectedServer[] {
  return state.ejected.filter(
    (entry) =>
      haveAllApplied(members, entry.stageEpoch) &&
      (entry.stage === "cleaning" || (entry.stage === "down" && mayReturn(entry, members))),
  );
}

function mayReturn({ reason, address }: EjectedServer, members: readonly Member[]): boolean {
  return reason !== "hand" && hasMajority(members, address, "up");
}

/** Whether every living proxy acts by this epoch or a later one. */
export function haveAllApplied(members: readonly Member[], epoch: number): boolean {
  return members.length > 0 && members.every((member) => member.appliedEpoch >= epoch);
}

/** Whether more than half of the living proxies say so; never one alone unless it is the only one. */
export function hasMajority(members: readonly Member[], address: string, vote: Vote): boolean {
  let count = 0;
  for (const member of members) if (member.votes[address] === vote) count++;
  return count * 2 > members.length;
}

/** @returns The entry's next stage, or `undefined` if the server is in use again. */
function stepEjected(entry: EjectedServer, state: AgreedState, input: EjectionInput): EjectedServer | undefined {
  const { address, stage, stageEpoch } = entry;
  const stageNext = state.cluster.epoch + 1;
  switch (stage) {
    case "fencing":
      return haveAllApplied(input.members, stageEpoch) ? { ...entry, stage: "down", stageEpoch: stageNext } : entry;
    case "down": {
      if (!mayReturn(entry, input.members) || input.cleaned.get(address) !== stageEpoch) return entry;
      const flapCount = state.flaps.find((flap) => flap.address === address)?.count ?? 0;
      const waitedMs = input.nowMs - entry.sinceMs;
      // A clock that went back must not keep a server out for longer than the hold.
      if (waitedMs >= 0 && waitedMs < holdMs(flapCount)) return entry;
      return { ...entry, stage: "rejoining", stageEpoch: stageNext };
    }
    case "rejoining":
      if (hasMajority(input.members, address, "down")) return { ...entry, stage: "fencing", stageEpoch: stageNext };
      return haveAllApplied(input.members, stageEpoch) ? undefined : entry;
    case "cleaning":
      if (!haveAllApplied(input.members, stageEpoch) || input.cleaned.get(address) !== stageEpoch) return entry;
      return undefined;
    default:
      return stage satisfies never;
  }
}

/**
 * A blip in the proxies' own network makes all servers look dead at once. Were they all ejected, they would all be
 * flushed; so only a share goes, the others' requests fail as long as it lasts, and nothing is lost. A pool of one
 * server is ejected only if there is another pool to take over.
 */
function mayEject(state: AgreedState, address: string, share: number): boolean {
  const out = new Set(state.ejected.map((entry) => entry.address));
  return (serversByAddress(state.cluster).get(address)?.pools ?? []).every((pool) => {
    const addresses = serversOfPool(state.cluster, pool).map(serverAddress);
    const outCount = addresses.filter((other) => out.has(other)).length;
    return outCount < ejectionLimit(pool, addresses.length, share);
  });
}

function ejectionLimit(pool: Pool, serverCount: number, share: number): number {
  if (share === 0) return 0;
  const { gutter } = pool.options;
  const atLeast = serverCount > 1 || (gutter && gutter.pool !== pool.name) ? 1 : 0;
  return Math.max(atLeast, Math.floor(serverCount * share));
}

function countFlap(flaps: readonly FlapCount[], address: string, nowMs: number): FlapCount[] {
  const isRecent = (flap: FlapCount) => nowMs - flap.lastMs < FLAP_MEMORY_MS;
  const before = flaps.find((flap) => flap.address === address && isRecent(flap));
  const others = flaps.filter((flap) => flap.address !== address && isRecent(flap));
  return [...others, { address, count: (before?.count ?? 0) + 1, lastMs: nowMs }];
}
