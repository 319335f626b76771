import { AUDIO_TRACK_ID, VIDEO_TIMESCALE, VIDEO_TRACK_ID } from "@kagami/media";
import { AUDIO_SAMPLE_RATE } from "./media.ts";

export interface FragmentTime {
  readonly isVideo: boolean;
  readonly mediaMs: number;
}

/**
 * Decoding time of the first sample of a fragment, from its first bytes; `undefined` if they are no fragment.
 *
 * @see ISO 14496-12 §8.8.7, §8.8.12
 */
export function readFragmentTime(head: Uint8Array): FragmentTime | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const tfhd = bytes.indexOf("tfhd", 0, "latin1");
  const tfdt = bytes.indexOf("tfdt", 0, "latin1");
  if (tfhd < 0 || tfdt < 0 || tfdt + 16 > bytes.length) return undefined;
  const trackId = bytes.readUInt32BE(tfhd + 8);
  const timescale =
    trackId === VIDEO_TRACK_ID ? VIDEO_TIMESCALE : trackId === AUDIO_TRACK_ID ? AUDIO_SAMPLE_RATE : undefined;
  if (timescale === undefined) return undefined;
  const isLong = bytes[tfdt + 4] === 1;
  const ticks = isLong ? Number(bytes.readBigUInt64BE(tfdt + 8)) : bytes.readUInt32BE(tfdt + 8);
  return { isVideo: trackId === VIDEO_TRACK_ID, mediaMs: (ticks * 1000) / timescale };
}
