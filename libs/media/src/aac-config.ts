import { BitReader } from "@kagami/bytes";
import { type Malformed, malformed } from "./malformed.ts";
import type { AudioConfig } from "./sample.ts";

/** An AudioSpecificConfig, taken apart. */
export interface AacSpecificConfig {
  /** Of the core: 2 is AAC-LC. */
  readonly objectType: number;
  /** Hz of the core. */
  readonly sampleRate: number;
  /** Of the core. 0 if a program config element that could not be used describes it. */
  readonly channelCount: number;
  /** Spectral band replication (HE-AAC) is signalled, in front or behind. */
  readonly hasSbr: boolean;
  /** Parametric stereo (HE-AAC v2) is signalled. */
  readonly hasPs: boolean;
  /** Hz of what the decoder gives out. */
  readonly outputSampleRate: number;
  readonly outputChannelCount: number;
  /** Samples of one frame at the output rate: 1024, 960, or twice that with SBR. */
  readonly samplesPerFrame: number;
}

const SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];
// Channel configurations 0 to 14 (ISO 14496-3 table 1.19); 0 is in a program config element.
const CHANNEL_COUNTS = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8];
const OBJECT_SBR = 5;
const OBJECT_PS = 29;
const OBJECT_ESCAPE = 31;
const SYNC_SBR = 0x2b7;
const SYNC_PS = 0x548;
/** Object types whose config is a GASpecificConfig (table 1.15). */
const GENERAL_AUDIO: ReadonlySet<number> = new Set([1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23]);

/**
 * Reads an AudioSpecificConfig: escape object types, explicit sample rates, and HE-AAC v1 and v2 signalled in front
 * (hierarchical) or behind (backward compatible).
 *
 * @see ISO 14496-3 §1.6.2.1
 */
export function parseAacSpecificConfig(record: Uint8Array): AacSpecificConfig | Malformed {
  const reader = new BitReader(record);
  let objectType = readObjectType(reader);
  const sampleRate = readSampleRate(reader);
  const channelConfiguration = reader.bits(4);
  let hasSbr = false;
  let hasPs = false;
  let extensionRate = 0;
  if (objectType === OBJECT_SBR || objectType === OBJECT_PS) {
    hasSbr = true;
    hasPs = objectType === OBJECT_PS;
    extensionRate = readSampleRate(reader);
    objectType = readObjectType(reader);
  }
  if (reader.isOverrun) return malformed("AAC_CONFIG", `AudioSpecificConfig ends early, after ${record.length} bytes`);
  if (!GENERAL_AUDIO.has(objectType)) {
    return malformed("AAC_CONFIG", `Audio object type ${objectType} is not AAC; send AAC-LC or HE-AAC`);
  }
  const general = readGeneralConfig(reader, objectType, channelConfiguration);
  if (!hasSbr && !reader.isOverrun && reader.leftBits >= 16 && reader.bits(11) === SYNC_SBR) {
    if (readObjectType(reader) === OBJECT_SBR && reader.flag()) {
      hasSbr = true;
      extensionRate = readSampleRate(reader);
      if (reader.leftBits >= 12 && reader.bits(11) === SYNC_PS) hasPs = reader.flag();
    }
  }
  const { channelCount, frameSamples } = general;
  if (sampleRate < 1 || sampleRate > 192_000 || channelCount < 1 || extensionRate > 192_000) {
    return malformed("AAC_CONFIG", `${sampleRate} Hz with ${channelCount} channels cannot be used; send 8 to 96 kHz`);
  }
  const outputSampleRate = hasSbr && extensionRate > 0 ? extensionRate : sampleRate;
  const outputChannelCount = hasPs && channelCount === 1 ? 2 : channelCount;
  // With "downsampled SBR" the output rate is the core's, and so is the frame.
  const samplesPerFrame = Math.round((frameSamples * outputSampleRate) / sampleRate);
  return {
    ...{ objectType, sampleRate, channelCount, hasSbr, hasPs },
    ...{ outputSampleRate, outputChannelCount, samplesPerFrame },
  };
}

/** The configuration for an AudioSpecificConfig, whose bytes are copied as they are. */
export function aacConfigFromRecord(record: Uint8Array): AudioConfig | Malformed {
  const parsed = parseAacSpecificConfig(record);
  if ("kind" in parsed) return parsed;
  const objectType = parsed.hasPs ? OBJECT_PS : parsed.hasSbr ? OBJECT_SBR : parsed.objectType;
  return {
    kind: "audio",
    codec: "aac",
    codecString: `mp4a.40.${objectType}`,
    sampleRate: parsed.outputSampleRate,
    channelCount: parsed.outputChannelCount,
    record: record.slice(),
  };
}

function readObjectType(reader: BitReader): number {
  const type = reader.bits(5);
  return type === OBJECT_ESCAPE ? 32 + reader.bits(6) : type;
}

/** 0 for a reserved index. */
function readSampleRate(reader: BitReader): number {
  const index = reader.bits(4);
  return index === 15 ? reader.bits(24) : (SAMPLE_RATES[index] ?? 0);
}

/** @see ISO 14496-3 §4.4.1 */
function readGeneralConfig(
  reader: BitReader,
  objectType: number,
  channelConfiguration: number,
): { channelCount: number; frameSamples: number } {
  // ER AAC-LD (23) has 512 or 480 samples.
  const isShort = reader.flag();
  const frameSamples = (isShort ? 960 : 1024) / (objectType === 23 ? 2 : 1);
  if (reader.flag()) reader.skip(14); // coreCoderDelay
  const hasExtension = reader.flag();
  const channelCount =
    channelConfiguration === 0 ? readProgramConfig(reader) : (CHANNEL_COUNTS[channelConfiguration] ?? 0);
  if (objectType === 6 || objectType === 20) reader.skip(3); // layerNr
  if (hasExtension) {
    if (objectType === 22) reader.skip(16);
    if (objectType === 17 || objectType === 19 || objectType === 20 || objectType === 23) reader.skip(3);
    reader.bit();
  }
  // Error-resilient types go on with epConfig; nothing behind it matters here.
  return { channelCount: reader.isOverrun ? 0 : channelCount, frameSamples };
}

/**
 * Channels of a program_config_element.
 *
 * @see ISO 14496-3 §4.5.2.1
 */
function readProgramConfig(reader: BitReader): number {
  reader.skip(4 + 2 + 4); // tag, object type, sampling frequency index
  const frontCount = reader.bits(4);
  const sideCount = reader.bits(4);
  const backCount = reader.bits(4);
  const lfeCount = reader.bits(2);
  const dataCount = reader.bits(3);
  const couplingCount = reader.bits(4);
  if (reader.flag()) reader.skip(4); // mono mixdown
  if (reader.flag()) reader.skip(4); // stereo mixdown
  if (reader.flag()) reader.skip(3); // matrix mixdown
  let channelCount = lfeCount;
  for (let i = 0; i < frontCount + sideCount + backCount; i++) {
    channelCount += reader.flag() ? 2 : 1; // a pair or a single channel
    reader.skip(4);
  }
  reader.skip(4 * lfeCount + 4 * dataCount + 5 * couplingCount);
  reader.skip((8 - (reader.positionBits % 8)) % 8);
  const commentBytes = reader.bits(8);
  reader.skip(commentBytes * 8);
  return channelCount;
}
