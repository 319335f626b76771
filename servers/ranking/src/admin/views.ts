import type { RankingConfig } from "../config.ts";
import { ValueType } from "../engine/container.ts";
import type { Engine } from "../engine/engine.ts";
import type { RankedKey } from "../engine/hot-keys.ts";
import { memoryFigures } from "../engine/memory-figures.ts";
import type { Session } from "../engine/session.ts";
import type { EventWindow } from "../engine/structures/window.ts";
import { countClients } from "../metrics.ts";
import type { ShellParts } from "../process-shell.ts";
import { findContainer } from "./board-views.ts";
import { byteName } from "./byte-names.ts";
import type { History } from "./history.ts";

/** What the admin API tells of. */
export interface AdminParts {
  readonly config: RankingConfig;
  readonly engine: Engine;
  readonly parts: ShellParts;
  readonly history: History;
}

const LISTED_KEYS = 20;
const LISTED_COMMANDS = 20;
const LISTED_CLIENTS = 200;
const LISTED_SLOW_CALLS = 50;
const WINDOWS_MS = [60_000, 3_600_000, 86_400_000] as const;
const TOP_MEMBERS = 5;

/** How the store is doing as a whole. */
export function describeStatus({ engine, parts, history, config }: AdminParts): object {
  const { store, observer, shell, sessions } = engine;
  const state = shell.state();
  const figures = memoryFigures(engine);
  return {
    nowMs: store.nowMs,
    version: state.kagamiVersion,
    uptimeSeconds: Math.max(0, Math.floor((store.nowMs - state.startedMs) / 1_000)),
    keys: store.keyspaces.reduce((sum, { size }) => sum + size, 0),
    latest: history.points.at(-1),
    clients: { ...countClients(engine), rejected: sessions.rejectedCount, limit: engine.config.number("maxclients") },
    memory: {
      usedBytes: figures.usedBytes,
      peakBytes: figures.peakBytes,
      reservedBytes: figures.reservedBytes,
      residentBytes: figures.residentBytes,
      clientBytes: figures.clientBytes,
      scriptBytes: engine.scripts?.engine.memoryBytes ?? 0,
      maxBytes: engine.maxMemoryBytes,
      evictedKeys: observer.statistics.evictedKeys,
      expiredKeys: store.expiredCount,
    },
    types: observer.keyWalk.allTypes.filter(({ keys }) => keys > 0),
    walkedMs: observer.keyWalk.finishedMs,
    commands: describeCommands(engine),
    persistence: describePersistence(parts, config),
    refusal: engine.writeRefusal,
  };
}

/** The commands that took most of the time. */
function describeCommands({ commands }: Engine): object[] {
  const used = commands.all.filter(({ calls }) => calls > 0).sort((a, b) => b.usec - a.usec);
  return used.slice(0, LISTED_COMMANDS).map(({ name, calls, usec, failedCalls, rejectedCalls, latency }) => ({
    name,
    calls,
    errors: failedCalls + rejectedCalls,
    meanUs: usec / calls,
    totalMs: usec / 1_000,
    ...(latency.total > 0 && { p50Us: latency.percentileUs(50), p99Us: latency.percentileUs(99) }),
  }));
}

function describePersistence({ persistence }: ShellParts, { data }: RankingConfig): object {
  if (persistence === undefined) return { isKept: false };
  const { log } = persistence;
  const { statistics } = log;
  return {
    isKept: true,
    directory: data,
    fsync: log.policy,
    state: log.state,
    problem: log.problem?.message,
    logBytes: statistics.sizeBytes,
    pendingBytes: statistics.pendingBytes,
    syncAgeMs: Number.isNaN(statistics.syncAgeMs) ? undefined : statistics.syncAgeMs,
    syncs: statistics.syncCount,
    slowSyncs: statistics.slowSyncCount,
    position: log.lastPosition,
    durablePosition: log.durablePosition,
    isCompacting: persistence.isCompacting,
    lastSnapshotMs: persistence.lastSnapshotMs || undefined,
    lastSnapshotSeconds: persistence.lastSnapshotMs === 0 ? undefined : persistence.lastSnapshotSeconds,
    lastFailure: persistence.lastFailure,
    changesSinceSnapshot: persistence.changesSinceSnapshot,
  };
}

/** The keys that are used most, and the largest. */
export function describeKeys({ observer, store }: Engine): object {
  const named = ({ database, key, amount }: RankedKey) => ({ database, key: byteName(key), amount });
  return {
    hot: observer.hotKeys.top(LISTED_KEYS).map(named),
    large: observer.keyWalk.largest(LISTED_KEYS).map(named),
    walkedMs: observer.keyWalk.finishedMs,
    nowMs: store.nowMs,
  };
}

/** The largest windows, as the last walk through all keys found them, with what is in them now. */
export function describeWindows(engine: Engine): readonly object[] {
  return engine.observer.keyWalk.windows.flatMap((ranked) => {
    const window = findContainer<EventWindow>(engine, ranked, ValueType.window);
    if (window === undefined) return [];
    const { coarsest } = window;
    return [
      {
        database: ranked.database,
        key: byteName(ranked.key),
        retentionMs: coarsest.stepMs * coarsest.length,
        members: window.size,
        lateEvents: window.lateEvents,
        bytes: window.usedBytes,
        events: WINDOWS_MS.map((windowMs) => eventsOf(window, windowMs, engine.store.nowMs)),
        top: topOf(window, engine.store.nowMs),
      },
    ];
  });
}

/** Events of the last so many ms; `null` if the window does not reach back so far. */
function eventsOf(window: EventWindow, windowMs: number, nowMs: number): number | null {
  const ring = window.ringFor(windowMs);
  return ring === undefined ? null : window.events(ring, nowMs, Math.ceil(windowMs / ring.stepMs));
}

/** The most frequent members of as long as the sketches reach back. */
function topOf(window: EventWindow, nowMs: number): object[] {
  const { top } = window;
  if (top === undefined) return [];
  const bucket = window.numberOf(top.stepMs, nowMs);
  return top.top(bucket, top.length, TOP_MEMBERS).map(({ name, count }) => ({ member: byteName(name), count }));
}

/** The calls that took long, latest first. */
export function describeSlowLog({ observer, config }: Engine): object {
  return {
    thresholdUs: config.number("slowlog-log-slower-than"),
    calls: observer.slowLog.latest(LISTED_SLOW_CALLS).map(({ id, timeMs, durationUs, args, address, clientName }) => ({
      ...{ id, timeMs, durationUs, address },
      clientName: byteName(clientName),
      args: args.map((arg) => byteName(arg)),
    })),
  };
}

/** Who is connected: the first two hundred. */
export function describeClients({ sessions, store }: Engine): object {
  const shown: Session[] = [];
  for (const session of sessions.all()) if (shown.length < LISTED_CLIENTS) shown.push(session);
  return {
    total: sessions.count,
    clients: shown.map((session) => ({
      id: session.id,
      address: session.address,
      name: byteName(session.name),
      user: byteName(session.user.name),
      database: session.database,
      resp: session.resp,
      state: stateOf(session),
      ageSeconds: Math.max(0, Math.floor((store.nowMs - session.createdMs) / 1_000)),
      idleSeconds: Math.max(0, Math.floor((store.nowMs - session.activeMs) / 1_000)),
      lastCommand: session.lastCommand?.name,
      inputBytes: session.buffers?.inputBytes ?? 0,
      outputBytes: session.buffers?.outputBytes ?? 0,
    })),
  };
}

function stateOf(session: Session): string {
  if (session.isBlocked) return "waits for a key";
  if (session.isMonitoring) return "monitors";
  if (session.subscriptionCount > 0) return "subscribed";
  return session.isQueueing ? "in a transaction" : "normal";
}
