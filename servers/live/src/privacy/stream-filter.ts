import { type Kernels, type Region, type StrengthLevel, strengthFor } from "@kagami/kernels";
import { freeAvcParameterSetId, mergeAvcRecords, type VideoCodec } from "@kagami/media";
import type { Detection, Detector } from "../engine/privacy/detection.ts";
import { PictureSwitch, type SwitchAction } from "../engine/privacy/switch.ts";
import type { FilterReply, FilterRequest, FilterSettings, FilterStreamId } from "../protocol/privacy/messages.ts";
import { hasIdrSlice } from "./idr.ts";
import { CodecError, type CodecLibrary } from "./load-codec.ts";
import { type DecodedPicture, FramePool, PictureDecoder } from "./picture-decoder.ts";
import { PictureEncoder } from "./picture-encoder.ts";
import { Preview } from "./preview.ts";
import { QUANTIZER_START, QuantizerControl } from "./quantizer.ts";
import { RateMeter } from "./rate-meter.ts";

/** What a stream needs of its process. */
export interface FilterTools {
  readonly codec: CodecLibrary;
  /** To hide with. */
  readonly kernels: Kernels;
  /** Makes a detector with kernels of its own: they never give memory back. */
  readonly createDetector: (settings: FilterSettings) => Detector;
  /** Grows steadily; milliseconds. */
  readonly nowMs: () => number;
  /** Sums over all streams of the process. */
  readonly work: FilterWork;
}

/** What was done so far, and how long it took, in milliseconds. */
export interface FilterWork {
  decodedCount: number;
  encodedCount: number;
  decodeMs: number;
  detectMs: number;
  obscureMs: number;
  encodeMs: number;
}

/** A picture that the decoder has not given out after so many later ones never comes. */
const REORDER_LIMIT = 32;

interface Arrival {
  readonly sequence: number;
  readonly ptsUs: number;
}

/** One stream in the filter process: decodes, has the detector look, and does what the switch says. */
export class StreamFilter {
  readonly #tools: FilterTools;
  readonly #streamId: FilterStreamId;
  readonly #send: (reply: FilterReply) => void;
  readonly #pool: FramePool;
  readonly #switch: PictureSwitch;
  readonly #rate = new RateMeter();
  readonly #quantizer = new QuantizerControl();
  readonly #preview: Preview;
  #settings: FilterSettings;
  #detector: Detector;
  #codec: VideoCodec = "h264";
  #record = new Uint8Array(0);
  #decoder: PictureDecoder | undefined;
  #encoder: PictureEncoder | undefined;
  /** The publisher's pictures cannot be passed: no configuration would decode theirs and ours. */
  #isOursOnly = false;
  /** Decoded, and without an answer of the switch. */
  readonly #decoded = new Map<number, DecodedPicture>();
  /** Given to the decoder and not back yet, in decoding order. */
  readonly #inDecoder = new Map<number, Arrival>();
  #lastDetection: Detection | undefined;
  #lastSent = "";

  constructor(
    tools: FilterTools,
    streamId: FilterStreamId,
    settings: FilterSettings,
    send: (reply: FilterReply) => void,
  ) {
    this.#tools = tools;
    this.#streamId = streamId;
    this.#send = send;
    this.#settings = settings;
    this.#detector = tools.createDetector(settings);
    this.#pool = new FramePool(tools.codec);
    this.#switch = new PictureSwitch(settings.mode === "always");
    this.#preview = new Preview(tools, this.#pool);
  }

  /**
   * Does one request, answers included.
   *
   * @throws CodecError if the stream cannot go on; `close` is all that may follow.
   */
  handle(request: Exclude<FilterRequest, { readonly kind: "open" | "close" | "abandon" }>): void {
    switch (request.kind) {
      case "settings":
        this.#onSettings(request.settings);
        break;
      case "config":
        this.#finish();
        this.#codec = request.codec;
        this.#record = request.record.slice();
        this.#isOursOnly = request.codec !== "h264";
        this.#decoder = new PictureDecoder(this.#tools.codec, this.#pool, request.codec, this.#record);
        this.#chooseMode();
        break;
      case "picture":
        this.#onPicture(request);
        break;
      case "preview":
        this.#preview.ask(request.isTest, () =>
          this.#tools.createDetector({ ...this.#settings, startsCovered: false }),
        );
        break;
      default:
        request satisfies never;
    }
  }

  /** Answers what is held. */
  finish(): void {
    this.#finish();
  }

  /** Gives all memory back, answered or not. */
  close(): void {
    for (const picture of this.#decoded.values()) picture.release();
    this.#decoded.clear();
    this.#decoder?.close();
    this.#decoder = undefined;
    this.#encoder?.close();
    this.#encoder = undefined;
    this.#preview.close();
    this.#pool.close();
  }

  #onSettings(settings: FilterSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    this.#chooseMode();
    const looksForSame =
      settings.style === before.style && JSON.stringify(settings.zones) === JSON.stringify(before.zones);
    if (looksForSame) return;
    // A new detector knows nothing of a banner that is there already.
    const isHiding = this.#lastDetection !== undefined && this.#lastDetection.state !== "clear";
    this.#detector = this.#tools.createDetector({ ...settings, startsCovered: isHiding });
  }

  get #isAlways(): boolean {
    return this.#isOursOnly || this.#settings.mode === "always";
  }

  #chooseMode(): void {
    this.#switch.setAlways(this.#isAlways);
  }

  #onPicture(request: FilterRequest & { readonly kind: "picture" }): void {
    const { sequence, ptsUs, isReplay, data } = request;
    const decoder = this.#decoder;
    if (decoder === undefined) throw new CodecError("CODEC_REFUSED", "A picture came before its configuration");
    const isIdr = this.#codec === "h264" ? hasIdrSlice(data) : request.isKey;
    this.#rate.add(ptsUs, data.length);
    const refused = this.#switch.onPicture({ sequence, ptsUs, isIdr, isReplay });
    this.#perform(refused);
    if (refused.length > 0) return;

    this.#inDecoder.set(sequence, { sequence, ptsUs });
    // What viewers get of us is decoded as the publisher meant it.
    decoder.isThrifty = !this.#isAlways && !this.#switch.isEncoding;
    const startedAtMs = this.#tools.nowMs();
    const pictures: DecodedPicture[] = [];
    const isTaken = decoder.decode(data, sequence, request.isKey, pictures);
    this.#tools.work.decodeMs += this.#tools.nowMs() - startedAtMs;
    this.#look(pictures);
    if (!isTaken) this.#onBroken();
  }

  #onBroken(): void {
    this.#inDecoder.clear();
    this.#perform(this.#switch.onBroken());
  }

  #look(pictures: readonly DecodedPicture[]): void {
    for (const picture of pictures) {
      this.#tools.work.decodedCount++;
      const arrival = this.#inDecoder.get(picture.sequence);
      if (arrival === undefined) {
        // Its answer was given when the decoder failed on another.
        picture.release();
        continue;
      }
      this.#inDecoder.delete(picture.sequence);
      this.#findMissing(arrival);
      if (picture.isDamaged) {
        picture.release();
        this.#onBroken();
        continue;
      }
      this.#prepareEncoder(picture);
      this.#inspect(picture, arrival.ptsUs);
    }
  }

  #findMissing(seen: Arrival): void {
    const keepsOrder = this.#decoder?.keepsOrder ?? true;
    for (const { sequence, ptsUs } of this.#inDecoder.values()) {
      if (sequence > seen.sequence) break;
      if (!keepsOrder && ptsUs > seen.ptsUs && sequence + REORDER_LIMIT > seen.sequence) continue;
      this.#inDecoder.delete(sequence);
      this.#perform(this.#switch.onMissing(sequence));
    }
  }

  #inspect(picture: DecodedPicture, ptsUs: number): void {
    const startedAtMs = this.#tools.nowMs();
    const detection = this.#detector.inspect(picture.view, ptsUs);
    this.#tools.work.detectMs += this.#tools.nowMs() - startedAtMs;
    this.#lastDetection = detection;
    for (const still of this.#preview.look(picture.frame, ptsUs, detection)) {
      this.#send({ kind: "preview", streamId: this.#streamId, ...still });
    }
    const { width, height } = picture.view.y;
    this.#decoded.set(picture.sequence, picture);
    this.#perform(this.#switch.onDetection(picture.sequence, detection));
    this.#report(detection, ptsUs, width, height);
  }

  #report(detection: Detection, ptsUs: number, width: number, height: number): void {
    const { isEncoding } = this.#switch;
    const { state, regions, bannerCount } = detection;
    const isQuiet = state === "clear" && regions.length === 0;
    const told = isQuiet ? `${isEncoding} ${bannerCount}` : JSON.stringify([state, regions, bannerCount, isEncoding]);
    if (told === this.#lastSent) return;
    this.#lastSent = told;
    this.#send({ kind: "detection", streamId: this.#streamId, ptsUs, isEncoding, width, height, detection });
  }

  /** At the first picture of a configuration: only a decoded picture tells the colours of every codec. */
  #prepareEncoder(picture: DecodedPicture): void {
    const { frame, view } = picture;
    if (this.#encoder !== undefined) {
      const { width, height } = this.#encoder;
      if (view.y.width === width && view.y.height === height) return;
      throw new CodecError("CODEC_REFUSED", `The picture changed from ${width}x${height} without a configuration`);
    }
    const freeId = this.#isOursOnly || picture.isConverted ? undefined : freeAvcParameterSetId(this.#record);
    const encoder = new PictureEncoder(
      this.#tools.codec,
      frame,
      typeof freeId === "number" ? freeId : 0,
      QUANTIZER_START,
    );
    this.#encoder = encoder;
    const merged = typeof freeId === "number" ? mergeAvcRecords(this.#record, encoder.record) : undefined;
    if (merged === undefined || "kind" in merged) {
      this.#isOursOnly = true;
      this.#chooseMode();
    }
    const record = merged === undefined || "kind" in merged ? encoder.record : merged;
    this.#send({ kind: "config", streamId: this.#streamId, codec: "h264", record });
  }

  #perform(actions: readonly SwitchAction[]): void {
    for (const action of actions) {
      const { sequence } = action;
      const picture = this.#decoded.get(sequence);
      this.#decoded.delete(sequence);
      if (action.kind === "pass" || action.kind === "drop") {
        this.#send({ kind: action.kind, streamId: this.#streamId, sequence });
      } else if (action.kind === "encode" && picture !== undefined) {
        this.#encode(action, picture);
      }
      picture?.release();
    }
  }

  #encode(action: SwitchAction & { readonly kind: "encode" }, picture: DecodedPicture): void {
    const encoder = this.#encoder;
    if (encoder === undefined) throw new CodecError("CODEC_FAILED", "A picture was decoded and has no encoder");
    const { nowMs, work } = this.#tools;
    const { sequence, ptsUs, isIdr, regions } = action;
    const startedAtMs = nowMs();
    if (regions.length > 0) this.#hide(picture, regions);
    const hiddenAtMs = nowMs();
    if (isIdr) encoder.setQuantizer(this.#quantizer.next(this.#rate.bitsPerSecond), picture.frame);
    const { isKey, data } = encoder.encode(picture.frame, ptsUs, isIdr);
    this.#quantizer.add(ptsUs, data.length);
    work.obscureMs += hiddenAtMs - startedAtMs;
    work.encodeMs += nowMs() - hiddenAtMs;
    work.encodedCount++;
    this.#send({ kind: "replace", streamId: this.#streamId, sequence, ptsUs, isKey, data });
  }

  #hide(picture: DecodedPicture, regions: readonly Region[]): void {
    picture.makeWritable();
    const { view } = picture;
    const { width, height } = view.y;
    const strength = strengthFor(this.#settings.strength as StrengthLevel, Math.min(width, height));
    for (const region of regions) {
      const inside = clip(region, width, height);
      if (inside !== undefined) this.#tools.kernels.obscure(view, inside, strength);
    }
  }

  /** Nothing more comes of this configuration. */
  #finish(): void {
    const decoder = this.#decoder;
    if (decoder !== undefined) {
      const pictures: DecodedPicture[] = [];
      decoder.flush(pictures);
      this.#look(pictures);
    }
    this.#inDecoder.clear();
    this.#perform(this.#switch.flush());
    decoder?.close();
    this.#decoder = undefined;
    this.#encoder?.close();
    this.#encoder = undefined;
  }
}

function clip(region: Region, width: number, height: number): Region | undefined {
  const x = Math.max(0, Math.floor(region.x));
  const y = Math.max(0, Math.floor(region.y));
  const right = Math.min(width, Math.ceil(region.x + region.width));
  const bottom = Math.min(height, Math.ceil(region.y + region.height));
  return right > x && bottom > y ? { x, y, width: right - x, height: bottom - y } : undefined;
}
