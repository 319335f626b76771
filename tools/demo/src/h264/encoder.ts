import { BitWriter } from "../bit-writer.ts";
import {
  codecString,
  encodeAvcRecord,
  encodePps,
  encodeSps,
  MAX_FRAME_NUM,
  PIC_INIT_QP,
  wrapAvccNal,
} from "./parameter-sets.ts";
import { copyPicture, createPicture, type Picture, padPicture } from "./picture.ts";
import { RateControl } from "./rate-control.ts";
import { SliceCoder, type SliceCounts } from "./slice.ts";

export interface H264EncoderOptions {
  /** Pixels; even, 16 to 4096. */
  readonly width: number;
  /** Pixels; even, 16 to 4096. */
  readonly height: number;
  /** Pictures a second; whole, 1 to 120. */
  readonly fps: number;
  /** Target of the rate control. */
  readonly bitrateKbps: number;
  /** Pictures from one key frame to the next; 2 s by default. */
  readonly gopLength?: number;
  /** Codes every picture at this QP (10 to 51) and leaves the bitrate alone. */
  readonly fixedQp?: number;
}

/** One coded picture. */
export interface EncodedPicture {
  /** One slice NAL unit after its 4-byte length. */
  readonly data: Uint8Array;
  readonly isKey: boolean;
  readonly qp: number;
}

/**
 * An H.264 Constrained Baseline encoder for drawn content: CAVLC, one slice a picture, one reference picture, Intra
 * 16x16, P_Skip and P_L0_16x16 with whole-pixel vectors, no deblocking.
 *
 * It does not search for motion: the caller, who drew the picture, says which vectors occur. Pictures come out in the
 * order they go in and can be shown at once.
 */
export class H264Encoder {
  readonly width: number;
  readonly height: number;
  readonly codecString: string;
  /** AVCDecoderConfigurationRecord with the parameter sets; they are not repeated in the pictures. */
  readonly record: Uint8Array;
  readonly sps: Uint8Array;
  readonly pps: Uint8Array;
  readonly #slice: SliceCoder;
  readonly #bits = new BitWriter();
  readonly #gopLength: number;
  readonly #fixedQp: number | undefined;
  readonly #rate: RateControl;
  readonly #last: Picture;
  #reference: Picture;
  #recon: Picture;
  #count = 0;
  #frameNum = 0;
  #idrId = 0;

  /** @throws RangeError if an option is out of its range. */
  constructor(options: H264EncoderOptions) {
    const { width, height, fps, bitrateKbps, fixedQp } = options;
    if (!Number.isInteger(fps) || fps < 1 || fps > 120) {
      throw new RangeError(`Cannot encode ${fps} pictures a second: give a whole number from 1 to 120`);
    }
    if (fixedQp !== undefined && !(fixedQp >= 10 && fixedQp <= 51)) {
      throw new RangeError(`Cannot encode at QP ${fixedQp}: give 10 to 51`);
    }
    if (!(bitrateKbps >= 50 && bitrateKbps <= 100_000)) {
      throw new RangeError(`Cannot encode to ${bitrateKbps} kbit/s: give 50 to 100000`);
    }
    this.#last = createPicture(width, height);
    this.#reference = createPicture(width, height);
    this.#recon = createPicture(width, height);
    this.width = width;
    this.height = height;
    this.codecString = codecString(options);
    this.sps = encodeSps(options);
    this.pps = encodePps();
    this.record = encodeAvcRecord(this.sps, this.pps);
    this.#slice = new SliceCoder(this.#last.codedWidth / 16, this.#last.codedHeight / 16);
    this.#gopLength = options.gopLength ?? fps * 2;
    this.#fixedQp = fixedQp;
    this.#rate = new RateControl({ bitrateKbps, fps, gopLength: this.#gopLength, pixelCount: width * height });
  }

  /** The last picture as a decoder sees it. Aliases the encoder's memory: valid until the next picture but one. */
  get reconstruction(): Picture {
    return this.#reference;
  }

  /** How the macroblocks of the last picture were coded. */
  get counts(): Readonly<SliceCounts> {
    return this.#slice.counts;
  }

  /**
   * Encodes the next picture. Fills the padding of `source`.
   *
   * @param vectors Pairs (dx, dy) of whole luma pixels: from a pixel to where it was in the picture before. Still
   * parts need none. Even vectors are cheapest.
   * @throws RangeError if the picture has another size.
   */
  encode(source: Picture, vectors: Int16Array = NO_VECTORS): EncodedPicture {
    if (source.width !== this.width || source.height !== this.height) {
      throw new RangeError(
        `Cannot encode a picture of ${source.width}x${source.height}: the stream is ${this.width}x${this.height}`,
      );
    }
    padPicture(source);
    const isKey = this.#count % this.#gopLength === 0;
    let qp = this.#fixedQp ?? this.#rate.nextQp(isKey);
    let data = this.#encodeSlice(source, vectors, isKey, qp);
    this.#rate.spent(isKey, data.length * 8, qp);
    if (this.#count === 0 && this.#fixedQp === undefined) {
      // Nothing was known about the content: now it is, so the first picture is made again at the fitting QP.
      for (let retry = 0; retry < 3; retry++) {
        this.#rate.restart();
        const better = this.#rate.nextQp(true);
        if (better === qp) break;
        qp = better;
        data = this.#encodeSlice(source, vectors, true, qp);
        this.#rate.spent(true, data.length * 8, qp);
      }
    }
    copyPicture(source, this.#last);
    const reference = this.#reference;
    this.#reference = this.#recon;
    this.#recon = reference;
    this.#count++;
    this.#frameNum = (this.#frameNum + 1) % MAX_FRAME_NUM;
    if (isKey) this.#idrId = (this.#idrId + 1) % 16;
    return { data, isKey, qp };
  }

  #encodeSlice(source: Picture, vectors: Int16Array, isKey: boolean, qp: number): Uint8Array {
    const bits = this.#bits;
    bits.reset();
    bits.reserve(64);
    if (isKey) this.#frameNum = 0;
    putSliceHeader(bits, isKey, this.#frameNum, this.#idrId, qp);
    if (isKey) {
      this.#slice.codeIntra(bits, source, this.#recon, qp);
    } else {
      copyPicture(this.#reference, this.#recon);
      this.#slice.codeInter(bits, source, this.#last, this.#reference, this.#recon, qp, vectors, this.#count);
    }
    bits.putTrailingBits();
    return wrapAvccNal(isKey ? 0x65 : 0x61, bits.view());
  }
}

const NO_VECTORS = new Int16Array(0);

/** @see H.264 §7.3.3 */
function putSliceHeader(bits: BitWriter, isKey: boolean, frameNum: number, idrId: number, qp: number): void {
  bits.putUe(0); // first_mb_in_slice
  bits.putUe(isKey ? 7 : 5); // slice_type: I or P, and so are all slices of the picture
  bits.putUe(0); // pic_parameter_set_id
  bits.put(frameNum, Math.log2(MAX_FRAME_NUM));
  if (isKey) bits.putUe(idrId);
  if (!isKey) {
    bits.put(0, 1); // num_ref_idx_active_override_flag
    bits.put(0, 1); // ref_pic_list_modification_flag_l0
  }
  if (isKey)
    bits.put(0, 2); // no_output_of_prior_pics_flag, long_term_reference_flag
  else bits.put(0, 1); // adaptive_ref_pic_marking_mode_flag
  bits.putSe(qp - PIC_INIT_QP);
  bits.putUe(1); // disable_deblocking_filter_idc: off
}
