import { equalBytes } from "@kagami/bytes";
import {
  type Av1SequenceHeader,
  av1Config,
  buildAv1Record,
  findAv1SequenceHeader,
  OBU_FRAME,
  OBU_FRAME_HEADER,
  OBU_PADDING,
  OBU_SEQUENCE_HEADER,
  OBU_TEMPORAL_DELIMITER,
  parseAv1SequenceHeader,
  readObu,
} from "./av1-config.ts";
import { type Malformed, malformed } from "./malformed.ts";
import { NalTrack } from "./nal-track.ts";
import type { NormalizedSample, VideoTrack } from "./normalized-sample.ts";
import type { VideoCodec, VideoConfig } from "./sample.ts";
import { videoConfigFromRecord } from "./track-config.ts";
import { parseVp9FrameHeader } from "./vp9-config.ts";

/**
 * Starts a track from a publisher's record (`FlvConfig.record`), which is copied.
 *
 * @returns A refusal if the record cannot be used.
 */
export function openVideoTrack(codec: VideoCodec, record: Uint8Array): VideoTrack | Malformed {
  if (codec === "h264" || codec === "h265") return NalTrack.open(codec, record);
  const config = videoConfigFromRecord(codec, record);
  if (config.kind === "malformed") return config;
  return codec === "av1" ? new Av1Track(config) : new Vp9Track(config);
}

/** Leaves out temporal delimiters and padding (AV1-ISOBMFF §2.4) and watches the sequence header. */
class Av1Track implements VideoTrack {
  readonly kind = "video-track";
  #config: VideoConfig;
  #sequenceHeader: Uint8Array;

  constructor(config: VideoConfig) {
    this.#config = config;
    this.#sequenceHeader = findAv1SequenceHeader(config.record.subarray(4)) ?? new Uint8Array(0);
  }

  get config(): VideoConfig {
    return this.#config;
  }

  normalize(data: Uint8Array): NormalizedSample | Malformed {
    let keptBytes = 0;
    let firstKept = -1;
    let lastKept = 0;
    let isKey = false;
    let hasFrame = false;
    let changedConfig: VideoConfig | undefined;
    for (let offset = 0; offset < data.length; ) {
      const obu = readObu(data, offset);
      if (obu === undefined) return malformed("AV1_OBU", `The OBU at byte ${offset} is cut short or invalid`);
      offset = obu.end;
      if (obu.type === OBU_TEMPORAL_DELIMITER || obu.type === OBU_PADDING) continue;
      if (firstKept < 0) firstKept = obu.start;
      lastKept = obu.end;
      keptBytes += obu.end - obu.start;
      if (obu.type === OBU_SEQUENCE_HEADER) {
        const changed = this.#watch(data.subarray(obu.payloadStart, obu.end));
        if (changed?.kind === "malformed") return changed;
        changedConfig ??= changed;
      } else if (!hasFrame && (obu.type === OBU_FRAME || obu.type === OBU_FRAME_HEADER)) {
        hasFrame = true;
        // show_existing_frame 0, frame_type 0 (key), show_frame 1 (§5.9.2).
        isKey = obu.payloadStart < obu.end && ((data[obu.payloadStart] as number) & 0xf0) === 0x10;
      }
    }
    const start = Math.max(firstKept, 0);
    const isWhole = lastKept - start === keptBytes;
    const kept = isWhole ? viewOf(data, start, lastKept) : copyKept(data, keptBytes);
    return { kind: "sample", data: kept, isKey, hasRecoveryPoint: false, changedConfig };
  }

  /**
   * The bytes may differ from the record's in coding tools alone (SVT-AV1 writes its record before it chooses them);
   * a decoder takes these from the stream, so only another picture format is a change.
   */
  #watch(payload: Uint8Array): VideoConfig | Malformed | undefined {
    if (equalBytes(payload, this.#sequenceHeader)) return undefined;
    const header = parseAv1SequenceHeader(payload);
    if ("kind" in header) return header;
    const previous = parseAv1SequenceHeader(this.#sequenceHeader);
    this.#sequenceHeader = payload.slice();
    if (!("kind" in previous) && hasSameFormat(previous, header)) return undefined;
    this.#config = av1Config(header, buildAv1Record(header, payload));
    return this.#config;
  }
}

function hasSameFormat(a: Av1SequenceHeader, b: Av1SequenceHeader): boolean {
  return (
    a.width === b.width &&
    a.height === b.height &&
    a.profile === b.profile &&
    a.bitDepth === b.bitDepth &&
    a.isMonochrome === b.isMonochrome &&
    a.subsamplingX === b.subsamplingX &&
    a.subsamplingY === b.subsamplingY
  );
}

function copyKept(data: Uint8Array, keptBytes: number): Uint8Array {
  const out = new Uint8Array(keptBytes);
  let size = 0;
  for (let offset = 0; offset < data.length; ) {
    const obu = readObu(data, offset);
    if (obu === undefined) break; // cannot be: the first pass read them all
    offset = obu.end;
    if (obu.type === OBU_TEMPORAL_DELIMITER || obu.type === OBU_PADDING) continue;
    out.set(data.subarray(obu.start, obu.end), size);
    size += obu.end - obu.start;
  }
  return out;
}

/** VP9 is stored as it is; only key frames tell the size. */
class Vp9Track implements VideoTrack {
  readonly kind = "video-track";
  #config: VideoConfig;

  constructor(config: VideoConfig) {
    this.#config = config;
  }

  get config(): VideoConfig {
    return this.#config;
  }

  normalize(data: Uint8Array): NormalizedSample | Malformed {
    const header = parseVp9FrameHeader(data);
    if ("kind" in header) return header;
    const { isKey, width, height } = header;
    let changedConfig: VideoConfig | undefined;
    if (isKey && (width !== this.#config.width || height !== this.#config.height)) {
      changedConfig = { ...this.#config, width, height };
      this.#config = changedConfig;
    }
    return { kind: "sample", data, isKey, hasRecoveryPoint: false, changedConfig };
  }
}

function viewOf(data: Uint8Array, start: number, end: number): Uint8Array {
  return start === 0 && end === data.length ? data : data.subarray(start, end);
}
