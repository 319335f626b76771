import { BitWriter } from "../bit-writer.ts";

/** profile_idc 66 with constraint_set0 and constraint_set1: Constrained Baseline. */
const PROFILE_IDC = 66;
const CONSTRAINT_FLAGS = 0xc0;

/** QP that `slice_qp_delta` counts from. */
export const PIC_INIT_QP = 26;
/** frame_num counts modulo this. */
export const MAX_FRAME_NUM = 256;

export interface StreamShape {
  /** Pixels; even. */
  readonly width: number;
  /** Pixels; even. */
  readonly height: number;
  /** Pictures a second; whole. */
  readonly fps: number;
}

// level_idc, macroblocks a second, macroblocks a picture (H.264 table A-1).
const LEVELS = [
  [20, 11_880, 396],
  [21, 19_800, 792],
  [22, 20_250, 1_620],
  [30, 40_500, 1_620],
  [31, 108_000, 3_600],
  [32, 216_000, 5_120],
  [40, 245_760, 8_192],
  [42, 522_240, 8_704],
  [50, 589_824, 22_080],
  [51, 983_040, 36_864],
  [52, 2_073_600, 36_864],
] as const;

/** The lowest level that holds the stream, as level_idc (31 is level 3.1). */
export function levelIdc(shape: StreamShape): number {
  const size = Math.ceil(shape.width / 16) * Math.ceil(shape.height / 16);
  const level = LEVELS.find(([, perSecond, perPicture]) => size <= perPicture && size * shape.fps <= perSecond);
  return level?.[0] ?? 52;
}

/** The `codecs` parameter, such as `avc1.42c01f` (RFC 6381 §3.3). */
export function codecString(shape: StreamShape): string {
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  return `avc1.${hex(PROFILE_IDC)}${hex(CONSTRAINT_FLAGS)}${hex(levelIdc(shape))}`;
}

/** A sequence parameter set NAL unit, emulation prevention included (H.264 §7.3.2.1.1, Annex E). */
export function encodeSps(shape: StreamShape): Uint8Array {
  const bits = new BitWriter(64);
  bits.put(PROFILE_IDC, 8);
  bits.put(CONSTRAINT_FLAGS, 8);
  bits.put(levelIdc(shape), 8);
  bits.putUe(0); // seq_parameter_set_id
  bits.putUe(Math.log2(MAX_FRAME_NUM) - 4);
  bits.putUe(2); // pic_order_cnt_type: output order is decoding order
  bits.putUe(1); // max_num_ref_frames
  bits.put(0, 1); // gaps_in_frame_num_value_allowed_flag
  const mbWidth = Math.ceil(shape.width / 16);
  const mbHeight = Math.ceil(shape.height / 16);
  bits.putUe(mbWidth - 1);
  bits.putUe(mbHeight - 1);
  bits.put(1, 1); // frame_mbs_only_flag
  bits.put(1, 1); // direct_8x8_inference_flag
  const cropRight = (mbWidth * 16 - shape.width) / 2;
  const cropBottom = (mbHeight * 16 - shape.height) / 2;
  const isCropped = cropRight > 0 || cropBottom > 0;
  bits.put(isCropped ? 1 : 0, 1);
  if (isCropped) for (const crop of [0, cropRight, 0, cropBottom]) bits.putUe(crop);
  bits.put(1, 1); // vui_parameters_present_flag
  putVui(bits, shape.fps);
  bits.putTrailingBits();
  return wrapNal(0x67, bits.view());
}

function putVui(bits: BitWriter, fps: number): void {
  bits.put(1, 1); // aspect_ratio_info_present_flag
  bits.put(1, 8); // square pixels
  bits.put(0, 1); // overscan_info_present_flag
  bits.put(1, 1); // video_signal_type_present_flag
  bits.put(5, 3); // video_format: unspecified
  bits.put(0, 1); // video_full_range_flag
  bits.put(1, 1); // colour_description_present_flag
  for (let i = 0; i < 3; i++) bits.put(1, 8); // BT.709 primaries, transfer, matrix
  bits.put(0, 1); // chroma_loc_info_present_flag
  bits.put(1, 1); // timing_info_present_flag
  bits.putU32(1);
  bits.putU32(fps * 2); // two fields' ticks a picture
  bits.put(1, 1); // fixed_frame_rate_flag
  bits.put(0, 3); // no NAL HRD, no VCL HRD, no pic_struct
  bits.put(1, 1); // bitstream_restriction_flag: without it, decoders hold pictures back in case they are reordered
  bits.put(0, 1); // motion_vectors_over_pic_boundaries_flag
  bits.putUe(0); // max_bytes_per_pic_denom: no limit
  bits.putUe(0); // max_bits_per_mb_denom: no limit
  bits.putUe(13); // log2_max_mv_length_horizontal
  bits.putUe(11); // log2_max_mv_length_vertical
  bits.putUe(0); // max_num_reorder_frames
  bits.putUe(1); // max_dec_frame_buffering
}

/** A picture parameter set NAL unit (H.264 §7.3.2.2): CAVLC, and slices that may turn deblocking off. */
export function encodePps(): Uint8Array {
  const bits = new BitWriter(16);
  bits.putUe(0); // pic_parameter_set_id
  bits.putUe(0); // seq_parameter_set_id
  bits.put(0, 1); // entropy_coding_mode_flag: CAVLC
  bits.put(0, 1); // bottom_field_pic_order_in_frame_present_flag
  bits.putUe(0); // num_slice_groups_minus1
  bits.putUe(0); // num_ref_idx_l0_default_active_minus1
  bits.putUe(0); // num_ref_idx_l1_default_active_minus1
  bits.put(0, 3); // weighted_pred_flag, weighted_bipred_idc
  bits.putSe(PIC_INIT_QP - 26);
  bits.putSe(0); // pic_init_qs_minus26
  bits.putSe(0); // chroma_qp_index_offset
  bits.put(1, 1); // deblocking_filter_control_present_flag
  bits.put(0, 1); // constrained_intra_pred_flag
  bits.put(0, 1); // redundant_pic_cnt_present_flag
  bits.putTrailingBits();
  return wrapNal(0x68, bits.view());
}

/** An AVCDecoderConfigurationRecord (ISO 14496-15 §5.3.3.1) with 4-byte lengths. */
export function encodeAvcRecord(sps: Uint8Array, pps: Uint8Array): Uint8Array {
  const record = new Uint8Array(11 + sps.length + pps.length);
  record.set([1, PROFILE_IDC, CONSTRAINT_FLAGS, sps[3] as number, 0xff, 0xe1, sps.length >> 8, sps.length & 255]);
  record.set(sps, 8);
  record.set([1, pps.length >> 8, pps.length & 255], 8 + sps.length);
  record.set(pps, 11 + sps.length);
  return record;
}

/** One NAL unit: the header byte, then `payload` with emulation prevention bytes (H.264 §7.4.1.1). */
function wrapNal(header: number, payload: Uint8Array): Uint8Array {
  return wrapAvccNal(header, payload).subarray(4);
}

/** As ISO BMFF stores it: a 4-byte length, the header byte and `payload` with emulation prevention. A copy. */
export function wrapAvccNal(header: number, payload: Uint8Array): Uint8Array {
  let escapeCount = 0;
  let zeroCount = 0;
  for (let i = 0; i < payload.length; i++) {
    const byte = payload[i] as number;
    if (zeroCount >= 2 && byte <= 3) {
      escapeCount++;
      zeroCount = 0;
    }
    zeroCount = byte === 0 ? zeroCount + 1 : 0;
  }
  const nal = new Uint8Array(5 + payload.length + escapeCount);
  new DataView(nal.buffer).setUint32(0, nal.length - 4);
  nal[4] = header;
  if (escapeCount === 0) {
    nal.set(payload, 5);
    return nal;
  }
  let at = 5;
  zeroCount = 0;
  for (let i = 0; i < payload.length; i++) {
    const byte = payload[i] as number;
    if (zeroCount >= 2 && byte <= 3) {
      nal[at++] = 3;
      zeroCount = 0;
    }
    nal[at++] = byte;
    zeroCount = byte === 0 ? zeroCount + 1 : 0;
  }
  return nal;
}
