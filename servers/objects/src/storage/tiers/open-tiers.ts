import { mkdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "../../store/object-store.ts";
import { BLOB_DIRECTORY, VOLUME_DIRECTORY } from "../disk.ts";
import { NodeDisk } from "../node-disk.ts";
import { writeDurably } from "../write-durably.ts";
import type { SlowTier } from "./tiered-disk.ts";

/** A tier as the operator gives it; the store remembers it. */
export interface TierPlace {
  readonly name: string;
  readonly storageClass: string;
  readonly directory: string;
}

/** In the directory of a tier: whose it is. An empty mount point has none, so it is not taken for the disk. */
const TIER_FILE = "tier.json";

/** The classes that tiers get in their order, if they are given none. All of them are read at once. */
const TIER_CLASSES = ["STANDARD_IA", "GLACIER_IR", "ONEZONE_IA"] as const;

/** As `hdd=/mnt/hdd` or `hdd:GLACIER_IR=/mnt/hdd`. */
export const TIER_PATTERN = /^([a-z][a-z0-9-]{0,31})(?::(STANDARD_IA|GLACIER_IR|ONEZONE_IA))?=(.+)$/;

/**
 * Reads the tiers that an operator gives, fastest first.
 *
 * @throws StoreError CORRUPT if one is given twice, or more than there are classes
 */
export function parseTiers(texts: readonly string[]): readonly TierPlace[] {
  const free = new Set<string>(TIER_CLASSES);
  const parsed = texts.map((text) => {
    const [, name = "", storageClass, directory = ""] = TIER_PATTERN.exec(text) ?? [];
    if (storageClass !== undefined && !free.delete(storageClass)) throw refusal(text, `${storageClass} is taken`);
    return { text, name, storageClass, directory };
  });
  const names = new Set<string>();
  return parsed.map(({ text, name, storageClass, directory }) => {
    if (name === "") throw refusal(text, "it is not NAME=DIR or NAME:CLASS=DIR");
    if (names.has(name)) throw refusal(text, "its name is given twice");
    names.add(name);
    const [next] = free;
    if (storageClass === undefined && next === undefined)
      throw refusal(text, `there are ${TIER_CLASSES.length} classes`);
    if (storageClass === undefined) free.delete(next as string);
    return { name, storageClass: storageClass ?? (next as string), directory };
  });
}

/** What is opened, and what the store is to remember. */
export interface OpenedTiers {
  readonly tiers: readonly SlowTier[];
  readonly places: readonly TierPlace[];
}

/**
 * Opens the disks of the tiers that are given, and of those that the store knows from before. A new tier gets a directory
 * and a file that says whose it is; one that the store knows is opened only where that file is.
 *
 * @throws StoreError CORRUPT if a new tier's directory is another store's, or another tier's; or if two have one class
 */
export async function openTiers(
  storeId: string,
  given: readonly TierPlace[],
  known: readonly TierPlace[],
  access: "read" | "write" = "write",
): Promise<OpenedTiers> {
  const names = new Set(given.map(({ name }) => name));
  const places = [...given, ...known.filter(({ name }) => !names.has(name))];
  const classes = new Map<string, string>();
  for (const { name, storageClass, directory } of places) {
    const other = classes.get(storageClass);
    if (other !== undefined)
      throw refusal(
        `${name}=${directory}`,
        `tier "${other}" is ${storageClass}, too; give all tiers, or a class with each`,
      );
    classes.set(storageClass, name);
  }
  const knownNames = new Set(known.map(({ name }) => name));
  const tiers: SlowTier[] = [];
  const taken = new Set<string>();
  for (const place of places) {
    const { name, storageClass, directory } = place;
    if (!knownNames.has(name)) await beginTier(storeId, place);
    const opened = whyMissing(storeId, place) ?? (await openDisk(directory, access));
    const [disk, missingBecause] = typeof opened === "string" ? [undefined, opened] : [opened, undefined];
    if (disk !== undefined) {
      const path = realpathSync(directory);
      if (taken.has(path)) throw refusal(`${name}=${directory}`, "another tier has that directory");
      taken.add(path);
    }
    tiers.push({ name, storageClass, disk, missingBecause });
  }
  return { tiers, places };
}

async function beginTier(storeId: string, { name, directory }: TierPlace): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = readTierFile(directory);
  if (file === undefined) return await writeDurably(join(directory, TIER_FILE), JSON.stringify({ storeId, name }));
  // The store's own file was lost, or the machine failed before it named the tier.
  if (file.storeId === storeId && file.name === name) return;
  throw refusal(
    `${name}=${directory}`,
    `${TIER_FILE} in it says that it is tier "${file.name}" of store ${file.storeId}`,
  );
}

/** The disk, or why it cannot be used. */
async function openDisk(directory: string, access: "read" | "write"): Promise<NodeDisk | string> {
  try {
    const disk = new NodeDisk(directory, { access, isSlow: true });
    for (const part of [VOLUME_DIRECTORY, BLOB_DIRECTORY]) await disk.list(part);
    return disk;
  } catch (error) {
    return `${directory} cannot be used: ${(error as Error).message}`;
  }
}

function whyMissing(storeId: string, { name, directory }: TierPlace): string | undefined {
  try {
    const file = readTierFile(directory);
    if (file?.storeId === storeId && file.name === name) return undefined;
    return file === undefined
      ? `${directory} has no ${TIER_FILE}: its disk is not mounted there`
      : `${directory} is another's`;
  } catch (error) {
    return `${directory} cannot be read: ${(error as Error).message}`;
  }
}

/** The store that a tier's directory is of; undefined if it does not say so. */
export function storeIdOfTier(directory: string): string | undefined {
  try {
    return readTierFile(directory)?.storeId;
  } catch {
    return undefined;
  }
}

/** Undefined if there is none. @throws the system's error, also for a file that is none of ours */
function readTierFile(directory: string): { readonly storeId: string; readonly name: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, TIER_FILE), "utf8"));
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}

function refusal(text: string, why: string): StoreError {
  return new StoreError("CORRUPT", `Cannot use tier "${text}": ${why}. Change --tiers`);
}
