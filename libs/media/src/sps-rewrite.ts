import { BitWriter } from "@kagami/bytes";
import { buildAvcRecord, parseAvcRecord } from "./avc-config.ts";
import { type AvcSpsLayout, avcMaxDpbFrames, parseAvcSpsLayout } from "./avc-sps.ts";
import { type AvcBitstreamRestriction, writeAvcBitstreamRestriction } from "./avc-vui.ts";
import { addEmulationPrevention } from "./emulation-prevention.ts";
import type { Malformed } from "./malformed.ts";
import type { VideoConfig } from "./sample.ts";

// Hardware decoders of browsers show a picture only when they know that none before it is still to come. Without
// `bitstream_restriction` they assume the worst and wait until the decoded picture buffer is full: seconds at a low
// frame rate. Encoders of phones often leave it out, so it is put in at ingest.

/** The values that H.264 §E.2.1 infers where `bitstream_restriction` is absent. */
const INFERRED: AvcBitstreamRestriction = {
  hasMotionVectorsOverPicBoundaries: true,
  maxBytesPerPicDenom: 2,
  maxBitsPerMbDenom: 1,
  log2MaxMvLengthHorizontal: 15,
  log2MaxMvLengthVertical: 15,
  maxNumReorderFrames: 0,
  maxDecFrameBuffering: 0,
};

/**
 * A sequence parameter set that says how many pictures may be reordered. A VUI is made where there is none; every
 * other bit stays.
 *
 * @param maxNumReorderFrames 0 for a stream without B-frames. Never more than the level's buffer is written.
 * @returns The same array if it says so already; a refusal with code `AVC_SPS` if it cannot be read.
 * @see H.264 §E.1.1
 */
export function rewriteAvcSps(nal: Uint8Array, maxNumReorderFrames: number): Uint8Array | Malformed {
  const layout = parseAvcSpsLayout(nal);
  if ("code" in layout) return layout;
  const { sps } = layout;
  const old = sps.vui?.bitstreamRestriction;
  const dpbFrames = Math.max(avcMaxDpbFrames(sps), sps.maxNumRefFrames);
  const reorderFrames = Math.min(Math.max(0, maxNumReorderFrames), dpbFrames);
  // Enough for the references and the reordering, and no more than was asked for before.
  const neededFrames = Math.max(sps.maxNumRefFrames, reorderFrames);
  const dpbSaid = old === undefined ? neededFrames : Math.max(old.maxDecFrameBuffering, neededFrames);
  if (old !== undefined && old.maxNumReorderFrames === reorderFrames && old.maxDecFrameBuffering === dpbSaid) {
    return nal;
  }
  return write(layout, { ...(old ?? INFERRED), maxNumReorderFrames: reorderFrames, maxDecFrameBuffering: dpbSaid });
}

/**
 * The same H.264 configuration with every SPS rewritten by `rewriteAvcSps`. Other codecs come back as they are:
 * theirs is always in the stream.
 *
 * @returns The same object if nothing had to change.
 */
export function rewriteReorderLimit(config: VideoConfig, maxNumReorderFrames: number): VideoConfig | Malformed {
  if (config.codec !== "h264") return config;
  const parsed = parseAvcRecord(config.record);
  if ("kind" in parsed) return parsed;
  const rewritten: Uint8Array[] = [];
  let isChanged = false;
  for (const nal of parsed.sps) {
    const result = rewriteAvcSps(nal, maxNumReorderFrames);
    if ("kind" in result) return result;
    if (result !== nal) isChanged = true;
    rewritten.push(result);
  }
  if (!isChanged) return config;
  const record = buildAvcRecord(rewritten, parsed.pps, parsed.tail);
  return "kind" in record ? record : { ...config, record };
}

function write(layout: AvcSpsLayout, restriction: AvcBitstreamRestriction): Uint8Array {
  const writer = new BitWriter();
  if (layout.restrictionFlagBits === undefined) {
    writer.copy(layout.rbsp, 0, layout.vuiFlagBits);
    writer.bit(1); // vui_parameters_present_flag
    writer.bits(0, 4); // no aspect ratio, overscan, video signal type, chroma location
    writer.bits(0, 4); // no timing, NAL HRD, VCL HRD, pic_struct
  } else {
    writer.copy(layout.rbsp, 0, layout.restrictionFlagBits);
  }
  writer.bit(1); // bitstream_restriction_flag
  writeAvcBitstreamRestriction(writer, restriction);
  writer.bit(1); // rbsp_stop_one_bit; toBytes fills up with zeros
  return addEmulationPrevention(writer.toBytes());
}
