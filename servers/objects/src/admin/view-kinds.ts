/** How the page shows an object. */
export type ViewKind = "image" | "video" | "audio" | "text" | "none";

/** What can be looked at without being run. Everything else is only downloaded, or shown as the text it is. */
const SHOWN: Readonly<Record<string, ViewKind>> = {
  "image/png": "image",
  "image/jpeg": "image",
  "image/gif": "image",
  "image/webp": "image",
  "image/avif": "image",
  "image/bmp": "image",
  "video/mp4": "video",
  "video/webm": "video",
  "video/ogg": "video",
  "audio/mpeg": "audio",
  "audio/mp4": "audio",
  "audio/aac": "audio",
  "audio/ogg": "audio",
  "audio/wav": "audio",
  "audio/webm": "audio",
  "audio/flac": "audio",
};

const BY_ENDING: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  bmp: "image/bmp",
  mp4: "video/mp4",
  m4v: "video/mp4",
  webm: "video/webm",
  mp3: "audio/mpeg",
  m4a: "audio/mp4",
  aac: "audio/aac",
  ogg: "audio/ogg",
  wav: "audio/wav",
  flac: "audio/flac",
  txt: "text/plain",
  md: "text/plain",
  csv: "text/csv",
  json: "application/json",
  xml: "application/xml",
  m3u8: "application/vnd.apple.mpegurl",
  mpd: "application/dash+xml",
  log: "text/plain",
};

const TEXT =
  /^(text\/.*|application\/(.*\+)?(json|xml|yaml|javascript)|application\/(x-|vnd\.apple\.)mpegurl|.*\/svg\+xml)$/;

/** Bytes of a text that the page shows. */
export const TEXT_LIMIT_BYTES = 262_144;

/**
 * How an object is shown, and the type that it is sent with. The object's own type was chosen by whoever uploaded it, so
 * markup and scripts go out as plain text, and what is not known not at all.
 */
export function viewOf(key: string, contentType: string | undefined): { kind: ViewKind; contentType: string } {
  const own = (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const isUnknown = own === "" || own === "application/octet-stream" || own === "binary/octet-stream";
  const type = isUnknown ? (BY_ENDING[/\.([a-z0-9]+)$/i.exec(key)?.[1]?.toLowerCase() ?? ""] ?? "") : own;
  const kind = Object.hasOwn(SHOWN, type) ? SHOWN[type] : undefined;
  if (kind) return { kind, contentType: type };
  if (TEXT.test(type)) return { kind: "text", contentType: "text/plain; charset=utf-8" };
  return { kind: "none", contentType: "application/octet-stream" };
}
