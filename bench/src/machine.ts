import { cpus, loadavg, release, totalmem, type } from "node:os";

/** Where and when figures were taken. */
export interface MachineRecord {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  /** Start of the run, ISO 8601. */
  readonly date: string;
  readonly command: string;
  /** Load average of one minute before and after: over the number of cores, something else was running. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

/** Notes the machine before a run; call the result when the run is over. */
export function recordMachine(command: string): () => MachineRecord {
  const [loadBefore = 0] = loadavg();
  const date = new Date().toISOString();
  return () => ({
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e8) / 10,
    kernel: `${type()} ${release()}`,
    node: process.version,
    date,
    command,
    loadBefore: round(loadBefore),
    loadAfter: round(loadavg()[0] ?? 0),
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
