import { BitWriter } from "@kagami/bytes";
import type { AudioConfig } from "@kagami/media";

/**
 * A frame of silence for a track, or `undefined` for formats that have none here: only plain AAC-LC in mono and stereo.
 *
 * Every channel has no scale factor bands at all (`max_sfb` 0), so all its coefficients are zero.
 *
 * @see ISO/IEC 14496-3 §4.4.2.1, Tables 4.4 to 4.8, 4.50
 */
export function silentFrame(config: AudioConfig): Uint8Array | undefined {
  if (config.codec !== "aac" || config.codecString !== "mp4a.40.2") return undefined;
  if (config.channelCount !== 1 && config.channelCount !== 2) return undefined;
  const writer = new BitWriter();
  const isStereo = config.channelCount === 2;
  writer.bits(isStereo ? 1 : 0, 3); // id_syn_ele: channel pair or single channel
  writer.bits(0, 4); // element_instance_tag
  if (isStereo) writer.bit(0); // common_window
  for (let channel = 0; channel < config.channelCount; channel++) {
    writer.bits(0, 8); // global_gain
    writer.bits(0, 4); // ics_reserved_bit, window_sequence ONLY_LONG, window_shape
    writer.bits(0, 6); // max_sfb
    writer.bit(0); // predictor_data_present
    writer.bits(0, 3); // pulse, TNS and gain control data absent
  }
  writer.bits(7, 3); // id_syn_ele END
  return writer.toBytes();
}
