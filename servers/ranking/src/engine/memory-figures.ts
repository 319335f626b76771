import { memoryOfSession } from "./client-info.ts";
import type { Engine } from "./engine.ts";

/** What memory is used for, in bytes. */
export interface MemoryFigures {
  /** What `maxmemory` limits: the store with its tables. */
  readonly usedBytes: number;
  readonly peakBytes: number;
  /** Of the whole process, as the system counts. */
  readonly residentBytes: number;
  readonly systemBytes: number;
  /** Blocks in use, the pages that they are on, and the segments that these are on. */
  readonly liveBytes: number;
  readonly pageBytes: number;
  readonly reservedBytes: number;
  readonly scriptHeapBytes: number;
  /** Tables and connections. */
  readonly overheadBytes: number;
  readonly datasetBytes: number;
  readonly logPendingBytes: number;
  readonly clientBytes: number;
  readonly fragmentation: number;
}

/** Table slots of a key, and what it takes more if it expires. */
const SLOT_BYTES = 12;

/** Gathers what INFO, MEMORY STATS and MEMORY DOCTOR tell of memory. */
export function memoryFigures(engine: Engine): MemoryFigures {
  const { store, observer } = engine;
  const state = engine.shell.state();
  const { liveBytes, pageBytes, reservedBytes } = store.heap.use;
  const { usedBytes } = store;
  let clientBytes = 0;
  for (const session of engine.sessions.all()) clientBytes += memoryOfSession(session);
  let tableBytes = 0;
  for (const { size, expiringCount } of store.keyspaces) tableBytes += SLOT_BYTES * (size + expiringCount);
  observer.statistics.peakBytes = Math.max(observer.statistics.peakBytes, usedBytes);
  return {
    usedBytes,
    peakBytes: observer.statistics.peakBytes,
    residentBytes: state.residentBytes,
    systemBytes: state.systemBytes,
    liveBytes,
    pageBytes,
    reservedBytes,
    scriptHeapBytes: state.scriptHeapBytes,
    overheadBytes: tableBytes + clientBytes,
    datasetBytes: Math.max(0, usedBytes - tableBytes),
    logPendingBytes: state.persistence.logPendingBytes,
    clientBytes,
    fragmentation: liveBytes === 0 ? 1 : pageBytes / liveBytes,
  };
}
