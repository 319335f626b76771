import type { ParsedPart, ParsedPlaylist, ParsedSegment } from "./parsed-playlist.ts";

/** One requirement of the specification on what a client sees. Sections are those of draft-pantos-hls-rfc8216bis. */
export interface PlaylistRule {
  readonly section: string;
  /** The requirement as a short statement. */
  readonly title: string;
  /** @returns What breaks the rule; `undefined` if nothing does. `previous` is what the client saw before, if anything. */
  readonly check: (now: ParsedPlaylist, previous: ParsedPlaylist | undefined) => string | undefined;
}

/** Seconds; written durations are rounded to microseconds. */
const EPSILON_S = 0.000_002;

/**
 * Rules on full low-latency media playlists without EXT-X-SKIP (apply deltas first), and on two of them that one
 * client sees one after the other. For tests and diagnosis: nothing here serves a request.
 */
export const PLAYLIST_RULES: readonly PlaylistRule[] = [
  rule("4.4.1.1", "the first line is EXTM3U", (now) => (now.firstLine === "#EXTM3U" ? undefined : now.firstLine)),
  rule("4.1", "no tag is unknown, and EXT-X-PLAYLIST-TYPE is absent from a live playlist (6.2.2)", unknownTag),
  rule("8", "EXT-X-SKIP needs version 9, EXT-X-MAP version 6", ({ version }) => below("version", version, 9)),
  rule("4.4.3.1", "EXTINF, rounded, is at most the Target Duration", longSegment),
  rule("4.4.3.7", "EXT-X-PART-INF is there when parts are", missingPartInf),
  rule("4.4.3.8", "the Skip Boundary is at least six Target Durations", (now) =>
    below("CAN-SKIP-UNTIL", control(now, "CAN-SKIP-UNTIL"), 6 * now.targetDurationS),
  ),
  rule("4.4.3.8", "HOLD-BACK is at least three Target Durations", (now) =>
    below("HOLD-BACK", control(now, "HOLD-BACK"), 3 * now.targetDurationS),
  ),
  rule("4.4.3.8", "PART-HOLD-BACK is at least three Part Target Durations", (now) =>
    below("PART-HOLD-BACK", control(now, "PART-HOLD-BACK"), 3 * (now.partTargetS ?? 0)),
  ),
  rule("4.4.4.5", "every segment has a map", (now) => all(now).find((segment) => segment.mapUri === undefined)?.uri),
  rule("4.4.4.9", "no part is longer than the Part Target Duration", longPart),
  rule("4.4.4.9", "a part has at least 85 % of it, unless independent or the last of its segment", shortPart),
  rule("4.4.4.9", "tags of a segment stand before its first part", (now) => all(now).find((s) => s.hasLateTag)?.uri),
  rule("4.4.5.3", "one part is hinted, which is not listed yet; none once ended", wrongHint),
  rule("6.2.1", "a discontinuity has a date, and dates do not overlap", overlappingDates),
  rule("6.2.1", "a change of map is a discontinuity", silentMapChange),
  rule("6.2.1", "no URI stands for two things", repeatedUri),
  rule("6.2.2", "parts are listed within three Target Durations of the end only", oldParts),
  rule("6.2.1", "TARGETDURATION, PART-TARGET and SERVER-CONTROL never change", changedHeader),
  rule("6.2.2", "sequence numbers never go back", sequenceWentBack),
  rule("6.2.2", "segments leave in order, and what stays does not change", changedSegment),
  rule("6.2.2", "the discontinuity sequence counts the tags that left", wrongDiscontinuitySequence),
  rule("6.2.2", "no segment leaves if three Target Durations do not remain", removedTooMuch),
  rule("6.2.1", "parts are only appended, and go from the front", changedParts),
  rule("6.2.1", "an ended playlist stays as it is", (now, previous) =>
    previous?.isEnded && !now.isEnded ? "EXT-X-ENDLIST went away" : undefined,
  ),
];

/** @returns One line for each broken rule. */
export function checkPlaylist(now: ParsedPlaylist, previous?: ParsedPlaylist): string[] {
  const broken: string[] = [];
  for (const { section, title, check } of PLAYLIST_RULES) {
    const what = check(now, previous);
    if (what !== undefined) broken.push(`§${section}: ${title}: ${what === "" ? "the open segment" : what}`);
  }
  return broken;
}

function rule(section: string, title: string, check: PlaylistRule["check"]): PlaylistRule {
  return { section, title, check };
}

function all(playlist: ParsedPlaylist): ParsedSegment[] {
  return playlist.open.parts.length > 0 ? [...playlist.segments, playlist.open] : playlist.segments;
}

function control(playlist: ParsedPlaylist, name: string): number {
  return Number(playlist.serverControl.get(name) ?? Number.NaN);
}

function below(name: string, value: number, least: number): string | undefined {
  return value >= least - EPSILON_S ? undefined : `${name} is ${value}, not ${least}`;
}

function unknownTag(now: ParsedPlaylist): string | undefined {
  return now.unknownTags[0];
}

function longSegment(now: ParsedPlaylist): string | undefined {
  return now.segments.find((segment) => Math.round(segment.durationS) > now.targetDurationS)?.uri;
}

function missingPartInf(now: ParsedPlaylist): string | undefined {
  const hasParts = all(now).some((segment) => segment.parts.length > 0);
  return hasParts && now.partTargetS === undefined ? "EXT-X-PART-INF is missing" : undefined;
}

function longPart(now: ParsedPlaylist): string | undefined {
  const limit = (now.partTargetS ?? 0) + EPSILON_S;
  return findPart(now, (part) => !(part.durationS > 0 && part.durationS <= limit));
}

function shortPart(now: ParsedPlaylist): string | undefined {
  const least = 0.85 * (now.partTargetS ?? 0) - EPSILON_S;
  return findPart(now, (part, isLast) => !isLast && !part.isIndependent && !part.isGap && part.durationS < least);
}

/** The last part of the open segment counts as last only when the segment is closed: it is not, so it must be full. */
function findPart(now: ParsedPlaylist, isWrong: (part: ParsedPart, isLast: boolean) => boolean): string | undefined {
  for (const segment of all(now)) {
    const found = segment.parts.find((part, i) =>
      isWrong(part, segment !== now.open && i === segment.parts.length - 1),
    );
    if (found !== undefined) return `${found.uri} has ${found.durationS} s`;
  }
  return undefined;
}

function wrongHint(now: ParsedPlaylist): string | undefined {
  const expected = now.isEnded ? 0 : 1;
  if (now.hintUris.length !== expected) return `${now.hintUris.length} hints`;
  const hint = now.hintUris[0];
  return all(now).some(({ parts }) => parts.some(({ uri }) => uri === hint)) ? `${hint} is listed already` : undefined;
}

function overlappingDates(now: ParsedPlaylist): string | undefined {
  let endMs = Number.NEGATIVE_INFINITY;
  for (const segment of all(now)) {
    if (segment.programDateTime === undefined) {
      if (segment.hasDiscontinuity) return `${segment.uri} has a discontinuity and no date`;
      continue;
    }
    const startMs = parseDateTime(segment.programDateTime);
    // Dates are written in whole milliseconds, cut off.
    if (!(startMs >= endMs - 2)) return `${segment.uri} starts at ${startMs}, before ${endMs}`;
    endMs = startMs + segment.durationS * 1_000;
  }
  return undefined;
}

function silentMapChange(now: ParsedPlaylist): string | undefined {
  let mapUri: string | undefined;
  for (const segment of all(now)) {
    if (mapUri !== undefined && segment.mapUri !== mapUri && !segment.hasDiscontinuity) return segment.uri;
    mapUri = segment.mapUri;
  }
  return undefined;
}

function repeatedUri(now: ParsedPlaylist): string | undefined {
  const seen = new Set<string>();
  for (const { uri, parts } of all(now)) {
    for (const each of [uri, ...parts.map((part) => part.uri)]) {
      if (each !== "" && seen.has(each)) return each;
      seen.add(each);
    }
  }
  return undefined;
}

function oldParts(now: ParsedPlaylist): string | undefined {
  let fromEndS = now.open.parts.reduce((sum, part) => sum + part.durationS, 0);
  for (const segment of now.segments.toReversed()) {
    const [first] = segment.parts;
    fromEndS += segment.durationS;
    if (first !== undefined && fromEndS - first.durationS > 3 * now.targetDurationS + EPSILON_S) return first.uri;
  }
  return undefined;
}

function changedHeader(now: ParsedPlaylist, previous: ParsedPlaylist | undefined): string | undefined {
  if (previous === undefined) return undefined;
  const header = (playlist: ParsedPlaylist): string =>
    JSON.stringify([playlist.targetDurationS, playlist.partTargetS, ...playlist.serverControl]);
  return header(now) === header(previous) ? undefined : `${header(previous)} became ${header(now)}`;
}

function sequenceWentBack(now: ParsedPlaylist, previous: ParsedPlaylist | undefined): string | undefined {
  if (previous === undefined) return undefined;
  if (now.mediaSequence < previous.mediaSequence) return `EXT-X-MEDIA-SEQUENCE ${now.mediaSequence}`;
  return now.discontinuitySequence < previous.discontinuitySequence ? "EXT-X-DISCONTINUITY-SEQUENCE" : undefined;
}

function changedSegment(now: ParsedPlaylist, previous: ParsedPlaylist | undefined): string | undefined {
  if (previous === undefined) return undefined;
  const removed = now.mediaSequence - previous.mediaSequence;
  for (const [i, before] of previous.segments.entries()) {
    if (i < removed) continue;
    const after = now.segments[i - removed];
    if (after === undefined) return `${before.uri} is missing`;
    const identity = ({ parts: _, ...rest }: ParsedSegment): string => JSON.stringify(rest);
    if (identity(before) !== identity(after)) return `${identity(before)} became ${identity(after)}`;
  }
  return undefined;
}

function wrongDiscontinuitySequence(now: ParsedPlaylist, previous: ParsedPlaylist | undefined): string | undefined {
  if (previous === undefined) return undefined;
  const removed = now.mediaSequence - previous.mediaSequence;
  // What came and went between the two cannot be counted.
  if (removed > previous.segments.length) return undefined;
  const left = previous.segments.slice(0, removed).filter((segment) => segment.hasDiscontinuity).length;
  const expected = previous.discontinuitySequence + left;
  return now.discontinuitySequence === expected ? undefined : `${now.discontinuitySequence}, not ${expected}`;
}

function removedTooMuch(now: ParsedPlaylist, previous: ParsedPlaylist | undefined): string | undefined {
  if (previous === undefined || now.mediaSequence === previous.mediaSequence || now.isEnded) return undefined;
  const durationS = now.segments.reduce((sum, segment) => sum + segment.durationS, 0);
  return below("the duration", durationS, 3 * now.targetDurationS);
}

function changedParts(now: ParsedPlaylist, previous: ParsedPlaylist | undefined): string | undefined {
  if (previous === undefined) return undefined;
  const removed = now.mediaSequence - previous.mediaSequence;
  const nowSegments = [...now.segments, now.open];
  for (const [i, { parts, uri }] of [...previous.segments, previous.open].entries()) {
    const later = nowSegments[i - removed]?.parts ?? [];
    if (later.length === 0) continue;
    if (parts.length === 0 && i < previous.segments.length) return `parts of ${uri} came back`;
    if (JSON.stringify(later.slice(0, parts.length)) !== JSON.stringify(parts)) return `parts of ${uri} changed`;
  }
  return undefined;
}

/** Milliseconds since the Unix epoch of a UTC date as the playlist writes it; by day counting, apart from the renderer. */
function parseDateTime(text: string): number {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z$/.exec(text);
  if (found === null) return Number.NaN;
  const [year, month, day, hours, minutes, seconds, ms] = found.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  let days = day - 1;
  for (let y = 1970; y < year; y++) days += isLeap(y) ? 366 : 365;
  for (let m = 1; m < month; m++) days += m === 2 && isLeap(year) ? 29 : (MONTH_DAYS[m - 1] ?? 0);
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000 + ms;
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}
