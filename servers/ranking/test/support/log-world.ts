import { createRandom, FakeClock } from "@kagami/clock";
import { FileLog, type FileLogOptions } from "../../src/storage/file-log.ts";
import { openSealedLog } from "../../src/storage/log-cursor.ts";
import type { StorageJournal } from "../../src/storage/storage-errors.ts";
import { FakeDisk, type FakeDiskFaults } from "./fake-disk.ts";

/** A directory of the fake disk. */
export const DIRECTORY = "/data";

export interface LogWorld {
  readonly disk: FakeDisk;
  readonly clock: FakeClock;
  /** Events that the storage told its journal. */
  readonly events: string[];
  readonly journal: StorageJournal;
  open(options?: Partial<FileLogOptions>): FileLog;
}

/** A fake disk and clock, and logs that are opened on them. */
export function makeWorld(seed: number, faults: FakeDiskFaults = {}): LogWorld {
  const random = createRandom(seed);
  const disk = new FakeDisk(random.fork("disk"), faults);
  const clock = new FakeClock();
  const events: string[] = [];
  const journal: StorageJournal = { info: (event) => events.push(event), warn: (event) => events.push(event) };
  const salts = random.fork("salts");
  const open = (options: Partial<FileLogOptions> = {}): FileLog =>
    FileLog.open({
      directory: DIRECTORY,
      clock,
      journal,
      policy: "always",
      disk,
      randomBytes: (count) => salts.bytes(count),
      ...options,
    });
  return { disk, clock, events, journal, open };
}

/** The batch that a test appends at a position: it can be checked without being kept. */
export function batchAt(position: number, salt = 0): Uint8Array {
  const random = createRandom(position * 31 + salt);
  return random.bytes(random.pick([1, 7, 30, 64, 65, 300]));
}

/** Appends a batch of `batchAt` for each position and flushes. */
export function appendUpTo(log: FileLog, position: number, salt = 0): void {
  for (let next = log.lastPosition + 1; next <= position; next++) {
    const bytes = batchAt(next, salt);
    log.append(bytes, 0, bytes.length);
  }
  log.flush();
}

/** Everything that can be read from the finally named segments. */
export function readAll(disk: FakeDisk, fromPosition: number, lastPosition: number): Uint8Array[] {
  const cursor = openSealedLog(disk, DIRECTORY, fromPosition);
  const batches: Uint8Array[] = [];
  while (cursor.next(lastPosition)) batches.push(cursor.bytes.slice(cursor.start, cursor.end));
  cursor.close();
  return batches;
}
