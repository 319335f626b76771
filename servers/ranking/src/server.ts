import type { Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import {
  type AdminServer,
  closeOnce,
  type Listener,
  type Logger,
  listenTcp,
  Metrics,
  parseAddress,
  type Router,
  readListenerTls,
  registerProcessMetrics,
  startAdmin,
} from "@kagami/kit";
import { admitUsers, checkAdminToken } from "./access.ts";
import { History } from "./admin/history.ts";
import { addAdminRoutes } from "./admin/routes.ts";
import { CLIENTS_LIMIT, ClientLimits } from "./client-limits.ts";
import type { RankingConfig } from "./config.ts";
import { createEngine } from "./create-engine.ts";
import type { Engine } from "./engine/engine.ts";
import { tick as tickEngine } from "./engine/upkeep.ts";
import { registerMetrics } from "./metrics.ts";
import type { Persistence } from "./persistence.ts";
import { PersistenceSwitch } from "./persistence-switch.ts";
import { createProcessShell, type ShellParts } from "./process-shell.ts";
import { Reactor } from "./reactor.ts";
import { SaveRules } from "./save-rules.ts";
import { applyShellParameters } from "./shell-parameters.ts";

const MIB = 1 << 20;
const TICK_MS = 100;
/** Connections beyond all clients, which live only until they are told that there are too many. */
const SPARE_CONNECTIONS = 1_000;
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
 * @throws ListenError, RankingError, TlsFileError
 */
export async function startRankingServer(config: RankingConfig, log: Logger): Promise<RankingServer> {
  checkAdminToken(config);
  const tls = await readListenerTls(config);
  const metrics = new Metrics();
  registerProcessMetrics(metrics);
  const parts: ShellParts = { shutdown: () => process.kill(process.pid, "SIGTERM") };
  const shell = createProcessShell(config, parts);
  const makeEngine = (hashSeed: number): Engine => createEngine(hashSeed, shell);
  const persistence = new PersistenceSwitch({ config, log, parts, makeEngine });
  const engine = config.persistence === "none" ? persistence.makeEngine() : persistence.open().engine;
  const [limits, saveRules] = [new ClientLimits(config), new SaveRules(Date.now())];
  engine.batch.isWanted = parts.persistence !== undefined;
  try {
    configure(engine, config);
    applyShellParameters(engine, { config, limits, parts, persistence, saveRules });
  } catch (error) {
    await parts.persistence?.close();
    throw error;
  }
  if (engine.scripts) engine.scripts.onLog = (level, message) => logOfScript(log, level, message);
  const world = {
    nowMs: Date.now,
    seed: () => (Math.random() * 2 ** 32) >>> 0,
    get log() {
      return parts.persistence?.log;
    },
  };
  const reactor = new Reactor(engine, world, limits);
  parts.reactor = reactor;
  registerMetrics(metrics, engine, reactor, parts);
  const listeners: Listener[] = [];
  let admin: AdminServer | undefined;
  const history = new History(engine, Date.now());
  const timer = setInterval(() => tick(engine, reactor, { parts, limits, saveRules, history }), TICK_MS);
  const addresses: Record<string, string> = {};
  const listen = async (name: string, address: string, options?: TlsOptions): Promise<string> => {
    const listener = await listenTcp({
      name,
      address,
      ...(options ? { tls: options } : {}),
      metrics,
      log,
      // `maxclients` is asked for when a connection is admitted, so that it is told why it is not.
      maxConnections: CLIENTS_LIMIT + SPARE_CONNECTIONS,
      onConnection: (socket) => admit(socket, options !== undefined, reactor, limits),
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
    await persistence.settled();
    await parts.persistence?.close();
    await admin?.close(graceMs);
  });
  try {
    addresses.redis = await listen("redis", config.listen);
    parts.tcpPort = parseAddress(addresses.redis).port;
    if (tls) addresses.redisTls = await listen("redis-tls", config.tlsListen, tls);
    if (config.admin !== "off") {
      const addRoutes = (router: Router): void => addAdminRoutes(router, { config, engine, parts, history });
      admin = await startAdmin({ address: config.admin, metrics, log, addRoutes });
      admin.addCheck("log", () => parts.persistence?.log.problem?.message);
      addresses.admin = admin.addressText;
    }
  } catch (error) {
    await close(0);
    throw error;
  }
  return {
    addresses,
    engine,
    get persistence() {
      return parts.persistence;
    },
    reactor,
    close,
  };
}

/** Takes a connection over, or tells it that there are too many, as Redis does. */
function admit(socket: Socket, isTls: boolean, reactor: Reactor, limits: ClientLimits): void {
  const { sessions } = reactor.engine;
  if (sessions.count >= limits.maxClients) {
    sessions.rejectedCount++;
    // Its failure is nobody's business: it is turned away.
    socket.on("error", () => undefined);
    socket.end("-ERR max number of clients reached\r\n");
    return;
  }
  if (limits.keepAliveMs > 0) socket.setKeepAlive(true, limits.keepAliveMs);
  reactor.accept(socket, isTls);
}

const SCRIPT_LEVELS = ["debug", "verbose", "notice", "warning"] as const;

/** `redis.log` of a script. */
function logOfScript(log: Logger, level: number, message: Uint8Array): void {
  const fields = { level: SCRIPT_LEVELS[level] ?? String(level), message: Buffer.from(message).toString("utf8") };
  if (level >= 3) log.warn("script.logged", fields);
  else if (level >= 1) log.info("script.logged", fields);
  else log.debug("script.logged", fields);
}

/** Puts the settings into force, and shows them where CONFIG GET looks. */
function configure(engine: Engine, config: RankingConfig): void {
  const sizes = config.maxBulkBytes >= MIB ? [["proto-max-bulk-len", String(config.maxBulkBytes)] as const] : [];
  const fault = engine.config.load([
    ["maxmemory", String(config.maxMemoryBytes)],
    ["maxclients", String(config.maxClients)],
    ["appendonly", config.persistence === "log" ? "yes" : "no"],
    ["appendfsync", config.fsync],
    ["dir", config.data],
    ["aclfile", config.aclFile],
    ["port", String(parseAddress(config.listen).port)],
    ["bind", parseAddress(config.listen).host],
    ...sizes,
  ]);
  if (fault !== undefined) throw new Error(fault);
  admitUsers(engine, config);
}

interface TickParts {
  readonly parts: ShellParts;
  readonly limits: ClientLimits;
  readonly saveRules: SaveRules;
  readonly history: History;
}

function tick(engine: Engine, reactor: Reactor, { parts, limits, saveRules, history }: TickParts): void {
  // A turn expires what is due, also when nobody asks for anything.
  reactor.inTurn(() => tickEngine(engine));
  reactor.resumeHeldBack();
  if (engine.store.graveCount > 0) engine.store.releaseSome(RELEASED_PER_TICK);
  const nowMs = Date.now();
  reactor.closeOverdue(nowMs, limits);
  history.tick(nowMs);
  const { persistence } = parts;
  if (persistence === undefined) return;
  // Its failure is told by the log line, the metrics and INFO.
  if (persistence.isCompactionDue || saveRules.isDue(persistence, nowMs)) persistence.compact().catch(() => undefined);
}
