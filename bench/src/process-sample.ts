import { readdirSync, readFileSync } from "node:fs";

/**
 * CPU time that a process has used so far, in milliseconds: the sum over its threads of what the scheduler counted, so
 * in nanoseconds and not in ticks. Linux only.
 */
export function cpuMs(pid: number): number {
  let sumNs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      sumNs += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ", 1)[0]);
    } catch {
      // The thread ended between the two calls; servers under test keep theirs.
    }
  }
  return sumNs / 1e6;
}

/** Resident memory of a process, in MB (10^6 bytes). Linux only. */
export function residentMb(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return (Number(kib) * 1024) / 1e6;
}

/** Waits. Benches are the place where time really passes. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
