import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { ClassicLevel } from "classic-level";
import { ObjectsError } from "../errors.ts";
import { INDEX_DIRECTORY } from "../storage/open-store.ts";

/** A store that no server can open. */
export interface StoreLock {
  release(): Promise<void>;
}

/**
 * Keeps servers out of a store, and finds out whether one is in it. Both engines of the index lock the file `LOCK`, which
 * Node cannot: so an empty index elsewhere is opened whose `LOCK` is a link to the store's.
 *
 * @param scratch A directory for it, of the caller's.
 * @throws ObjectsError `STORE_IN_USE`
 */
export async function lockStore(directory: string, scratch: string): Promise<StoreLock> {
  const file = resolve(directory, INDEX_DIRECTORY, "LOCK");
  // Who has it open has made it.
  if (!existsSync(file)) return { release: async () => undefined };
  const place = join(scratch, "lock");
  mkdirSync(place);
  symlinkSync(file, join(place, "LOCK"));
  const holder = new ClassicLevel(place);
  try {
    await holder.open();
  } catch (cause) {
    const reason = (cause as { cause?: { code?: string } }).cause?.code;
    const message =
      reason === "LEVEL_LOCKED"
        ? `Cannot use ${directory}: a server has it open. Stop the server first`
        : `Cannot lock ${file}: ${describe(cause)}. Run it as the user that the server runs as`;
    throw new ObjectsError("STORE_IN_USE", message, { cause });
  }
  return { release: () => holder.close() };
}

function describe(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
