import { type DecodedFrame, parseFrameMd5 } from "@kagami/live/testing";
import { runTool } from "@kagami/testkit";

/**
 * ffmpeg 5.1 says this at the end of every HTTP body that has neither a length nor chunks, which HTTP allows (RFC 9112
 * §6.3, rule 8) and HTTP-FLV uses: so all viewers can be given the same bytes.
 */
const KNOWN_COMPLAINT =
  /Stream ends prematurely at \d+, should be 18446744073709551615|\.flv: Input\/output error|Last message repeated/;

/** What a decoder shows and plays of a stream. */
export interface Decoded {
  readonly video: readonly DecodedFrame[];
  readonly audio: readonly DecodedFrame[];
}

/** ffmpeg's arguments that decode everything to hashes, with the times of the stream. */
function decodeArgs(input: string, inputArgs: readonly string[] = []): string[] {
  const frames = ["-fps_mode", "passthrough", "-f", "framemd5"];
  return [
    ...["-hide_banner", "-loglevel", "error", "-nostdin", "-copyts", ...inputArgs, "-i", input],
    ...["-map", "0:v:0", ...frames, "pipe:1", "-map", "0:a:0", ...frames, "pipe:2"],
  ];
}

/**
 * Decodes a file, bytes or an address, to its end.
 *
 * @throws Error if ffmpeg fails or complains.
 */
export async function decodeAll(
  input: Uint8Array | string,
  inputArgs: readonly string[] = [],
  timeoutMs = 40_000,
): Promise<Decoded> {
  const isAddress = typeof input === "string";
  const args = decodeArgs(isAddress ? input : "pipe:0", inputArgs);
  const result = await runTool("ffmpeg", args, { timeoutMs, ...(!isAddress && { input }) });
  // Hashes of the sound come over standard error, where complaints would come too.
  const complaints = result.stderr
    .split("\n")
    .filter((line) => !/^$|^#|^\d+,/.test(line) && !KNOWN_COMPLAINT.test(line));
  if (result.exitCode !== 0 || complaints.length > 0) {
    throw new Error(`ffmpeg ended with ${result.exitCode} on ${isAddress ? input : "bytes"}: ${complaints.join("\n")}`);
  }
  const audio = result.stderr.split("\n").filter((line) => /^#|^\d+,/.test(line));
  return { video: parseFrameMd5(result.stdout), audio: parseFrameMd5(audio.join("\n")) };
}

export interface Tolerance {
  /** A reader that came late may have missed this many of the first pictures, at the most; 0 if absent. */
  readonly missedPictures?: number;
  /** Pictures may be off by this, once the first is laid on the first; 1.5 ms if absent: RTMP counts milliseconds. */
  readonly videoMs?: number;
  /** Sound may be off by this; 25 ms if absent: the server lays frames end to end, which RTMP's rounding does not. */
  readonly audioMs?: number;
}

/**
 * What differs between a source and what came out; empty if a viewer saw and heard the same at the same times.
 *
 * A reader that came late has the source from some key frame on. Its first two sounds differ by nature: AAC frames
 * overlap, and the decoder lacks the one before.
 */
export function differences(source: Decoded, seen: Decoded, tolerance: Tolerance = {}): string[] {
  const { missedPictures = 0, videoMs = 1.5, audioMs = 25 } = tolerance;
  const first = source.video.findIndex(({ md5 }) => md5 === seen.video[0]?.md5);
  if (first < 0) return [`The first picture of ${seen.video.length} is not of the source`];
  if (first > missedPictures) return [`${first} pictures are missing at the beginning`];
  const offsetMs = (seen.video[0]?.ptsMs ?? 0) - (source.video[first]?.ptsMs ?? 0);
  const found = compareTrack("picture", source.video.slice(first), seen.video, offsetMs, videoMs);

  const isWhole = first === 0 && missedPictures === 0;
  const skipped = isWhole ? 0 : 3;
  const start = source.audio.findIndex(({ md5 }) => md5 === seen.audio[skipped]?.md5);
  if (start < 0) return [...found, `Sound ${skipped} of ${seen.audio.length} is not of the source`];
  if (isWhole && start > 0) found.push(`${start} sounds are missing at the beginning`);
  const sounds = compareTrack("sound", source.audio.slice(start), seen.audio.slice(skipped), offsetMs, audioMs);
  return [...found, ...sounds];
}

function compareTrack(
  what: string,
  source: readonly DecodedFrame[],
  seen: readonly DecodedFrame[],
  offsetMs: number,
  toleranceMs: number,
): string[] {
  const found: string[] = [];
  if (source.length !== seen.length) found.push(`${seen.length} of ${source.length} ${what}s came`);
  for (const [i, frame] of seen.entries()) {
    const expected = source[i];
    if (!expected) break;
    if (frame.md5 !== expected.md5) found.push(`${what} ${i} is another one`);
    const offMs = frame.ptsMs - offsetMs - expected.ptsMs;
    if (Math.abs(offMs) > toleranceMs) found.push(`${what} ${i} is off by ${offMs.toFixed(2)} ms`);
  }
  return found.slice(0, 5);
}
