import { VOLUME_HEADER_BYTES } from "../protocol/volume/index.ts";
import type { ShardState } from "./shard-state.ts";
import type { Volume } from "./volume-set.ts";

/** So much of it waits for its sync at most: a client's sync may have to wait until the disk has that, too. */
const UNSYNCED_BYTES = 1_048_576;

/** A volume that a compaction writes. */
export class CompactionOutput {
  readonly volume: Volume;
  #bytes = VOLUME_HEADER_BYTES;
  #syncedBytes = VOLUME_HEADER_BYTES;
  #firstSequence = 0;
  /** Of the records that died between their copying and the moving of their pointers; they come in rising order. */
  minDeadSequence = 0;

  constructor(volume: Volume) {
    this.volume = volume;
  }

  /** With its header. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds whole records. @throws the system's error */
  async append({ volumes }: ShardState, records: Uint8Array, firstSequence: number): Promise<void> {
    if (this.#firstSequence === 0) this.#firstSequence = firstSequence;
    const file = volumes.file(this.volume.id);
    await file.append([records]);
    this.#bytes += records.length;
    if (this.#bytes - this.#syncedBytes < UNSYNCED_BYTES) return;
    await file.sync();
    this.#syncedBytes = this.#bytes;
  }

  /** All of it is on the disk. @throws the system's error */
  async finish({ volumes }: ShardState): Promise<void> {
    const { volume } = this;
    await volumes.file(volume.id).sync();
    volume.isSealed = true;
    // Everything in it is dead until its pointer comes; if that is never, tombstones must stay that concern it.
    volume.endOffset = this.#bytes;
    volume.deadBytes = this.#bytes - VOLUME_HEADER_BYTES;
    volume.minDeadSequence = this.#firstSequence;
  }
}
