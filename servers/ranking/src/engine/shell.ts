import type { ZoneRules } from "./zones.ts";

/** What only the process around the engine knows; asked for by INFO, MEMORY and the like. All counts from its start. */
export interface ShellState {
  readonly processId: number;
  readonly runId: string;
  /** As `uname` says it: system, release, machine. */
  readonly system: string;
  readonly tcpPort: number;
  readonly executable: string;
  readonly configFile: string;
  readonly kagamiVersion: string;
  readonly startedMs: number;
  readonly residentBytes: number;
  readonly systemBytes: number;
  /** Of JavaScript's own heap: in use, and taken from the system. */
  readonly scriptHeapBytes: number;
  readonly scriptHeapReservedBytes: number;
  readonly cpuUserSeconds: number;
  readonly cpuSystemSeconds: number;
  readonly netInputBytes: number;
  readonly netOutputBytes: number;
  readonly readCount: number;
  readonly writeCount: number;
  readonly persistence: PersistenceState;
}

/** How the files are doing. */
export interface PersistenceState {
  readonly isLoading: boolean;
  readonly isSaving: boolean;
  readonly lastSaveMs: number;
  /** Duration of the last snapshot and of the one being made; -1 if there is none. */
  readonly lastSaveSeconds: number;
  readonly currentSaveSeconds: number;
  readonly hasLastSaveFailed: boolean;
  readonly saveCount: number;
  readonly changesSinceSave: number;
  readonly isLogEnabled: boolean;
  readonly hasLastLogWriteFailed: boolean;
  readonly logBytes: number;
  /** Bytes of the log when it was last compacted. */
  readonly logBaseBytes: number;
  readonly logPendingBytes: number;
  readonly delayedSyncCount: number;
  readonly loadedKeyCount: number;
  readonly loadExpiredKeyCount: number;
}

/** How SHUTDOWN was asked for. */
export interface ShutdownOptions {
  /** `undefined` leaves it to the configuration. */
  readonly saves: boolean | undefined;
  readonly isNow: boolean;
  readonly isForced: boolean;
}

/**
 * What the engine may ask the process around it to do. What returns a string returns the error reply without its `-`, or
 * "" when it was done or has begun.
 */
export interface Shell {
  state(): ShellState;
  /** Bytes fit for secrets. */
  randomBytes(sizeBytes: number): Uint8Array;
  /** SAVE; the snapshot may go on behind the reply. */
  save(): string;
  /** BGSAVE. */
  saveInBackground(): string;
  /** BGREWRITEAOF: compacts the log. */
  compactLog(): string;
  /** SHUTDOWN. The reply of one that has begun is never sent. */
  shutdown(options: ShutdownOptions): string;
  abortShutdown(): string;
  /** The ACL file: its path, or "" if none is configured. Byte text. */
  readonly userFilePath: string;
  readUserFile(): { readonly content: string } | { readonly error: string };
  writeUserFile(content: string): string;
  /** CONFIG REWRITE: all parameters that are not what they are by default, as lines. */
  rewriteConfig(lines: readonly string[]): string;
  /** CONFIG RESETSTAT: sets back the counts of {@link ShellState} that grow, of the network and of delayed syncs. */
  resetStatistics(): void;
  /** The rules of a time zone; `undefined` if there is none of that name. */
  zoneRules(name: string): ZoneRules | undefined;
  /** MEMORY PURGE: gives back what can be. */
  purgeMemory(): void;
}

const NO_SHELL = "ERR This server has no files: it was started without a shell around it";

const NOTHING_SAVED: PersistenceState = {
  isLoading: false,
  isSaving: false,
  lastSaveMs: 0,
  lastSaveSeconds: -1,
  currentSaveSeconds: -1,
  hasLastSaveFailed: false,
  saveCount: 0,
  changesSinceSave: 0,
  isLogEnabled: false,
  hasLastLogWriteFailed: false,
  logBytes: 0,
  logBaseBytes: 0,
  logPendingBytes: 0,
  delayedSyncCount: 0,
  loadedKeyCount: 0,
  loadExpiredKeyCount: 0,
};

const NOTHING_KNOWN: ShellState = {
  processId: 0,
  runId: "0".repeat(40),
  system: "unknown",
  tcpPort: 0,
  executable: "",
  configFile: "",
  kagamiVersion: "0.1.0",
  startedMs: 0,
  residentBytes: 0,
  systemBytes: 0,
  scriptHeapBytes: 0,
  scriptHeapReservedBytes: 0,
  cpuUserSeconds: 0,
  cpuSystemSeconds: 0,
  netInputBytes: 0,
  netOutputBytes: 0,
  readCount: 0,
  writeCount: 0,
  persistence: NOTHING_SAVED,
};

/** No shell at all: for tests of the engine alone. Everything that needs files is refused. */
export const ABSENT_SHELL: Shell = {
  state: () => NOTHING_KNOWN,
  randomBytes: () => {
    throw new Error("There is no source of secrets: give the engine a shell with `randomBytes`");
  },
  save: () => NO_SHELL,
  saveInBackground: () => NO_SHELL,
  compactLog: () => NO_SHELL,
  shutdown: () => NO_SHELL,
  abortShutdown: () => "ERR No shutdown in progress.",
  userFilePath: "",
  readUserFile: () => ({ error: NO_SHELL }),
  writeUserFile: () => NO_SHELL,
  rewriteConfig: () => "ERR The server is running without a config file",
  resetStatistics: () => undefined,
  zoneRules: () => undefined,
  purgeMemory: () => undefined,
};
