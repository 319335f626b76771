/** The Delivery Directives of one playlist request. */
export interface PlaylistQuery {
  /** `_HLS_msn`: answer once this Media Sequence Number is in the playlist. */
  readonly msn?: number;
  /** `_HLS_part`: with `msn`, answer once this part of it is in the playlist. */
  readonly part?: number;
  /** `_HLS_skip=YES` or `v2`: a Playlist Delta Update will do. */
  readonly skip?: boolean;
  /** Appended to every URI of the playlist, see `MediaPlaylist`. Not a directive; the shell knows where it came from. */
  readonly token?: string;
}

export type PlaylistQueryResult =
  | { readonly kind: "query"; readonly query: PlaylistQuery }
  | { readonly kind: "bad-request"; readonly why: string };

/** Longest query text looked at, in characters; longer ones are refused. */
export const QUERY_LIMIT_CHARS = 4_096;

/**
 * Reads the Delivery Directives and the `token` of a query text (without the `?`). Parameters it does not know are
 * passed over, `_HLS_` ones of later drafts too, as is a `_HLS_skip` of an unknown value. When a name is given twice
 * the first one counts.
 *
 * @returns `bad-request` if a number is not a decimal integer below 2^53, or if a part is asked for without its segment.
 * @see RFC 8216bis §6.2.5
 */
export function parsePlaylistQuery(text: string): PlaylistQueryResult {
  if (text.length > QUERY_LIMIT_CHARS) {
    return refuse(`The query has ${text.length} characters, more than ${QUERY_LIMIT_CHARS}`);
  }
  const values = new Map<string, string>();
  for (const pair of text.split("&")) {
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (!KNOWN.has(name) || values.has(name)) continue;
    values.set(name, equals < 0 ? "" : decode(pair.slice(equals + 1)));
  }
  const msn = values.get("_HLS_msn");
  const part = values.get("_HLS_part");
  const skip = values.get("_HLS_skip");
  const token = values.get("token");
  for (const [name, value] of [
    ["_HLS_msn", msn],
    ["_HLS_part", part],
  ] as const) {
    if (value !== undefined && !DECIMAL.test(value)) {
      return refuse(`"${value.slice(0, 40)}" is no value of ${name}: give a decimal integer`);
    }
  }
  return {
    kind: "query",
    query: {
      ...(msn !== undefined && { msn: Number(msn) }),
      ...(part !== undefined && { part: Number(part) }),
      ...((skip === "YES" || skip === "v2") && { skip: true }),
      ...(token !== undefined && token !== "" && { token }),
    },
  };
}

const KNOWN = new Set(["_HLS_msn", "_HLS_part", "_HLS_skip", "token"]);
/** Fifteen digits are below 2^53, so nothing is rounded. */
const DECIMAL = /^\d{1,15}$/;

function refuse(why: string): PlaylistQueryResult {
  return { kind: "bad-request", why };
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll("+", " "));
  } catch {
    // Malformed escapes: the raw text is refused later, as a number or as a token.
    return value;
  }
}
