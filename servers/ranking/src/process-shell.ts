import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { arch, release, totalmem, type } from "node:os";
import type { RankingConfig } from "./config.ts";
import { ABSENT_SHELL, type PersistenceState, type Shell, type ShellState } from "./engine/shell.ts";
import type { Persistence } from "./persistence.ts";
import type { Reactor } from "./reactor.ts";
import type { SyncPolicy } from "./storage/log-syncer.ts";
import { zoneRulesOf } from "./time-zones.ts";

/** What the shell speaks for; filled in while the server starts. */
export interface ShellParts {
  reactor?: Reactor;
  persistence?: Persistence;
  tcpPort?: number;
  /** `appendfsync`, once it is in force. */
  fsync?: SyncPolicy;
  /** Ends the process, as SIGTERM would. */
  shutdown?: () => void;
}

const NO_LOG = "ERR This server keeps nothing now: CONFIG SET appendonly yes begins a log";

/** What this process does for the engine, and what it knows of itself. */
export function createProcessShell(config: RankingConfig, parts: ShellParts): Shell {
  const startedMs = Date.now();
  const runId = randomBytes(20).toString("hex");
  const compact = (): string => {
    const { persistence } = parts;
    if (persistence === undefined) return NO_LOG;
    // Its failure is told by the log line and by INFO.
    persistence.compact().catch(() => undefined);
    return "";
  };
  return {
    ...ABSENT_SHELL,
    state: () => stateOf(parts, { startedMs, runId }),
    randomBytes: (sizeBytes) => randomBytes(sizeBytes),
    save: compact,
    saveInBackground: () => {
      if (parts.persistence?.isCompacting) return "ERR Background save already in progress";
      return compact();
    },
    compactLog: () => {
      if (parts.persistence?.isCompacting) return "ERR Background append only file rewriting already in progress";
      return compact();
    },
    shutdown: () => {
      parts.shutdown?.();
      return "";
    },
    userFilePath: config.aclFile,
    readUserFile: () => readUserFile(config.aclFile),
    writeUserFile: (content) => writeUserFile(config.aclFile, content),
    resetStatistics: () => parts.reactor?.resetStatistics(),
    zoneRules: (name) => zoneRulesOf(name, Date.now()),
    purgeMemory: () => parts.reactor?.engine.store.heap.trim(),
  };
}

function readUserFile(path: string): { readonly content: string } | { readonly error: string } {
  try {
    return { content: readFileSync(path, "latin1") };
  } catch (error) {
    return { error: `ERR Cannot read ${path}: ${(error as Error).message}` };
  }
}

/** Waits for the disk, as ACL SAVE does in Redis: the reply must say whether it is there. */
function writeUserFile(path: string, content: string): string {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content, { encoding: "latin1", mode: 0o600, flush: true });
    renameSync(temporary, path);
    return "";
  } catch (error) {
    rmSync(temporary, { force: true });
    return `ERR There was an error trying to save the ACLs: ${(error as Error).message}`;
  }
}

function stateOf(parts: ShellParts, own: { readonly startedMs: number; readonly runId: string }): ShellState {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  return {
    processId: process.pid,
    runId: own.runId,
    system: `${type()} ${release()} ${arch()}`,
    tcpPort: parts.tcpPort ?? 0,
    executable: process.execPath,
    configFile: "",
    kagamiVersion: "0.1.0",
    startedMs: own.startedMs,
    residentBytes: memory.rss,
    systemBytes: totalmem(),
    scriptHeapBytes: memory.heapUsed,
    scriptHeapReservedBytes: memory.heapTotal,
    cpuUserSeconds: cpu.user / 1e6,
    cpuSystemSeconds: cpu.system / 1e6,
    netInputBytes: parts.reactor?.netInputBytes ?? 0,
    netOutputBytes: parts.reactor?.netOutputBytes ?? 0,
    readCount: parts.reactor?.readCount ?? 0,
    writeCount: parts.reactor?.writeCount ?? 0,
    persistence: persistenceState(parts.persistence, own.startedMs),
  };
}

function persistenceState(persistence: Persistence | undefined, startedMs: number): PersistenceState {
  const statistics = persistence?.log.statistics;
  return {
    isLoading: false,
    isSaving: persistence?.isCompacting ?? false,
    // As Redis: without one in this run, since when the process runs.
    lastSaveMs: persistence?.lastSnapshotMs || startedMs,
    lastSaveSeconds: persistence?.lastSnapshotSeconds ?? -1,
    currentSaveSeconds: persistence?.currentSnapshotSeconds ?? -1,
    hasLastSaveFailed: (persistence?.lastFailure ?? "") !== "",
    saveCount: persistence?.snapshotCount ?? 0,
    changesSinceSave: persistence?.changesSinceSnapshot ?? 0,
    isLogEnabled: persistence !== undefined,
    hasLastLogWriteFailed: persistence !== undefined && persistence.log.state !== "ok",
    logBytes: statistics?.sizeBytes ?? 0,
    logBaseBytes: persistence?.baseBytes ?? 0,
    logPendingBytes: statistics?.pendingBytes ?? 0,
    delayedSyncCount: statistics?.slowSyncCount ?? 0,
    loadedKeyCount: persistence?.loadedKeyCount ?? 0,
    loadExpiredKeyCount: 0,
  };
}
