import { cpSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { flipBit } from "./damaged-store.ts";

/** The volumes of a store that {@link fillStore} made; the last one is written to next. */
function volume(directory: string, at: number): string {
  const names = readdirSync(join(directory, "volumes")).filter((name) => name.endsWith(".vol"));
  return join(directory, "volumes", names.at(at) as string);
}

function blob(directory: string): string {
  return join(directory, "blobs", readdirSync(join(directory, "blobs"))[0] as string);
}

function removeIndex(directory: string): void {
  rmSync(join(directory, "index"), { recursive: true });
}

function tables(directory: string): string[] {
  const index = join(directory, "index");
  return readdirSync(index).flatMap((name) => (/\.(sst|ldb|log)$/.test(name) ? [join(index, name)] : []));
}

/** A way to spoil a store, what a check says of it, and what is left after a repair. */
export interface Damage {
  readonly what: string;
  readonly spoil: (directory: string) => void;
  /** Codes of the errors that are found. */
  readonly errors: readonly string[];
  /** Whether some objects are named as lost. */
  readonly loses: boolean;
  /** Whether nothing is wrong after a repair: all is there, or nobody asks any more for what is not. */
  readonly isRestored: boolean;
  /** Whether something cannot be read after a repair, and whether its names are known. */
  readonly staysLost: boolean;
  readonly isNamed: boolean;
  readonly why: string;
}

/** Nothing is lost, and nothing is wrong afterwards. */
const MENDED = { loses: false, isRestored: true, staysLost: false, isNamed: true } as const;
/** There was one copy of it: the index goes on naming what cannot be read. */
const GONE = { loses: true, isRestored: false, staysLost: true, isNamed: true } as const;

/** Every way in which a data directory was spoilt for the tests. */
export const DAMAGES: readonly Damage[] = [
  {
    what: "a bit of a head",
    spoil: (directory) => flipBit(volume(directory, 1), 4_096 + 40),
    errors: ["head-damaged", "volume-damaged"],
    loses: false,
    isRestored: false,
    staysLost: false,
    isNamed: true,
    why: "the index finds the body, but could not be built again",
  },
  {
    what: "a bit of a head, and the index gone",
    spoil: (directory) => {
      flipBit(volume(directory, 1), 4_096 + 40);
      removeIndex(directory);
    },
    errors: ["index-missing", "volume-damaged"],
    loses: false,
    isRestored: true,
    staysLost: true,
    isNamed: false,
    why: "nobody knows any more what the record was: the damage stays as a note",
  },
  {
    what: "a bit of a body, and the index gone",
    spoil: (directory) => {
      flipBit(volume(directory, 1), 4_096 + 150);
      removeIndex(directory);
    },
    errors: ["index-missing", "volume-damaged"],
    loses: true,
    isRestored: true,
    staysLost: true,
    isNamed: true,
    why: "the head names what is lost; built anew, the index does not know it",
  },
  {
    what: "a bit of a body",
    spoil: (directory) => flipBit(volume(directory, 1), 4_096 + 150),
    errors: ["object-lost", "volume-damaged"],
    ...GONE,
    why: "there is one copy of a body",
  },
  {
    what: "a bit of a volume's header",
    spoil: (directory) => flipBit(volume(directory, 1), 30),
    errors: ["volume-header"],
    ...MENDED,
    why: "the records say what the header said",
  },
  {
    what: "a bit of a header, and the index gone",
    spoil: (directory) => {
      flipBit(volume(directory, 0), 100);
      removeIndex(directory);
    },
    errors: ["index-missing", "volume-header"],
    ...MENDED,
    why: "a header that was made anew lets the records be read",
  },
  {
    what: "a volume that is cut",
    spoil: (directory) => truncateSync(volume(directory, 1), statSync(volume(directory, 1)).size - 3_000),
    errors: ["object-lost", "volume-damaged", "volume-short"],
    ...GONE,
    why: "what was cut is gone",
  },
  {
    what: "a volume that is empty",
    spoil: (directory) => truncateSync(volume(directory, 1), 0),
    errors: ["object-lost", "volume-header", "volume-short"],
    ...GONE,
    why: "nothing is left of it",
  },
  {
    what: "a volume that is gone",
    spoil: (directory) => rmSync(volume(directory, 1)),
    errors: ["object-lost", "volume-missing"],
    ...GONE,
    why: "nothing is left of it",
  },
  {
    what: "the index gone",
    spoil: removeIndex,
    errors: ["index-missing"],
    ...MENDED,
    why: "it follows from the volumes",
  },
  {
    what: "the index's files spoilt",
    spoil: (directory) => {
      for (const path of tables(directory)) writeFileSync(path, Buffer.alloc(Math.max(200, statSync(path).size), 0x5a));
    },
    errors: ["index-unusable"],
    ...MENDED,
    why: "it follows from the volumes",
  },
  {
    what: "a large body gone",
    spoil: (directory) => rmSync(blob(directory)),
    errors: ["blob-missing"],
    ...GONE,
    why: "there is one copy of it",
  },
  {
    what: "a bit of a large body",
    spoil: (directory) => flipBit(blob(directory), 66_000),
    errors: ["blob-damaged"],
    ...GONE,
    why: "there is one copy of it",
  },
  {
    what: "a large body that nobody owns",
    spoil: (directory) => cpSync(blob(directory), join(directory, "blobs", "000000000000ff.blob")),
    errors: [],
    ...MENDED,
    why: "a failure of the machine leaves such files; a start removes them",
  },
  {
    what: "a volume twice",
    spoil: (directory) => cpSync(volume(directory, 1), join(directory, "volumes", "000000ff.vol")),
    errors: ["volume-foreign"],
    ...MENDED,
    why: "its header names the volume that it is a copy of",
  },
  {
    what: "a volume under another name",
    spoil: (directory) => renameSync(volume(directory, 1), join(directory, "volumes", "000000ff.vol")),
    errors: ["object-lost", "volume-foreign", "volume-missing"],
    loses: true,
    isRestored: true,
    staysLost: false,
    isNamed: true,
    why: "its header says which name it had",
  },
  {
    what: "a volume of garbage",
    spoil: (directory) => writeFileSync(join(directory, "volumes", "000000fe.vol"), Buffer.alloc(9_000, 7)),
    errors: ["volume-header"],
    ...MENDED,
    why: "the index does not know it",
  },
  {
    what: "the store's own file gone",
    spoil: (directory) => rmSync(join(directory, "store.json")),
    errors: ["store-file"],
    ...MENDED,
    why: "every volume names the store",
  },
  {
    what: "the store's own file torn",
    spoil: (directory) => truncateSync(join(directory, "store.json"), 10),
    errors: ["store-file"],
    ...MENDED,
    why: "every volume names the store",
  },
];
