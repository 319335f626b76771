import type { Plane, YuvFrame } from "@kagami/kernels";
import { avcReorderLimit, parseAvcRecord, parseAvcSps, type VideoCodec, videoConfigFromRecord } from "@kagami/media";
import type { CodecContext, Frame, Packet, SoftwareScaleContext } from "node-av/lib";
import { CodecError, type CodecLibrary, setOptions } from "./load-codec.ts";

/** A decoded picture in FFmpeg's memory, 8 bits, 4:2:0. Whoever gets it calls `release` once, and never uses it after. */
export class DecodedPicture {
  readonly sequence: number;
  readonly frame: Frame;
  /** The decoder had to guess parts of it. */
  readonly isDamaged: boolean;
  /** It was not 8 bits and 4:2:0 before. */
  readonly isConverted: boolean;
  readonly #pool: FramePool;
  #view: YuvFrame | undefined;

  constructor(pool: FramePool, frame: Frame, about: { sequence: number; isDamaged: boolean; isConverted: boolean }) {
    this.#pool = pool;
    this.frame = frame;
    this.sequence = about.sequence;
    this.isDamaged = about.isDamaged;
    this.isConverted = about.isConverted;
  }

  /** Its planes; empty after `release` and, if taken before, after `makeWritable`. */
  get view(): YuvFrame {
    this.#view ??= viewFrame(this.frame);
    return this.#view;
  }

  /** The decoder refers to its pictures later; what is changed in place would smear into those. */
  makeWritable(): void {
    if (this.frame.isWritable) return;
    this.#emptyView();
    if (this.frame.makeWritable() < 0) throw new CodecError("CODEC_FAILED", "No memory for a picture");
  }

  release(): void {
    this.#emptyView();
    this.#pool.give(this.frame);
  }

  #emptyView(): void {
    if (this.#view !== undefined) emptyView(this.#view);
    this.#view = undefined;
  }
}

/**
 * Views of a frame's planes. They are FFmpeg's memory itself: after `unref` or `makeWritable` of the frame they point
 * to what is no longer there, and reading them is undefined; {@link emptyView} makes sure that nobody does.
 */
export function viewFrame(frame: Frame): YuvFrame {
  const data = frame.data;
  const strides = frame.linesize;
  if (data === null) throw new CodecError("CODEC_FAILED", "A decoded picture has no samples");
  const { width, height } = frame;
  const chroma = { width: (width + 1) >> 1, height: (height + 1) >> 1 };
  const plane = (index: number, size: { width: number; height: number }): Plane => ({
    data: data[index] as Uint8Array,
    stride: strides[index] as number,
    ...size,
  });
  return { y: plane(0, { width, height }), u: plane(1, chroma), v: plane(2, chroma) };
}

/**
 * Takes the memory out of a frame's views, for good. Besides, the collector would begin a cycle every second for the
 * megabytes that seem to hang on views nobody uses any more.
 */
function emptyView({ y, u, v }: YuvFrame): void {
  for (const { data } of [y, u, v]) (data.buffer as ArrayBuffer).transfer(0);
}

/** Frames are structures with a finalizer each; taking them again and again from here keeps the collector idle. */
export class FramePool {
  readonly #codec: CodecLibrary;
  readonly #free: Frame[] = [];

  constructor(codec: CodecLibrary) {
    this.#codec = codec;
  }

  take(): Frame {
    const frame = this.#free.pop();
    if (frame !== undefined) return frame;
    const made = new this.#codec.lib.Frame();
    made.alloc();
    return made;
  }

  give(frame: Frame): void {
    frame.unref();
    this.#free.push(frame);
  }

  close(): void {
    for (const frame of this.#free.splice(0)) frame.free();
  }
}

/** Decodes one stream, on this thread and one at a time: that is the least CPU time, and the process does nothing else. */
export class PictureDecoder {
  /** Pictures leave in the order in which they come. */
  readonly keepsOrder: boolean;
  readonly #codec: CodecLibrary;
  readonly #context: CodecContext;
  readonly #packet: Packet;
  readonly #pool: FramePool;
  readonly #isH264: boolean;
  #isThrifty = false;
  #scaler: SoftwareScaleContext | undefined;
  #scalerSource = "";

  /**
   * @param record avcC, hvcC, av1C or vpcC.
   * @throws CodecError `CODEC_REFUSED` if the decoder does not take the record.
   */
  constructor(codec: CodecLibrary, pool: FramePool, videoCodec: VideoCodec, record: Uint8Array) {
    const { lib, constants } = codec;
    this.#codec = codec;
    this.#pool = pool;
    this.#isH264 = videoCodec === "h264";
    // FFmpeg opens with anything, and then decodes nothing.
    const parsed = videoConfigFromRecord(videoCodec, record);
    if (parsed.kind === "malformed") {
      throw new CodecError("CODEC_REFUSED", `The stream's configuration cannot be read: ${parsed.message}`);
    }
    const ids = {
      h264: constants.AV_CODEC_ID_H264,
      h265: constants.AV_CODEC_ID_HEVC,
      av1: constants.AV_CODEC_ID_AV1,
      vp9: constants.AV_CODEC_ID_VP9,
    };
    // FFmpeg's own AV1 decoder only drives hardware.
    const decoder = videoCodec === "av1" ? lib.Codec.findDecoderByName("libdav1d" as never) : null;
    const found = decoder ?? lib.Codec.findDecoder(ids[videoCodec]);
    this.#context = new lib.CodecContext();
    this.#context.allocContext3(found);
    if (videoCodec !== "vp9") this.#context.extraData = Buffer.from(record);
    this.#context.threadCount = 1;
    // Where the stream may reorder, low delay would give out pictures in the wrong order.
    this.keepsOrder = !mayReorder(videoCodec, record);
    if (this.keepsOrder) this.#context.setFlags(constants.AV_CODEC_FLAG_LOW_DELAY);
    const outcome = this.#context.open2Sync(found, null);
    if (outcome < 0) {
      this.#context.freeContext();
      throw new CodecError("CODEC_REFUSED", `The decoder of ${videoCodec} does not take the stream's configuration`);
    }
    this.#packet = new lib.Packet();
    this.#packet.alloc();
  }

  /**
   * For pictures that are only looked at: H.264 is decoded without its loop filter, but for key frames, which is a
   * quarter of the work. Pictures then drift from the publisher's until the next key frame (bench/blur/cost.ts says how
   * far); from the first picture after this is `false` again, they drift no further.
   */
  set isThrifty(isThrifty: boolean) {
    if (isThrifty === this.#isThrifty || !this.#isH264) return;
    this.#isThrifty = isThrifty;
    setOptions(this.#context, { skip_loop_filter: isThrifty ? "nokey" : "default" }, this.#codec);
  }

  /**
   * @param into Decoded pictures are put here in the order of presentation; with reordering, some calls later.
   * @returns Whether the decoder took it; if not, the decoder begins anew at the next key frame.
   */
  decode(data: Uint8Array, sequence: number, isKey: boolean, into: DecodedPicture[]): boolean {
    const packet = this.#packet;
    // The setter copies, with the padding that FFmpeg reads beyond the end.
    packet.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    packet.pts = BigInt(sequence);
    packet.isKeyframe = isKey;
    const sent = this.#context.sendPacketSync(packet);
    packet.unref();
    const received = this.#receive(into, false);
    if (sent >= 0 && received) return true;
    this.#context.flushBuffers();
    return false;
  }

  /** Gives out what is held for reordering. Nothing can be decoded afterwards. */
  flush(into: DecodedPicture[]): void {
    this.#context.sendPacketSync(null);
    this.#receive(into, true);
  }

  close(): void {
    this.#scaler?.freeContext();
    this.#packet.free();
    this.#context.freeContext();
  }

  #receive(into: DecodedPicture[], drains: boolean): boolean {
    const { AVERROR_EAGAIN, AVERROR_EOF } = this.#codec.constants;
    for (;;) {
      const frame = this.#pool.take();
      const outcome = this.#context.receiveFrameSync(frame);
      if (outcome < 0) {
        this.#pool.give(frame);
        return outcome === AVERROR_EAGAIN || outcome === AVERROR_EOF;
      }
      const isDamaged = frame.decodeErrorFlags !== 0;
      const sequence = Number(frame.pts);
      const usable = this.#toYuv420(frame);
      into.push(new DecodedPicture(this.#pool, usable, { sequence, isDamaged, isConverted: usable !== frame }));
      // One goes in, one comes out; to ask for another costs as much as to take one.
      if (this.keepsOrder && !drains) return true;
    }
  }

  /** 10 bits, 4:2:2 and 4:4:4 become 8 bits and 4:2:0, which the kernels and every browser take. */
  #toYuv420(frame: Frame): Frame {
    const { constants, lib } = this.#codec;
    const { AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P } = constants;
    const { format } = frame;
    if (format === AV_PIX_FMT_YUV420P || format === AV_PIX_FMT_YUVJ420P) return frame;
    const { width, height } = frame;
    const source = `${format} ${width}x${height}`;
    if (this.#scalerSource !== source) {
      this.#scaler?.freeContext();
      this.#scaler = new lib.SoftwareScaleContext();
      this.#scaler.getContext(width, height, format as never, width, height, AV_PIX_FMT_YUV420P);
      this.#scalerSource = source;
    }
    const converted = this.#pool.take();
    converted.format = AV_PIX_FMT_YUV420P;
    converted.width = width;
    converted.height = height;
    converted.allocBuffer();
    const outcome = this.#scaler?.scaleFrameSync(converted, frame) ?? -1;
    converted.copyProps(frame);
    this.#pool.give(frame);
    if (outcome < 0) throw new CodecError("CODEC_FAILED", `Cannot convert a picture of pixel format ${format}`);
    return converted;
  }
}

/** H.264 says in its SPS, which the server has mended at ingest; the others' decoders know by themselves. */
function mayReorder(videoCodec: VideoCodec, record: Uint8Array): boolean {
  if (videoCodec !== "h264") return true;
  const parsed = parseAvcRecord(record);
  if ("kind" in parsed) return true;
  return parsed.sps.some((nal) => {
    const sps = parseAvcSps(nal);
    return "kind" in sps || avcReorderLimit(sps) > 0;
  });
}
