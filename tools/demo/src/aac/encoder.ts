import { BitWriter } from "../bit-writer.ts";
import { FRAME_LENGTH, Mdct } from "./mdct.ts";
import { BAND_COUNT, BAND_STARTS, ChannelSpectrum } from "./spectrum.ts";

export interface AacEncoderOptions {
  /** Hz. */
  readonly sampleRate: 44_100 | 48_000;
  readonly channelCount: 1 | 2;
  /** Target for all channels together, 16 to 320. */
  readonly bitrateKbps: number;
}

/** Bits that a frame may borrow from calm frames before it, as a share of its own budget. */
const LOAN_SHARE = 0.8;
/** How much finer or coarser than wanted a frame may be, in scale factor steps. */
const MIN_OFFSET = -4;
const MAX_OFFSET = 100;
/** Where the sum of two channels carries this much of their energy, the sum and the difference are coded instead. */
const MID_SIDE_RATIO = 4;

/**
 * An AAC-LC encoder: long blocks with the sine window only, mid/side stereo by the frame, raw frames without ADTS.
 *
 * Frame n covers samples `[1024 n, 1024 n + 2048)`, and a decoder gives back `[1024 n, 1024 n + 1024)` when it reads
 * it: the encoder looks ahead, so its time stamps need no priming. The first 1024 samples fade in.
 */
export class AacEncoder {
  /** AudioSpecificConfig (ISO 14496-3 §1.6.2.1). */
  readonly record: Uint8Array;
  readonly codecString = "mp4a.40.2";
  readonly #mdct = new Mdct();
  readonly #bits = new BitWriter(8192);
  readonly #channels: readonly ChannelSpectrum[];
  readonly #bandCount: number;
  readonly #frameBits: number;
  #savedBits = 0;
  #offset = 0;

  /** @throws RangeError if the bitrate is out of its range. */
  constructor(options: AacEncoderOptions) {
    const { sampleRate, channelCount, bitrateKbps } = options;
    if (!(bitrateKbps >= 16 && bitrateKbps <= 320)) {
      throw new RangeError(`Cannot encode AAC at ${bitrateKbps} kbit/s: give 16 to 320`);
    }
    const rateIndex = sampleRate === 48_000 ? 3 : 4;
    // Object type 2 (LC) in 5 bits, the rate in 4, the channels in 4, then 1024-sample frames and no extensions.
    const config = (2 << 11) | (rateIndex << 7) | (channelCount << 3);
    this.record = Uint8Array.of(config >> 8, config & 255);
    this.#frameBits = (bitrateKbps * 1000 * FRAME_LENGTH) / sampleRate;
    const bandwidthHz = bitrateKbps / channelCount >= 40 ? 16_000 : 11_000;
    const last = (bandwidthHz * 2 * FRAME_LENGTH) / sampleRate;
    this.#bandCount = Math.min(
      BAND_COUNT,
      BAND_STARTS.findIndex((start) => start >= last),
    );
    this.#channels = Array.from({ length: channelCount }, () => new ChannelSpectrum(this.#bandCount));
  }

  /**
   * Encodes one frame.
   *
   * @param first Channel by channel, the 1024 samples that the frame stands for, -1 to 1.
   * @param second The 1024 samples after them; `first` of the next call.
   */
  encode(first: readonly Float32Array[], second: readonly Float32Array[]): Uint8Array {
    for (const [index, channel] of this.#channels.entries()) {
      this.#mdct.transform(first[index] as Float32Array, second[index] as Float32Array, channel.coefficients);
      for (let i = 0; i < FRAME_LENGTH; i++) channel.coefficients[i] = channel.coefficients[i]! * 32_767;
    }
    const isMidSide = this.#joinStereo();
    for (const channel of this.#channels) channel.analyse();
    const budget = this.#frameBits + Math.min(this.#savedBits, this.#frameBits * LOAN_SHARE);
    this.#offset = this.#findOffset(budget, isMidSide);
    const used = this.#write(this.#offset, isMidSide);
    this.#savedBits = Math.min(this.#savedBits + this.#frameBits - used, 2 * this.#frameBits);
    return this.#bits.view().slice();
  }

  /** The finest offset that fits; nearly always within a few steps of the last one. */
  #findOffset(budget: number, isMidSide: boolean): number {
    let low = Math.max(MIN_OFFSET, this.#offset - 3);
    if (this.#write(low, isMidSide) <= budget) {
      while (low > MIN_OFFSET && this.#write(low - 1, isMidSide) <= budget) low--;
      return low;
    }
    let high = low + 4;
    while (high < MAX_OFFSET && this.#write(high, isMidSide) > budget) {
      low = high;
      high = Math.min(MAX_OFFSET, high + 8);
    }
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#write(middle, isMidSide) <= budget) high = middle;
      else low = middle;
    }
    return high;
  }

  #joinStereo(): boolean {
    const [left, right] = this.#channels;
    if (left === undefined || right === undefined) return false;
    let mid = 0;
    let side = 0;
    for (let i = 0; i < FRAME_LENGTH; i++) {
      mid += (left.coefficients[i]! + right.coefficients[i]!) ** 2;
      side += (left.coefficients[i]! - right.coefficients[i]!) ** 2;
    }
    if (mid < side * MID_SIDE_RATIO) return false;
    for (let i = 0; i < FRAME_LENGTH; i++) {
      const a = left.coefficients[i]!;
      const b = right.coefficients[i]!;
      left.coefficients[i] = (a + b) / 2;
      right.coefficients[i] = (a - b) / 2;
    }
    return true;
  }

  /** Writes the whole raw_data_block (ISO 14496-3 table 4.3). @returns Its size in bits. */
  #write(offset: number, isMidSide: boolean): number {
    const bits = this.#bits;
    bits.reset();
    bits.reserve(16_384);
    const [left, right] = this.#channels as readonly [ChannelSpectrum, ChannelSpectrum?];
    left.quantise(offset);
    if (right === undefined) {
      bits.put(0, 3 + 4); // single_channel_element 0
      left.put(bits, (target) => this.#putInfo(target));
    } else {
      right.quantise(offset);
      bits.put(1, 3); // channel_pair_element
      bits.put(0, 4);
      bits.put(1, 1); // common_window
      this.#putInfo(bits);
      bits.put(isMidSide ? 2 : 0, 2); // ms_mask_present: all bands or none
      left.put(bits);
      right.put(bits);
    }
    bits.put(7, 3); // end
    bits.align();
    return bits.bitCount;
  }

  /** ics_info: one long block, sine window (ISO 14496-3 table 4.6). */
  #putInfo(bits: BitWriter): void {
    bits.put(0, 1 + 2 + 1); // ics_reserved_bit, ONLY_LONG_SEQUENCE, window_shape
    bits.put(this.#bandCount, 6); // max_sfb
    bits.put(0, 1); // predictor_data_present
  }
}
