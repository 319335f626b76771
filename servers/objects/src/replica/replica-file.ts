import { basename, dirname, join, resolve } from "node:path";
import { FileError, readJsonFile, writeFileAtomic } from "@kagami/kit";
import { z } from "zod";

const copyNumber = z.int().min(0).max(1_000_000_000);

const replicaFileSchema = z.strictObject({
  version: z.literal(1),
  /** Where it was copied from last. */
  source: z.string().max(2_000),
  /** The copy that is whole, in `copy-N`; 0 for none yet. */
  current: copyNumber,
  /** The copy that is being made from nothing; 0 for none. */
  next: copyNumber,
  /** Of `next`, see `Follower.past`. */
  nextHorizon: z.number().min(0),
  nextDrops: z.number().min(0).default(0),
  /** It follows nobody any more, and is a store like others. */
  isPromoted: z.boolean(),
});

/** What a replica's directory holds, in `replica.json`. */
export type ReplicaFile = z.output<typeof replicaFileSchema>;

/** Of a directory that has none yet. */
export function newReplicaFile(source: string): ReplicaFile {
  return { version: 1, source, current: 0, next: 0, nextHorizon: 0, nextDrops: 0, isPromoted: false };
}

/** Undefined for a directory that is no replica's. @throws FileError */
export async function readReplicaFile(directory: string): Promise<ReplicaFile | undefined> {
  try {
    return await readJsonFile(pathIn(directory), replicaFileSchema);
  } catch (error) {
    if (error instanceof FileError && error.code === "FILE_MISSING") return undefined;
    throw error;
  }
}

/** Durable when it resolves; a crash leaves the old one or the new one. @throws FileError */
export async function writeReplicaFile(directory: string, file: ReplicaFile): Promise<void> {
  await writeFileAtomic(pathIn(directory), `${JSON.stringify(file)}\n`, 0o600);
}

/** Where a copy lies. */
export function copyDirectory(directory: string, copy: number): string {
  return join(directory, `copy-${copy}`);
}

/** The number in a name that {@link copyDirectory} made; undefined for others. */
export function copyOfName(name: string): number | undefined {
  const digits = /^copy-([1-9]\d{0,9})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Where a store lies, and whether it follows another one. */
export interface StorePlace {
  readonly directory: string;
  readonly isFollower: boolean;
}

/**
 * Where the store of a data directory lies: there, or in the copy of a replica that is whole, or is being made. The
 * directory of a copy may be given too.
 *
 * @throws FileError
 */
export async function locateStore(directory: string): Promise<StorePlace> {
  const file = await readReplicaFile(directory);
  const name = basename(resolve(directory));
  const copy = file === undefined ? 0 : file.current || file.next;
  if (file !== undefined) {
    return { directory: copy === 0 ? directory : copyDirectory(directory, copy), isFollower: !file.isPromoted };
  }
  const parent = copyOfName(name) === undefined ? undefined : await readReplicaFile(dirname(resolve(directory)));
  return { directory, isFollower: parent !== undefined && !parent.isPromoted };
}

function pathIn(directory: string): string {
  return join(directory, "replica.json");
}
