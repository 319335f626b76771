import { buildAvcRecord, parseAvcRecord } from "@kagami/media";
import type { CodecContext, Frame, Packet } from "node-av/lib";
import { CodecError, type CodecLibrary, setOptions } from "./load-codec.ts";

/**
 * Chosen by measurement (bench/blur/cost.ts): superfast took a third more time for the whole and gave 0.003 more of SSIM.
 */
const PRESET = "ultrafast";
const TIME_BASE = 90_000;
/** x264 guesses how long a picture lasts by this until it has seen two, and counts its level with it. */
const ASSUMED_FPS = 30;
/** A coded picture as in an MP4 sample, with NAL lengths of four bytes. */
export interface EncodedPicture {
  readonly isKey: boolean;
  readonly data: Uint8Array;
}

/**
 * H.264 of our own, without delay: a picture in, a picture out, no B-pictures. While nothing is encoded it costs its
 * memory only.
 */
export class PictureEncoder {
  /** avcC with this encoder's one SPS and PPS. */
  readonly record: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly #codec: CodecLibrary;
  readonly #parameterSetId: number;
  readonly #packet: Packet;
  #context: CodecContext;
  #quantizer: number;
  #lastTicks = -1n;

  /**
   * @param like A picture of the stream: size, colours and pixel shape are taken from it.
   * @param parameterSetId Of SPS and PPS, 0 to 31.
   * @param quantizer Of predicted pictures, 0 to 51; the same for all of them, IDR pictures are three steps finer.
   * @throws CodecError `CODEC_REFUSED`
   */
  constructor(codec: CodecLibrary, like: Frame, parameterSetId: number, quantizer: number) {
    this.#codec = codec;
    this.#parameterSetId = parameterSetId;
    this.#quantizer = quantizer;
    this.width = like.width;
    this.height = like.height;
    this.#context = openContext(codec, like, parameterSetId, quantizer);
    const { extraData } = this.#context;
    if (extraData === null) throw new CodecError("CODEC_REFUSED", "x264 gave no parameter sets");
    this.record = recordFrom(extraData);
    this.#packet = new codec.lib.Packet();
    this.#packet.alloc();
  }

  /**
   * For the pictures to come, the next of which must be an IDR picture. The record stays as it is.
   *
   * @throws CodecError `CODEC_REFUSED`
   */
  setQuantizer(quantizer: number, like: Frame): void {
    if (quantizer === this.#quantizer) return;
    // x264 takes no other quantizer once it is open.
    const context = openContext(this.#codec, like, this.#parameterSetId, quantizer);
    this.#context.freeContext();
    this.#context = context;
    this.#quantizer = quantizer;
  }

  /**
   * @param frame Not kept; its time and type are overwritten.
   * @throws CodecError `CODEC_FAILED`
   */
  encode(frame: Frame, ptsUs: number, isIdr: boolean): EncodedPicture {
    const { constants } = this.#codec;
    // Rate control takes the distance of two pictures; a publisher's clock that steps back must not reach it.
    const ticks = BigInt(Math.round(ptsUs * (TIME_BASE / 1e6)));
    this.#lastTicks = ticks > this.#lastTicks ? ticks : this.#lastTicks + 1n;
    frame.pts = this.#lastTicks;
    frame.pictType = isIdr ? constants.AV_PICTURE_TYPE_I : constants.AV_PICTURE_TYPE_NONE;
    const sent = this.#context.sendFrameSync(frame);
    const received = sent < 0 ? sent : this.#context.receivePacketSync(this.#packet);
    const coded = received < 0 ? null : this.#packet.data;
    if (coded === null) throw new CodecError("CODEC_FAILED", `x264 gave no picture (${received})`);
    const picture = { isKey: this.#packet.isKeyframe, data: new Uint8Array(coded) };
    this.#packet.unref();
    return picture;
  }

  close(): void {
    this.#packet.free();
    this.#context.freeContext();
  }
}

function openContext(codec: CodecLibrary, like: Frame, parameterSetId: number, quantizer: number): CodecContext {
  const { lib, constants } = codec;
  const encoder = lib.Codec.findEncoderByName("libx264" as never);
  const context = new lib.CodecContext();
  context.allocContext3(encoder);
  context.width = like.width;
  context.height = like.height;
  context.pixelFormat = constants.AV_PIX_FMT_YUV420P;
  context.timeBase = new lib.Rational(1, TIME_BASE);
  context.framerate = new lib.Rational(ASSUMED_FPS, 1);
  context.threadCount = 1;
  context.maxBFrames = 0;
  // Key frames come where the switch says; this is only so that x264 adds none.
  context.gopSize = 1_000_000;
  context.setFlags(constants.AV_CODEC_FLAG_GLOBAL_HEADER);
  copyLook(context, like, codec);
  const options = {
    preset: PRESET,
    tune: "zerolatency",
    qp: String(quantizer),
    "forced-idr": "1",
    // Stitchable: the parameter sets do not tell the quantizer.
    "x264-params": `sps-id=${parameterSetId}:annexb=0:scenecut=0:repeat-headers=0:stitchable=1`,
  };
  setOptions(context, options, codec);
  if (context.open2Sync(encoder, null) >= 0) return context;
  context.freeContext();
  throw new CodecError("CODEC_REFUSED", `x264 does not take pictures of ${like.width}x${like.height}`);
}

function copyLook(context: CodecContext, like: Frame, { constants }: CodecLibrary): void {
  context.sampleAspectRatio = like.sampleAspectRatio;
  const isFullRange = like.format === constants.AV_PIX_FMT_YUVJ420P;
  context.colorRange = isFullRange ? constants.AVCOL_RANGE_JPEG : like.colorRange;
  context.colorPrimaries = like.colorPrimaries;
  context.colorTrc = like.colorTrc;
  context.colorSpace = like.colorSpace;
  context.chromaLocation = like.chromaLocation;
}

/** x264 gives a record itself when it writes lengths, but ends it with made-up chroma fields; those are made anew. */
function recordFrom(extraData: Uint8Array): Uint8Array {
  const given = parseAvcRecord(new Uint8Array(extraData));
  const record = "kind" in given ? given : buildAvcRecord(given.sps, given.pps);
  if ("kind" in record) throw new CodecError("CODEC_FAILED", `x264 gave no parameter sets: ${record.message}`);
  return record;
}
