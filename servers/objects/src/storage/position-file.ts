import { crc32c } from "@node-rs/crc32";
import { type Disk, type DiskFile, VOLUME_DIRECTORY } from "./disk.ts";
import { asBuffer } from "./object-json.ts";

const NAMES = ["position.a", "position.b"] as const;
const RECORD_BYTES = 16;
const LIMIT_BYTES = 65_536;

/**
 * A number that only rises and outlives a crash: up to where a follower has everything. Two files take turns: each write is
 * added to one of them, and when that is large the other is emptied and goes on; the larger number counts.
 */
export class PositionFile {
  readonly #files: readonly [DiskFile, DiskFile];
  #at: 0 | 1;
  #position: number;

  private constructor(files: readonly [DiskFile, DiskFile], at: 0 | 1, position: number) {
    this.#files = files;
    this.#at = at;
    this.#position = position;
  }

  /** @throws the system's error */
  static async open(disk: Disk): Promise<PositionFile> {
    const present = new Set(await disk.list(VOLUME_DIRECTORY));
    const open = (name: string): DiskFile => {
      const path = `${VOLUME_DIRECTORY}/${name}`;
      return present.has(name) ? disk.open(path) : disk.create(path);
    };
    const files = [open(NAMES[0]), open(NAMES[1])] as const;
    await disk.syncNames(VOLUME_DIRECTORY);
    const positions = [await readPosition(files[0]), await readPosition(files[1])] as const;
    const at = positions[0] >= positions[1] ? 0 : 1;
    const file = new PositionFile(files, at, positions[at]);
    // What stands behind the last good number is torn; a number behind it would not be found.
    await file.#turn();
    return file;
  }

  get position(): number {
    return this.#position;
  }

  /** Durable when it resolves. @throws the system's error; the number is then the old one or the new one */
  async write(position: number): Promise<void> {
    const bytes = Buffer.alloc(RECORD_BYTES);
    bytes.writeDoubleLE(position, 0);
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 8)), 8);
    if (this.#files[this.#at].sizeBytes() >= LIMIT_BYTES) await this.#turn();
    await this.#files[this.#at].append([bytes]);
    await this.#files[this.#at].sync();
    this.#position = position;
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  async #turn(): Promise<void> {
    const other = this.#at === 0 ? 1 : 0;
    await this.#files[other].truncate(0);
    this.#at = other;
  }
}

/** The position of a copy that nobody has open; 0 if it has none yet. @throws the system's error */
export async function readFollowedPosition(disk: Disk): Promise<number> {
  const present = new Set(await disk.list(VOLUME_DIRECTORY));
  let position = 0;
  for (const name of NAMES) {
    if (!present.has(name)) continue;
    const file = disk.open(`${VOLUME_DIRECTORY}/${name}`);
    try {
      position = Math.max(position, await readPosition(file));
    } finally {
      file.close();
    }
  }
  return position;
}

async function readPosition(file: DiskFile): Promise<number> {
  const bytes = asBuffer(await file.read(0, file.sizeBytes()));
  let position = 0;
  for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    const fixed = bytes.subarray(at, at + 8);
    if (crc32c(fixed) !== bytes.readUInt32LE(at + 8)) break;
    position = Math.max(position, fixed.readDoubleLE(0));
  }
  return position;
}
