/** One EXT-X-PART as read. Durations are seconds as written. */
export interface ParsedPart {
  readonly uri: string;
  readonly durationS: number;
  readonly isIndependent: boolean;
  readonly isGap: boolean;
}

/** A segment as read, or, without `uri` and `durationS`, the one still open at the end. */
export interface ParsedSegment {
  uri: string;
  durationS: number;
  isGap: boolean;
  hasDiscontinuity: boolean;
  /** In scope, wherever it was declared. */
  mapUri: string | undefined;
  programDateTime: string | undefined;
  parts: ParsedPart[];
  /** A tag that must stand before the parts stood after one. */
  hasLateTag: boolean;
}

/** A media playlist as a client reads it. Written apart from the renderer on purpose: it checks the renderer. */
export interface ParsedPlaylist {
  firstLine: string;
  version: number;
  targetDurationS: number;
  partTargetS: number | undefined;
  serverControl: ReadonlyMap<string, string>;
  mediaSequence: number;
  discontinuitySequence: number;
  /** EXT-X-SKIP tags, with their counts. */
  skips: number[];
  segments: ParsedSegment[];
  open: ParsedSegment;
  hintUris: string[];
  isEnded: boolean;
  /** Tags this reader does not know. */
  unknownTags: string[];
}

/** Reads a media playlist; made for the checks in `rules.ts`, so odd input is kept and shown, not refused. */
export function parseMediaPlaylist(text: string): ParsedPlaylist {
  const lines = text.split("\n");
  const playlist: ParsedPlaylist = {
    firstLine: lines[0] ?? "",
    version: 1,
    targetDurationS: Number.NaN,
    partTargetS: undefined,
    serverControl: new Map(),
    mediaSequence: 0,
    discontinuitySequence: 0,
    skips: [],
    segments: [],
    open: emptySegment(undefined),
    hintUris: [],
    isEnded: false,
    unknownTags: [],
  };
  for (const line of lines.slice(1)) {
    if (line === "") continue;
    if (line.startsWith("#")) readTag(playlist, line);
    else {
      playlist.segments.push({ ...playlist.open, uri: line });
      playlist.open = emptySegment(playlist.open.mapUri);
    }
  }
  return playlist;
}

/**
 * Applies a Playlist Delta Update to the playlist a client holds.
 *
 * @returns `undefined` if the client lacks a skipped segment and must reload in full.
 * @see RFC 8216bis §6.3.7
 */
export function applyDelta(held: ParsedPlaylist, delta: ParsedPlaylist): ParsedPlaylist | undefined {
  const skipped = delta.skips[0] ?? 0;
  if (skipped === 0) return delta;
  const from = delta.mediaSequence - held.mediaSequence;
  if (from < 0 || from + skipped > held.segments.length) return undefined;
  const kept = held.segments.slice(from, from + skipped).map((segment) => ({ ...segment, parts: [] }));
  const mapUri = kept.at(-1)?.mapUri;
  let isInherited = true;
  const fresh = [...delta.segments, delta.open].map((segment) => {
    if (segment.mapUri !== undefined) isInherited = false;
    return isInherited ? { ...segment, mapUri } : segment;
  });
  const open = fresh.pop() as ParsedSegment;
  return { ...delta, skips: [], segments: [...kept, ...fresh], open };
}

/** The attributes of a tag; quotes are taken off. */
function parseAttributes(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name, quoted, plain] of text.matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^",]*))/g)) {
    attributes.set(name as string, quoted ?? plain ?? "");
  }
  return attributes;
}

function emptySegment(mapUri: string | undefined): ParsedSegment {
  return {
    uri: "",
    durationS: 0,
    isGap: false,
    hasDiscontinuity: false,
    mapUri,
    programDateTime: undefined,
    parts: [],
    hasLateTag: false,
  };
}

function readTag(playlist: ParsedPlaylist, line: string): void {
  const colon = line.indexOf(":");
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1);
  if (readPlaylistTag(playlist, name, value)) return;
  if (!readSegmentTag(playlist.open, name, value)) playlist.unknownTags.push(name);
}

function readPlaylistTag(playlist: ParsedPlaylist, name: string, value: string): boolean {
  switch (name) {
    case "#EXT-X-VERSION":
      playlist.version = Number(value);
      return true;
    case "#EXT-X-TARGETDURATION":
      playlist.targetDurationS = Number(value);
      return true;
    case "#EXT-X-PART-INF":
      playlist.partTargetS = Number(parseAttributes(value).get("PART-TARGET"));
      return true;
    case "#EXT-X-SERVER-CONTROL":
      playlist.serverControl = parseAttributes(value);
      return true;
    case "#EXT-X-MEDIA-SEQUENCE":
      playlist.mediaSequence = Number(value);
      return true;
    case "#EXT-X-DISCONTINUITY-SEQUENCE":
      playlist.discontinuitySequence = Number(value);
      return true;
    case "#EXT-X-SKIP":
      playlist.skips.push(Number(parseAttributes(value).get("SKIPPED-SEGMENTS")));
      return true;
    case "#EXT-X-PRELOAD-HINT":
      playlist.hintUris.push(parseAttributes(value).get("URI") ?? "");
      return true;
    case "#EXT-X-ENDLIST":
      playlist.isEnded = true;
      return true;
    default:
      return false;
  }
}

function readSegmentTag(segment: ParsedSegment, name: string, value: string): boolean {
  switch (name) {
    case "#EXTINF":
      segment.durationS = Number.parseFloat(value);
      return true;
    case "#EXT-X-GAP":
      segment.isGap = true;
      return true;
    case "#EXT-X-PART": {
      const attributes = parseAttributes(value);
      segment.parts.push({
        uri: attributes.get("URI") ?? "",
        durationS: Number(attributes.get("DURATION")),
        isIndependent: attributes.get("INDEPENDENT") === "YES",
        isGap: attributes.get("GAP") === "YES",
      });
      return true;
    }
    case "#EXT-X-DISCONTINUITY":
      segment.hasDiscontinuity = true;
      break;
    case "#EXT-X-MAP":
      segment.mapUri = parseAttributes(value).get("URI");
      break;
    case "#EXT-X-PROGRAM-DATE-TIME":
      segment.programDateTime = value;
      break;
    default:
      return false;
  }
  if (segment.parts.length > 0) segment.hasLateTag = true;
  return true;
}
