import { writeU32, writeU64 } from "@kagami/bytes";
import type { Sample } from "./sample.ts";

// tfhd
const DEFAULT_BASE_IS_MOOF = 0x02_0000;
const DEFAULT_DURATION = 0x08;
const DEFAULT_SIZE = 0x10;
const DEFAULT_FLAGS = 0x20;
// trun
const DATA_OFFSET = 0x001;
const FIRST_SAMPLE_FLAGS = 0x004;
const SAMPLE_DURATION = 0x100;
const SAMPLE_SIZE = 0x200;
const SAMPLE_FLAGS = 0x400;
const SAMPLE_COMPOSITION_OFFSET = 0x800;

/** Depends on no other sample. */
const FLAGS_KEY = 0x0200_0000;
/** Depends on others; not a sync sample. */
const FLAGS_INTER = 0x0101_0000;

const MOOF = 0x6d6f6f66;
const MFHD = 0x6d666864;
const TRAF = 0x74726166;
const TFHD = 0x74666864;
const TFDT = 0x74666474;
const TRUN = 0x7472756e;
const MDAT = 0x6d646174;

/**
 * The time in ticks of a track's timescale. All positions are rounded from absolute times and durations are
 * differences of positions, so fragments meet exactly and nothing drifts.
 */
export function ticksOf(timeUs: number, timescale: number): number {
  return Math.round((timeUs * timescale) / 1_000_000);
}

/**
 * One fragment, `moof` and `mdat`, of one track. Makes one allocation and copies each sample's data once.
 *
 * Common values go into `tfhd` once; `trun` has only the columns in which the samples differ. The duration of a
 * sample is the distance to the next one; of the last, to `dtsUs + durationUs`.
 *
 * @param samples In decoding order, of the same track, at least one.
 * @param sequenceNumber Rises by one with every fragment of a stream; wraps at 2^32.
 * @param timescale Ticks a second, as in the init segment.
 * @param allocate Where the fragment goes: exactly so many zeroed bytes; an array of its own if absent.
 * @throws RangeError if there is no sample.
 * @see ISO 14496-12 §8.8
 */
export function writeFragment(
  samples: readonly Sample[],
  sequenceNumber: number,
  trackId: number,
  timescale: number,
  allocate: (byteCount: number) => Uint8Array = newBytes,
): Uint8Array {
  const first = samples[0];
  if (first === undefined) throw new RangeError("Cannot write a fragment without samples");
  const count = samples.length;
  const flags = columnsOf(samples, timescale);
  const columnCount =
    ((flags & SAMPLE_DURATION) !== 0 ? 1 : 0) +
    ((flags & SAMPLE_SIZE) !== 0 ? 1 : 0) +
    ((flags & SAMPLE_FLAGS) !== 0 ? 1 : 0) +
    ((flags & SAMPLE_COMPOSITION_OFFSET) !== 0 ? 1 : 0);
  const hasDefaultDuration = (flags & SAMPLE_DURATION) === 0;
  const hasDefaultSize = (flags & SAMPLE_SIZE) === 0;
  const hasFirstFlags = (flags & FIRST_SAMPLE_FLAGS) !== 0;
  const hasDefaultFlags = (flags & SAMPLE_FLAGS) === 0;

  const tfhdBytes = 16 + (hasDefaultDuration ? 4 : 0) + (hasDefaultSize ? 4 : 0) + (hasDefaultFlags ? 4 : 0);
  const trunBytes = 20 + (hasFirstFlags ? 4 : 0) + 4 * columnCount * count;
  const trafBytes = 8 + tfhdBytes + 20 + trunBytes;
  const moofBytes = 8 + 16 + trafBytes;
  let dataBytes = 0;
  for (let i = 0; i < count; i++) dataBytes += (samples[i] as Sample).data.length;

  const out = allocate(moofBytes + 8 + dataBytes);
  const baseTicks = ticksOf(first.dtsUs, timescale);
  let offset = writeHead(out, moofBytes, MOOF);
  offset = writeHead(out, 16, MFHD, offset);
  offset = writeU32(out, offset + 4, sequenceNumber);
  offset = writeHead(out, trafBytes, TRAF, offset);

  offset = writeHead(out, tfhdBytes, TFHD, offset);
  const tfhdFlags =
    DEFAULT_BASE_IS_MOOF |
    (hasDefaultDuration ? DEFAULT_DURATION : 0) |
    (hasDefaultSize ? DEFAULT_SIZE : 0) |
    (hasDefaultFlags ? DEFAULT_FLAGS : 0);
  offset = writeU32(out, offset, tfhdFlags);
  offset = writeU32(out, offset, trackId);
  if (hasDefaultDuration) offset = writeU32(out, offset, durationTicks(samples, 0, timescale));
  if (hasDefaultSize) offset = writeU32(out, offset, first.data.length);
  // With first-sample flags, the default is that of all the others.
  if (hasDefaultFlags) offset = writeU32(out, offset, flagsOf(samples[count - 1] as Sample));

  offset = writeHead(out, 20, TFDT, offset);
  offset = writeU32(out, offset, 0x0100_0000); // version 1: 64 bits
  offset = writeU64(out, offset, baseTicks);

  offset = writeHead(out, trunBytes, TRUN, offset);
  offset = writeU32(out, offset, 0x0100_0000 | flags); // version 1: signed composition offsets
  offset = writeU32(out, offset, count);
  offset = writeU32(out, offset, moofBytes + 8); // the first byte of mdat's payload, from the start of moof
  if (hasFirstFlags) offset = writeU32(out, offset, flagsOf(first));
  if (columnCount > 0) offset = writeRows(out, offset, samples, timescale, flags);

  offset = writeHead(out, 8 + dataBytes, MDAT, offset);
  for (let i = 0; i < count; i++) {
    const { data } = samples[i] as Sample;
    out.set(data, offset);
    offset += data.length;
  }
  return out;
}

function newBytes(byteCount: number): Uint8Array {
  return new Uint8Array(byteCount);
}

/** The flags of `trun`: which columns it has. */
function columnsOf(samples: readonly Sample[], timescale: number): number {
  const count = samples.length;
  const first = samples[0] as Sample;
  const duration = durationTicks(samples, 0, timescale);
  let flags = DATA_OFFSET;
  let hasFlagChangeLater = false;
  for (let i = 0; i < count; i++) {
    const sample = samples[i] as Sample;
    if (sample.ptsUs !== sample.dtsUs) flags |= SAMPLE_COMPOSITION_OFFSET;
    if (i === 0) continue;
    if (sample.data.length !== first.data.length) flags |= SAMPLE_SIZE;
    if (durationTicks(samples, i, timescale) !== duration) flags |= SAMPLE_DURATION;
    if (sample.isKey !== (samples[1] as Sample).isKey) hasFlagChangeLater = true;
  }
  if (hasFlagChangeLater) flags |= SAMPLE_FLAGS;
  else if (count > 1 && (samples[1] as Sample).isKey !== first.isKey) flags |= FIRST_SAMPLE_FLAGS;
  return flags;
}

function writeRows(
  out: Uint8Array,
  start: number,
  samples: readonly Sample[],
  timescale: number,
  flags: number,
): number {
  let offset = start;
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i] as Sample;
    if ((flags & SAMPLE_DURATION) !== 0) offset = writeU32(out, offset, durationTicks(samples, i, timescale));
    if ((flags & SAMPLE_SIZE) !== 0) offset = writeU32(out, offset, sample.data.length);
    if ((flags & SAMPLE_FLAGS) !== 0) offset = writeU32(out, offset, flagsOf(sample));
    if ((flags & SAMPLE_COMPOSITION_OFFSET) !== 0) {
      offset = writeU32(out, offset, ticksOf(sample.ptsUs, timescale) - ticksOf(sample.dtsUs, timescale));
    }
  }
  return offset;
}

function durationTicks(samples: readonly Sample[], index: number, timescale: number): number {
  const sample = samples[index] as Sample;
  const next = samples[index + 1];
  const endUs = next === undefined ? sample.dtsUs + sample.durationUs : next.dtsUs;
  return Math.max(0, ticksOf(endUs, timescale) - ticksOf(sample.dtsUs, timescale));
}

function flagsOf(sample: Sample): number {
  return sample.isKey ? FLAGS_KEY : FLAGS_INTER;
}

function writeHead(out: Uint8Array, sizeBytes: number, type: number, offset = 0): number {
  return writeU32(out, writeU32(out, offset, sizeBytes), type);
}
