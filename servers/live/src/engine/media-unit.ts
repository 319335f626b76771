import type { Sample } from "@kagami/media";

/**
 * One sample and the CMAF fragment that carries it; the smallest thing that deliveries share.
 *
 * Its bytes are written once, by the broadcast, and are never changed: viewers, the GOP cache, the HLS window and the
 * recorder all hold references to the same ones.
 */
export interface MediaUnit {
  readonly sample: Sample;
  /** `moof` and `mdat` of one track, ready for a SourceBuffer, a partial segment or a file. */
  readonly fragment: Uint8Array;
}

/** Bytes that a unit keeps alive, for accounts and limits. The sample's data is a view of the fragment. */
export function unitByteCount(unit: MediaUnit): number {
  return unit.fragment.length;
}
