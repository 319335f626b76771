/*
 * One server per data directory. Node has no lock that the kernel would give back when a process dies, so the lock is a
 * file that names its owner, and a dead owner's is taken over.
 *
 *   lock-17    {"pid":4711,"startedAt":"8412345"}    held
 *   lock-17    {}                                    given back
 *
 * The owner is who made the file with the highest number. To take over, one makes the next number, which fails if another
 * one did (link never replaces a file), and then looks whether a higher one has come meanwhile. Numbers never come again:
 * the last file stays when it is given back. So who was asleep between looking and acting cannot remove a newer owner's
 * lock, as it could if there were one file to delete and make again.
 *
 * It holds for the processes of one machine that see each other's ids: not over NFS, and not between containers with ids
 * of their own.
 */
import { linkSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RankingError } from "../errors.ts";
import { errorCode } from "./disk.ts";
import { ioFailure } from "./storage-errors.ts";

const NAME = /^lock-(\d+)$/;
const ATTEMPT_LIMIT = 100;

interface Owner {
  readonly pid: number;
  /** When the process began, as the kernel counts, since a number may be given to a new process; "" where unknown. */
  readonly startedAt: string;
}

export interface DirectoryLock {
  /** Idempotent. */
  release(): void;
}

/** Tells when a living process began; `undefined` if there is none of that id. */
export type ProcessLookup = (pid: number) => string | undefined;

/**
 * Makes this process the only one that uses a data directory, until it releases it or dies.
 *
 * @throws RankingError `STORAGE_LOCKED` if another process has it, `STORAGE_FAILED`, `STORAGE_FULL`
 */
export function lockDirectory(
  directory: string,
  pid: number = process.pid,
  lookup: ProcessLookup = processStart,
): DirectoryLock {
  const temporary = join(directory, `lock.${pid}.tmp`);
  try {
    writeFileSync(temporary, JSON.stringify({ pid, startedAt: lookup(pid) ?? "" } satisfies Owner));
    try {
      return acquire(directory, temporary, lookup);
    } finally {
      unlinkSync(temporary);
    }
  } catch (cause) {
    throw ioFailure("lock", directory, cause);
  }
}

/** When a process began, in clock ticks since the machine did (Linux); "" if it lives and that is unknown. */
export function processStart(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === "ESRCH") return undefined; // EPERM: it lives and is another user's
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command's name, in parentheses, may hold anything; the 22nd field is the 20th behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : (fields[19] ?? "");
  } catch {
    return ""; // no /proc here
  }
}

function acquire(directory: string, temporary: string, lookup: ProcessLookup): DirectoryLock {
  for (let attempt = 0; attempt < ATTEMPT_LIMIT; attempt++) {
    const numbers = lockNumbers(directory);
    const highest = numbers.at(-1) ?? 0;
    const owner = highest > 0 ? readOwner(join(directory, `lock-${highest}`)) : undefined;
    if (owner && isAlive(owner, lookup)) throw locked(directory, highest, owner.pid);
    const path = join(directory, `lock-${highest + 1}`);
    try {
      linkSync(temporary, path);
    } catch (error) {
      if (errorCode(error) === "EEXIST") continue;
      throw error;
    }
    if (lockNumbers(directory).at(-1) === highest + 1) {
      for (const number of numbers) unlinkIfThere(join(directory, `lock-${number}`));
      return holdLock(directory, path);
    }
    unlinkIfThere(path);
  }
  throw new RankingError("STORAGE_LOCKED", `Cannot lock ${directory}: others try at the same time. Start it again`);
}

function holdLock(directory: string, path: string): DirectoryLock {
  let isHeld = true;
  return {
    release: () => {
      if (!isHeld) return;
      isHeld = false;
      const empty = join(directory, `lock.${process.pid}.tmp`);
      writeFileSync(empty, "{}");
      renameSync(empty, path);
    },
  };
}

function lockNumbers(directory: string): number[] {
  return readdirSync(directory)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** `undefined` if it was given back, or is gone, or a loss of power has emptied it. */
function readOwner(path: string): Owner | undefined {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(path, "utf8")) as Partial<Owner>;
    return Number.isInteger(pid) && pid ? { pid, startedAt: String(startedAt ?? "") } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function isAlive({ pid, startedAt }: Owner, lookup: ProcessLookup): boolean {
  const found = lookup(pid);
  return found !== undefined && (found === "" || startedAt === "" || found === startedAt);
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

function locked(directory: string, number: number, pid: number): RankingError {
  const what = `Cannot use ${directory}: process ${pid} uses it (${join(directory, `lock-${number}`)})`;
  return new RankingError("STORAGE_LOCKED", `${what}. Stop that process, or give this one another --data directory`);
}
