import { formatIsoDate } from "@kagami/clock";

/** One EXT-X-PART. */
export interface PlaylistPart {
  readonly uri: string;
  readonly durationUs: number;
  /** Contains a frame at which a decoder can start. */
  readonly isIndependent: boolean;
}

/** What is known of a segment while it grows. */
export interface PlaylistOpenSegment {
  /** The URI of the Media Initialization Section; EXT-X-MAP is written where it changes. */
  readonly mapUri: string;
  readonly hasDiscontinuity: boolean;
  /** Wall time of the first sample, in ms since the Unix epoch. */
  readonly programDateTimeMs: number;
  /** Listed parts: empty once the segment has left the live edge. */
  readonly parts: readonly PlaylistPart[];
}

/** One complete Media Segment. */
export interface PlaylistSegment extends PlaylistOpenSegment {
  readonly uri: string;
  readonly durationUs: number;
  /** There is no media for this time; the URI must not be loaded. */
  readonly isGap: boolean;
}

/** All that a low-latency media playlist says. Durations ending in `Us` are microseconds. */
export interface MediaPlaylist {
  /** Whole seconds; never changes during the life of the playlist. */
  readonly targetDurationS: number;
  /** Never changes during the life of the playlist. */
  readonly partTargetUs: number;
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  readonly segments: readonly PlaylistSegment[];
  /** The segment that is being filled; only written when it has parts. */
  readonly openSegment?: PlaylistOpenSegment;
  /** URI of the part that comes next; `undefined` in an ended playlist. */
  readonly preloadHintUri?: string;
  readonly isEnded: boolean;
}

/** How one answer differs from the plain playlist. */
export interface RenderOptions {
  /** How many leading segments an EXT-X-SKIP stands for; 0 writes the whole playlist. See `countSkippable`. */
  readonly skippedCount?: number;
  /** Appended as it is to every URI, such as `?token=abc`. It must be escaped for a quoted string already. */
  readonly uriSuffix?: string;
}

/** EXT-X-SKIP needs 9. The full form would do with 6, but a version that changes between reloads confuses clients. */
const VERSION = 9;

/**
 * Writes a low-latency media playlist.
 *
 * PART-HOLD-BACK is three Part Target Durations, HOLD-BACK three and CAN-SKIP-UNTIL six Target Durations: the least
 * the specification recommends or allows.
 *
 * @see RFC 8216bis §4.4.3, §4.4.4, §4.4.5
 */
export function renderMediaPlaylist(playlist: MediaPlaylist, options: RenderOptions = {}): string {
  const { targetDurationS, partTargetUs, segments, openSegment } = playlist;
  const suffix = options.uriSuffix ?? "";
  const skippedCount = options.skippedCount ?? 0;
  const lines = [
    "#EXTM3U",
    `#EXT-X-VERSION:${VERSION}`,
    `#EXT-X-TARGETDURATION:${targetDurationS}`,
    `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${formatSeconds(3 * partTargetUs)}` +
      `,CAN-SKIP-UNTIL=${6 * targetDurationS},HOLD-BACK=${3 * targetDurationS}`,
    `#EXT-X-PART-INF:PART-TARGET=${formatSeconds(partTargetUs)}`,
    `#EXT-X-MEDIA-SEQUENCE:${playlist.mediaSequence}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${playlist.discontinuitySequence}`,
  ];
  if (skippedCount > 0) lines.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skippedCount}`);
  // A map that a skipped segment declared goes on: the client has it from the playlist that the delta is applied to.
  let mapUri = skippedCount > 0 ? (segments[skippedCount - 1]?.mapUri ?? "") : "";
  for (let i = skippedCount; i < segments.length; i++) {
    const segment = segments[i] as PlaylistSegment;
    pushOpening(lines, segment, mapUri, suffix);
    mapUri = segment.mapUri;
    if (segment.isGap) lines.push("#EXT-X-GAP");
    lines.push(`#EXTINF:${formatSeconds(segment.durationUs)},`, segment.uri + suffix);
  }
  if (openSegment !== undefined && openSegment.parts.length > 0) pushOpening(lines, openSegment, mapUri, suffix);
  if (playlist.preloadHintUri !== undefined) {
    lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${playlist.preloadHintUri}${suffix}"`);
  }
  if (playlist.isEnded) lines.push("#EXT-X-ENDLIST");
  lines.push("");
  return lines.join("\n");
}

/**
 * Counts the segments that a Playlist Delta Update leaves out: those that end further from the end of the last
 * complete segment than the Skip Boundary, six Target Durations.
 *
 * @see RFC 8216bis §6.2.5.1
 */
export function countSkippable(segments: readonly { readonly durationUs: number }[], targetDurationS: number): number {
  const boundaryUs = 6 * targetDurationS * 1_000_000;
  let fromEndUs = 0;
  for (let i = segments.length - 1; i >= 0; i--) {
    if (fromEndUs > boundaryUs) return i + 1;
    fromEndUs += (segments[i] as { durationUs: number }).durationUs;
  }
  return 0;
}

/** The end of every URI when a play token is handed on: empty, or `?token=` with the token escaped. */
export function tokenSuffix(token: string | undefined): string {
  return token === undefined || token === "" ? "" : `?token=${encodeURIComponent(token)}`;
}

/** Seconds with at most six decimals and no trailing zeros; exact, since the input is whole microseconds. */
export function formatSeconds(us: number): string {
  const whole = Math.round(us);
  const fraction = String(whole % 1_000_000).padStart(6, "0");
  const seconds = String(Math.floor(whole / 1_000_000));
  const digits = fraction.replace(/0+$/, "");
  return digits === "" ? seconds : `${seconds}.${digits}`;
}

/** Tags ahead of the parts: they apply to the first part as well, so they must stand before it (§4.4.4.9). */
function pushOpening(lines: string[], segment: PlaylistOpenSegment, previousMapUri: string, suffix: string): void {
  if (segment.hasDiscontinuity) lines.push("#EXT-X-DISCONTINUITY");
  if (segment.mapUri !== previousMapUri) lines.push(`#EXT-X-MAP:URI="${segment.mapUri}${suffix}"`);
  lines.push(`#EXT-X-PROGRAM-DATE-TIME:${formatIsoDate(segment.programDateTimeMs)}`);
  for (const part of segment.parts) {
    const independent = part.isIndependent ? ",INDEPENDENT=YES" : "";
    lines.push(`#EXT-X-PART:DURATION=${formatSeconds(part.durationUs)},URI="${part.uri}${suffix}"${independent}`);
  }
}
