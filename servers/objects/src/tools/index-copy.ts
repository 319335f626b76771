import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import type { IndexEngine } from "../storage/index/index-engine.ts";
import { type IndexEngineName, openIndex } from "../storage/open-store.ts";

/** Written once and then never changed, by either engine. */
const TABLE = /\.(?:sst|ldb)$/;
const LEFT_OUT = /^(?:LOCK|LOG(?:\.old.*)?)$/;

/**
 * Opens a copy of an index, which may be written to while the index itself stays as it is: its tables are links, its logs
 * and lists of tables are copied. Nobody may have the index open.
 *
 * @returns undefined if there is no index
 * @throws the engine's error if it is damaged
 */
export async function openIndexCopy(
  engine: IndexEngineName,
  directory: string,
  copy: string,
): Promise<IndexEngine | undefined> {
  const names = list(directory);
  if (!names.includes("CURRENT")) return undefined;
  mkdirSync(copy);
  for (const name of names) {
    if (LEFT_OUT.test(name)) continue;
    if (TABLE.test(name)) symlinkSync(resolve(directory, name), join(copy, name));
    else copyFileSync(join(directory, name), join(copy, name));
  }
  return await openIndex(engine, copy);
}

/** Which engine made an index, by the names of its files. */
export function engineOfIndex(directory: string): IndexEngineName {
  return list(directory).some((name) => name.endsWith(".ldb")) ? "classic-level" : "rocksdb-native";
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
