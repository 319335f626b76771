import type { MaintenanceEvent } from "../storage/maintenance.ts";

/** What the store has done by itself since the start. */
export interface MaintenanceTotals {
  readonly groupsExpired: number;
  /** Objects that were removed one by one because their end had come, outside of a group. */
  readonly objectsSwept: number;
  readonly volumesCompacted: number;
  /** Volumes of which a part went to another tier. */
  readonly volumesDivided: number;
  readonly volumesScrubbed: number;
  readonly scrubbedBytes: number;
  /** Volumes in which the last scrub found damage. */
  readonly volumesDamaged: number;
  readonly lastFailure: { readonly task: string; readonly message: string; readonly atMs: number } | null;
}

/** When a volume was looked through since the start; `null` for not yet. */
export interface VolumeScrub {
  readonly scrubbedMs: number | null;
  readonly isDamaged: boolean;
}

const VOLUME_LIMIT = 100_000;
const NOT_YET: VolumeScrub = { scrubbedMs: null, isDamaged: false };

/** Remembers events of the maintenance for people to see; of 100,000 volumes, the ones scrubbed last. */
export class MaintenanceView {
  readonly #nowMs: () => number;
  readonly #scrubs = new Map<number, VolumeScrub>();
  #totals: Omit<MaintenanceTotals, "volumesDamaged"> = {
    groupsExpired: 0,
    objectsSwept: 0,
    volumesCompacted: 0,
    volumesDivided: 0,
    volumesScrubbed: 0,
    scrubbedBytes: 0,
    lastFailure: null,
  };

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get totals(): MaintenanceTotals {
    let volumesDamaged = 0;
    for (const { isDamaged } of this.#scrubs.values()) if (isDamaged) volumesDamaged += 1;
    return { ...this.#totals, volumesDamaged };
  }

  scrubOf(volumeId: number): VolumeScrub {
    return this.#scrubs.get(volumeId) ?? NOT_YET;
  }

  note(event: MaintenanceEvent): void {
    const totals = this.#totals;
    switch (event.kind) {
      case "groups-expired":
        this.#totals = { ...totals, groupsExpired: totals.groupsExpired + event.count };
        return;
      case "swept":
        this.#totals = { ...totals, objectsSwept: totals.objectsSwept + event.count };
        return;
      case "compacted":
        this.#totals = { ...totals, volumesCompacted: totals.volumesCompacted + 1 };
        return;
      case "divided":
        this.#totals = { ...totals, volumesDivided: totals.volumesDivided + 1 };
        return;
      case "moved":
      case "assigned":
        // The tiers count for themselves.
        return;
      case "failed": {
        const message = event.error instanceof Error ? event.error.message : String(event.error);
        this.#totals = { ...totals, lastFailure: { task: event.task, message, atMs: this.#nowMs() } };
        return;
      }
      case "scrubbed": {
        const { volumeId, readBytes, damaged, damagedBlobs } = event.report;
        this.#totals = {
          ...totals,
          volumesScrubbed: totals.volumesScrubbed + 1,
          scrubbedBytes: totals.scrubbedBytes + readBytes,
        };
        this.#scrubs.delete(volumeId);
        this.#scrubs.set(volumeId, {
          scrubbedMs: this.#nowMs(),
          isDamaged: damaged.length + damagedBlobs.length > 0,
        });
        const [oldest] = this.#scrubs.keys();
        if (this.#scrubs.size > VOLUME_LIMIT && oldest !== undefined) this.#scrubs.delete(oldest);
        return;
      }
      default:
        event satisfies never;
    }
  }
}
