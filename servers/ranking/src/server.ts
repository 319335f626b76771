import { randomInt } from "node:crypto";
import type { TlsOptions } from "node:tls";
import {
  type AdminServer,
  closeOnce,
  type Listener,
  type Logger,
  listenTcp,
  Metrics,
  parseAddress,
  registerProcessMetrics,
  startAdmin,
} from "@kagami/kit";
import { admitUsers, readTls } from "./access.ts";
import type { RankingConfig } from "./config.ts";
import { createEngine } from "./create-engine.ts";
import type { Engine } from "./engine/engine.ts";
import { tick as tickEngine } from "./engine/upkeep.ts";
import type { RankingError } from "./errors.ts";
import { registerMetrics } from "./metrics.ts";
import { Persistence } from "./persistence.ts";
import { createProcessShell, type ShellParts } from "./process-shell.ts";
import { Reactor } from "./reactor.ts";

const TICK_MS = 100;
/** Elements of deleted values that are given back at each tick. */
const RELEASED_PER_TICK = 50_000;

/** A running ranking store. */
export interface RankingServer {
  /** Where it really listens: `redis`, and `redisTls` and `admin` if they are on. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly engine: Engine;
  readonly persistence: Persistence | undefined;
  readonly reactor: Reactor;
  /** Stops accepting, sends what is due, closes the log. Idempotent. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Recovers the store and serves it.
 *
 * @throws ListenError, RankingError
 */
export async function startRankingServer(config: RankingConfig, log: Logger): Promise<RankingServer> {
  const tls = await readTls(config);
  const metrics = new Metrics();
  registerProcessMetrics(metrics);
  const parts: ShellParts = { shutdown: () => process.kill(process.pid, "SIGTERM") };
  const shell = createProcessShell(config, parts);
  const makeEngine = (hashSeed: number): Engine => createEngine(hashSeed, shell);
  const persistence = config.persistence === "none" ? undefined : openPersistence(config, log, parts, makeEngine);
  const engine = persistence?.engine ?? makeEngine(randomInt(2 ** 31));
  if (persistence) parts.persistence = persistence;
  engine.batch.isWanted = persistence !== undefined;
  try {
    configure(engine, config);
  } catch (error) {
    await persistence?.close();
    throw error;
  }
  const reactor = new Reactor(
    engine,
    { nowMs: Date.now, seed: () => (Math.random() * 2 ** 32) >>> 0, log: persistence?.log },
    config,
  );
  parts.reactor = reactor;
  registerMetrics(metrics, engine, reactor, persistence);
  const listeners: Listener[] = [];
  let admin: AdminServer | undefined;
  const timer = setInterval(() => tick(engine, reactor, persistence), TICK_MS);
  const addresses: Record<string, string> = {};
  const listen = async (name: string, address: string, options?: TlsOptions): Promise<string> => {
    const listener = await listenTcp({
      name,
      address,
      ...(options ? { tls: options } : {}),
      metrics,
      log,
      maxConnections: config.maxClients,
      maxConnectionsPerIp: config.maxClients,
      onConnection: (socket) => reactor.accept(socket, options !== undefined),
    });
    listeners.push(listener);
    return listener.addressText;
  };
  const close = closeOnce(async (graceMs: number) => {
    clearInterval(timer);
    admin?.startDraining();
    const closing = Promise.all(listeners.map((listener) => listener.close(graceMs)));
    reactor.endAll();
    await closing;
    await persistence?.close();
    await admin?.close(graceMs);
  });
  try {
    addresses.redis = await listen("redis", config.listen);
    parts.tcpPort = parseAddress(addresses.redis).port;
    if (tls) addresses.redisTls = await listen("redis-tls", config.tlsListen, tls);
    if (config.admin !== "off") {
      admin = await startAdmin({ address: config.admin, metrics, log });
      admin.addCheck("log", () => persistence?.log.problem?.message);
      addresses.admin = admin.addressText;
    }
  } catch (error) {
    await close(0);
    throw error;
  }
  return { addresses, engine, persistence, reactor, close };
}

function openPersistence(
  config: RankingConfig,
  log: Logger,
  holder: ShellParts,
  makeEngine: (hashSeed: number) => Engine,
): Persistence {
  return new Persistence({
    directory: config.data,
    fsync: config.fsync,
    compactBytes: config.compactBytes,
    repair: config.repair,
    log,
    makeEngine,
    observer: {
      onAccepted: (position) => holder.reactor?.onAccepted(position),
      onState: (state, problem) => {
        const engine = holder.reactor?.engine;
        if (engine) engine.writeRefusal = state === "ok" ? "" : refusalOf(problem);
        if (problem) log.error("log.unwritable", { state, error: problem });
        else log.info("log.writable");
      },
      onSlowSync: (elapsedMs) => log.warn("log.sync_slow", { elapsedMs }),
    },
  });
}

function refusalOf(problem: RankingError | undefined): string {
  const what = problem?.message ?? "unknown error";
  return `MISCONF Errors writing to the AOF file: ${what}`;
}

/** Puts the settings into force, and shows them where CONFIG GET looks. */
function configure(engine: Engine, config: RankingConfig): void {
  const fault = engine.config.load([
    ["maxmemory", String(config.maxMemoryBytes)],
    ["maxclients", String(config.maxClients)],
    ["appendonly", config.persistence === "log" ? "yes" : "no"],
    ["appendfsync", config.fsync],
    ["dir", config.data],
    ["aclfile", config.aclFile],
    ["port", String(parseAddress(config.listen).port)],
    ["bind", parseAddress(config.listen).host],
  ]);
  if (fault !== undefined) throw new Error(fault);
  admitUsers(engine, config);
}

function tick(engine: Engine, reactor: Reactor, persistence: Persistence | undefined): void {
  // A turn expires what is due, also when nobody asks for anything.
  reactor.inTurn(() => tickEngine(engine));
  reactor.resumeHeldBack();
  if (engine.store.graveCount > 0) engine.store.releaseSome(RELEASED_PER_TICK);
  // Its failure is told by the log line, the metrics and INFO.
  if (persistence?.isCompactionDue) persistence.compact().catch(() => undefined);
}
