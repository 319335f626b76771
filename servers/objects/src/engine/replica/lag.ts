interface Moment {
  readonly atMs: number;
  readonly sequence: number;
}

/** Moments that are remembered; the spacing doubles when there are more, so that the oldest stays. */
const MAX_MOMENTS = 1_024;

/** Remembers when the shard's sequence was what, to say how old the oldest change is that a follower does not have. */
export class SequenceMoments {
  #moments: Moment[] = [];
  #spacingMs = 500;

  /** Call it often; the times must rise. */
  note(nowMs: number, sequence: number): void {
    const last = this.#moments.at(-1);
    if (last !== undefined && (sequence <= last.sequence || nowMs - last.atMs < this.#spacingMs)) return;
    this.#moments.push({ atMs: nowMs, sequence });
    if (this.#moments.length <= MAX_MOMENTS) return;
    this.#spacingMs *= 2;
    this.#moments = this.#moments.filter((_, i) => i % 2 === 0);
  }

  /** For how long, in ms, there have been changes behind that sequence; 0 if there are none, or none was noted yet. */
  ageMs(nowMs: number, after: number): number {
    const first = this.#moments.find(({ sequence }) => sequence > after);
    return first === undefined ? 0 : Math.max(0, nowMs - first.atMs);
  }
}

/** Of a volume, what tells how many of its bytes lie behind a sequence. */
export interface VolumeExtent {
  readonly bytes: number;
  readonly minSequence: number;
  readonly maxSequence: number;
}

/** About how many bytes of records stand behind a sequence: in a volume that it divides, records are taken for equally large. */
export function bytesBehind(volumes: Iterable<VolumeExtent>, after: number): number {
  let sum = 0;
  for (const { bytes, minSequence, maxSequence } of volumes) {
    if (maxSequence <= after) continue;
    const part = after < minSequence ? 1 : (maxSequence - after) / (maxSequence - minSequence + 1);
    sum += bytes * part;
  }
  return Math.round(sum);
}
