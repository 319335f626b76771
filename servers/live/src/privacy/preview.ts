import type { Region, YuvFrame } from "@kagami/kernels";
import type { CodecContext, Frame, Packet, SoftwareScaleContext } from "node-av/lib";
import type { Detection, Detector } from "../engine/privacy/detection.ts";
import { drawText, fillRect, textWidth } from "./bitmap-font.ts";
import { CodecError, type CodecLibrary } from "./load-codec.ts";
import { type FramePool, viewFrame } from "./picture-decoder.ts";
import { drawTestBanner } from "./test-banner.ts";

/** How long a question is good for, in milliseconds. */
const ASKED_FOR_MS = 5_000;
/** At most five pictures a second. */
const INTERVAL_MS = 200;
const SHORT_SIDE_LIMIT = 480;
const QUALITY = 5;
const FF_QP2LAMBDA = 118;

export interface PreviewPicture {
  readonly isTest: boolean;
  readonly state: Detection["state"];
  readonly jpeg: Uint8Array;
}

interface PreviewTools {
  readonly codec: CodecLibrary;
  readonly nowMs: () => number;
}

interface RunningTest {
  readonly detector: Detector;
  readonly untilMs: number;
  /** Presentation time of the first picture with the banner. */
  startedUs: number | undefined;
}

/** Still pictures of what the detector sees. Costs nothing when nobody asks; viewers get nothing of it. */
export class Preview {
  readonly #tools: PreviewTools;
  readonly #pool: FramePool;
  #stills: StillEncoder | undefined;
  #askedUntilMs = 0;
  #madeAtMs = Number.NEGATIVE_INFINITY;
  #test: RunningTest | undefined;
  #testMadeAtMs = Number.NEGATIVE_INFINITY;

  constructor(tools: PreviewTools, pool: FramePool) {
    this.#tools = tools;
    this.#pool = pool;
  }

  /** @param makeDetector One that watches the test banner in place of the stream's own, which must not learn of it. */
  ask(isTest: boolean, makeDetector: () => Detector): void {
    const nowMs = this.#tools.nowMs();
    const untilMs = nowMs + ASKED_FOR_MS;
    if (!isTest) this.#askedUntilMs = untilMs;
    else if (this.#test === undefined || nowMs >= this.#test.untilMs) {
      this.#test = { detector: makeDetector(), untilMs, startedUs: undefined };
    }
  }

  /** To be called with each picture, before anything in it is hidden. */
  look(frame: Frame, ptsUs: number, detection: Detection): PreviewPicture[] {
    const nowMs = this.#tools.nowMs();
    const out: PreviewPicture[] = [];
    if (nowMs < this.#askedUntilMs && nowMs - this.#madeAtMs >= INTERVAL_MS) {
      this.#madeAtMs = nowMs;
      out.push({ isTest: false, state: detection.state, jpeg: this.#still(frame, detection) });
    }
    if (this.#test !== undefined) out.push(...this.#lookAtTest(this.#test, frame, ptsUs, nowMs));
    return out;
  }

  close(): void {
    this.#stills?.close();
    this.#stills = undefined;
  }

  #lookAtTest(test: RunningTest, frame: Frame, ptsUs: number, nowMs: number): PreviewPicture[] {
    if (nowMs >= test.untilMs) {
      this.#test = undefined;
      return [];
    }
    test.startedUs ??= ptsUs;
    const copy = this.#pool.take();
    try {
      // Another reference to the same memory is copied as soon as it is made writable.
      if (copy.ref(frame) < 0 || copy.makeWritable() < 0)
        throw new CodecError("CODEC_FAILED", "No memory for a preview");
      const view = viewFrame(copy);
      drawTestBanner(view, ptsUs - test.startedUs);
      const detection = test.detector.inspect(view, ptsUs);
      if (nowMs - this.#testMadeAtMs < INTERVAL_MS) return [];
      this.#testMadeAtMs = nowMs;
      return [{ isTest: true, state: detection.state, jpeg: this.#still(copy, detection) }];
    } finally {
      this.#pool.give(copy);
    }
  }

  #still(frame: Frame, detection: Detection): Uint8Array {
    const source = `${frame.width}x${frame.height} ${frame.format}`;
    if (this.#stills?.source !== source) {
      this.#stills?.close();
      this.#stills = new StillEncoder(this.#tools.codec, frame, source);
    }
    return this.#stills.encode(frame, detection);
  }
}

/** JPEG of pictures of one size, made smaller. */
class StillEncoder {
  readonly source: string;
  readonly #constants: CodecLibrary["constants"];
  readonly #context: CodecContext;
  readonly #packet: Packet;
  readonly #scaler: SoftwareScaleContext;
  readonly #small: Frame;
  readonly #scale: number;
  #count = 0n;

  constructor({ lib, constants }: CodecLibrary, frame: Frame, source: string) {
    this.source = source;
    this.#constants = constants;
    const shortSide = Math.min(frame.width, frame.height);
    this.#scale = Math.min(1, SHORT_SIDE_LIMIT / shortSide);
    const width = evenly(frame.width * this.#scale);
    const height = evenly(frame.height * this.#scale);
    this.#scaler = new lib.SoftwareScaleContext();
    const full = constants.AV_PIX_FMT_YUVJ420P;
    const flags = constants.SWS_FAST_BILINEAR;
    this.#scaler.getContext(frame.width, frame.height, frame.format as never, width, height, full, flags);
    this.#small = new lib.Frame();
    this.#small.alloc();
    this.#small.format = full;
    this.#small.width = width;
    this.#small.height = height;
    this.#small.allocBuffer();
    const encoder = lib.Codec.findEncoder(constants.AV_CODEC_ID_MJPEG);
    this.#context = new lib.CodecContext();
    this.#context.allocContext3(encoder);
    this.#context.width = width;
    this.#context.height = height;
    this.#context.pixelFormat = full;
    this.#context.colorRange = constants.AVCOL_RANGE_JPEG;
    this.#context.timeBase = new lib.Rational(1, 1_000);
    this.#context.threadCount = 1;
    this.#context.setFlags(constants.AV_CODEC_FLAG_QSCALE);
    this.#context.globalQuality = QUALITY * FF_QP2LAMBDA;
    if (this.#context.open2Sync(encoder, null) < 0) {
      throw new CodecError("CODEC_REFUSED", `No preview can be made of ${width}x${height}`);
    }
    this.#packet = new lib.Packet();
    this.#packet.alloc();
  }

  encode(frame: Frame, detection: Detection): Uint8Array {
    const small = this.#small;
    // The encoder may still refer to the picture before.
    if (!small.isWritable) small.makeWritable();
    let outcome = this.#scaler.scaleFrameSync(small, frame);
    draw(viewFrame(small), detection, this.#scale);
    small.pts = this.#count++;
    small.quality = QUALITY * FF_QP2LAMBDA;
    small.colorRange = this.#constants.AVCOL_RANGE_JPEG;
    if (outcome >= 0) outcome = this.#context.sendFrameSync(small);
    if (outcome >= 0) outcome = this.#context.receivePacketSync(this.#packet);
    const coded = outcome < 0 ? null : this.#packet.data;
    if (coded === null) throw new CodecError("CODEC_FAILED", `No preview came of a picture (${outcome})`);
    const jpeg = new Uint8Array(coded);
    this.#packet.unref();
    return jpeg;
  }

  close(): void {
    this.#packet.free();
    this.#context.freeContext();
    this.#small.free();
    this.#scaler.freeContext();
  }
}

const LINE = 2;
const DOT = 2;
const BRIGHT = 235;
const DARK = 16;

function draw(view: YuvFrame, detection: Detection, scale: number): void {
  for (const region of detection.regions) outline(view, region, scale, BRIGHT);
  for (const { region, rule, score } of detection.explanation) {
    outline(view, region, scale, DARK);
    label(view, `${rule} ${score.toFixed(2)}`, region.x * scale + LINE, (region.y + region.height) * scale + LINE);
  }
  label(view, `${detection.state} ${detection.bannerCount}`, LINE, view.y.height - 9 * DOT);
}

function outline({ y }: YuvFrame, region: Region, scale: number, value: number): void {
  const left = region.x * scale;
  const top = region.y * scale;
  const width = region.width * scale;
  const height = region.height * scale;
  fillRect(y, left, top, width, LINE, value);
  fillRect(y, left, top + height - LINE, width, LINE, value);
  fillRect(y, left, top, LINE, height, value);
  fillRect(y, left + width - LINE, top, LINE, height, value);
}

/** On a dark ground, since what is under it may have any colour. */
function label({ y }: YuvFrame, text: string, left: number, top: number): void {
  fillRect(y, left, top, textWidth(text, DOT) + DOT, 9 * DOT, DARK);
  drawText(y, text, Math.round(left) + DOT, Math.round(top) + DOT, DOT, BRIGHT);
}

function evenly(size: number): number {
  return Math.max(2, Math.round(size / 2) * 2);
}
