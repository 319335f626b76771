import { RankingError } from "../errors.ts";
import { errorCode, isFull } from "./disk.ts";

/** The log of what the storage did by itself. A logger of `@kagami/kit` fits. */
export interface StorageJournal {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

const REPAIR = "Restore the data directory from a copy, or start with --repair";

/** A log that lacks or contradicts something. `what` ends the sentence "Cannot read <path>: ". */
export function corruptLog(path: string, what: string, options?: ErrorOptions): RankingError {
  const mend = `${REPAIR} to cut the log there (what is cut is kept in a .cut file)`;
  return new RankingError("STORAGE_CORRUPT", `Cannot read ${path}: ${what}. ${mend}`, options);
}

/** A snapshot that is damaged or not finished. */
export function corruptSnapshot(path: string, what: string): RankingError {
  const mend =
    "The snapshot before it is used if the log reaches back to it; else restore the data directory from a copy";
  return new RankingError("STORAGE_CORRUPT", `Cannot read ${path}: ${what}. ${mend}`);
}

/** What a failed system call means: `STORAGE_FULL` or `STORAGE_FAILED`. */
export function ioFailure(doing: string, path: string, cause: unknown): RankingError {
  if (cause instanceof RankingError) return cause;
  const code = errorCode(cause);
  if (isFull(cause)) {
    const mend = "Free space on its disk (or raise the quota); it goes on by itself then";
    return new RankingError("STORAGE_FULL", `Cannot ${doing} ${path} (${code}): ${mend}`, { cause });
  }
  const mend = "Check the disk and the directory's owner and mode, then start again: what was not synced may be lost";
  return new RankingError("STORAGE_FAILED", `Cannot ${doing} ${path} (${code}): ${mend}`, { cause });
}
