import { type GroupInfo, VOLUME_HEADER_BYTES } from "../protocol/volume/index.ts";
import { VOLUME_DIRECTORY } from "./disk.ts";
import { isLive, roleOf } from "./liveness.ts";
import type { ShardState } from "./shard-state.ts";
import { freshVolume, type Volume } from "./volume-set.ts";

/**
 * Decides at a start about volumes that the index has no row of: made just before the failure, left over from a group or a
 * compaction that is done with, or the index is lost, whole or in that row. A file that the index points into stays.
 */
export class RowlessVolumes {
  readonly #state: ShardState;
  /** Groups that only the header of a volume names. */
  readonly foundGroups: GroupInfo[] = [];
  /** Volumes whose row was lost alone; it was counted anew. */
  readonly restoredIds: number[] = [];

  constructor(state: ShardState) {
    this.#state = state;
  }

  /** Takes the volume up, or removes its file. @throws StoreError CORRUPT if its header is none of this store's */
  async take(id: number): Promise<Volume | undefined> {
    const { volumes, catalog } = this.#state;
    volumes.reserveId(id);
    const sizeBytes = volumes.file(id).sizeBytes();
    if (sizeBytes < VOLUME_HEADER_BYTES || (sizeBytes === VOLUME_HEADER_BYTES && !(await volumes.hasHeader(id)))) {
      volumes.remove(freshVolume(id, 0));
      return undefined;
    }
    const { group, sources, tier } = await volumes.header(id);
    const isGroupKnown = group.id === 0 || catalog.group(group.id) !== undefined;
    const isGroupGone = !isGroupKnown && this.#state.wasGroupMade(group.id);
    const isCopy = sources.length > 0 && sources.every((source) => volumes.get(source) !== undefined);
    if (isGroupGone) return await this.#remove(id, group.id);
    if (isCopy || (await this.#isForgotten(id))) {
      return (await this.#restore(id, group.id, tier)) ?? (await this.#remove(id, group.id));
    }
    if (!isGroupKnown) {
      // The record that made it may be lost with the commit it was in, while the volume's first record was kept.
      catalog.addGroup(group);
      this.foundGroups.push(group);
    }
    const volume = freshVolume(id, group.id, tier);
    volumes.adopt(volume);
    return volume;
  }

  /**
   * Whether it was removed once, and came back because that was not durable: the row is written with the volume's first
   * record, so a volume that the index does not know yet holds nothing that the index has.
   */
  async #isForgotten(id: number): Promise<boolean> {
    const first = await this.#state.volumes.scanner(id, { checksBodies: false }).next();
    return first !== undefined && first.head.sequence <= this.#state.appliedSequence;
  }

  async #remove(id: number, group: number): Promise<undefined> {
    this.#state.volumes.remove(freshVolume(id, group));
    await this.#state.disk.syncNames(VOLUME_DIRECTORY);
  }

  /** The volume with its counts, of what the index has; undefined if nothing points into it. */
  async #restore(id: number, group: number, tier: string | undefined): Promise<Volume | undefined> {
    const volume = freshVolume(id, group, tier);
    const scanner = this.#state.volumes.scanner(id, { checksBodies: false });
    let ownedBytes = 0;
    for (let record = await scanner.next(); record !== undefined; record = await scanner.next()) {
      const { head, offset, recordBytes } = record;
      if (head.sequence > this.#state.appliedSequence) break;
      if (volume.minSequence === 0) volume.minSequence = head.sequence;
      volume.maxSequence = head.sequence;
      if (volume.oldestMs === 0) volume.oldestMs = head.createdMs;
      volume.newestMs = Math.max(volume.newestMs, head.createdMs);
      volume.endOffset = offset + recordBytes;
      if (roleOf(head) !== "owned") volume.tombstoneBytes += recordBytes;
      else if (await isLive(this.#state, record)) ownedBytes += recordBytes;
      else if (volume.minDeadSequence === 0) volume.minDeadSequence = head.sequence;
    }
    if (ownedBytes === 0) return undefined;
    volume.deadBytes = volume.endOffset - VOLUME_HEADER_BYTES - volume.tombstoneBytes - ownedBytes;
    this.#state.volumes.adopt(volume);
    // The row may have said so, and why is not known.
    this.#state.seal(volume);
    this.restoredIds.push(id);
    return volume;
  }
}
