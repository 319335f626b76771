import { constants, createReadStream, type Stats } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { decodePath } from "./path-pattern.ts";
import { HttpError } from "./reply.ts";

export interface StaticOptions {
  /** The built app's directory. */
  readonly dir: string;
  /** The page for paths that are no file, such as `index.html` of an app that routes by itself. */
  readonly fallbackPage?: string;
  /** Below this directory, names with a hash never mean other content; `assets/` (Vite's choice) if absent. */
  readonly immutablePrefix?: string;
  /** Headers of every answer, such as `content-security-policy`. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type StaticHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".xml": "application/xml; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".avif": "image/avif",
  ".ico": "image/x-icon",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".ttf": "font/ttf",
  ".wasm": "application/wasm",
  ".mp4": "video/mp4",
  ".webm": "video/webm",
  ".mp3": "audio/mpeg",
  ".pdf": "application/pdf",
};

/** A name that a bundler hashed: `app-B1gZ9x_k.js`, `chunk.4f2a91bc.css`. Elsewhere `icon-maskable512.png` looks the same. */
const HASHED_NAME = /[.-](?=[A-Za-z0-9_-]*[0-9A-Z])[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

const VARIANTS = [
  { encoding: "br", suffix: ".br" },
  { encoding: "gzip", suffix: ".gz" },
] as const;

interface FoundFile {
  readonly path: string;
  readonly stats: Stats;
  readonly encoding: string | undefined;
}

/**
 * Serves a built web app: `ETag`, immutable caching of hashed names, `.br` and `.gz` twins where they lie beside the
 * file, and a fallback page. Only GET and HEAD; no ranges. Never leaves `dir`, neither by the path nor by a symbolic
 * link; names that begin with a dot do not exist.
 *
 * @throws HttpError (to the router) 400 for bad encoding, 404
 */
export function serveStatic(options: StaticOptions): StaticHandler {
  return async (request, response) => {
    const path = decodePath((request.url ?? "/").split("?", 1)[0] ?? "/");
    if (path === undefined)
      throw new HttpError(400, "PATH_MALFORMED", "The path has a percent sign that encodes no character");
    const accepted = acceptedEncodings(request.headers["accept-encoding"]);
    const name = relativeName(path);
    let file = name === undefined ? undefined : await findFile(options.dir, name, accepted);
    let shownName = name ?? "";
    // A missing script answered with a page would fail as a syntax error far from its cause.
    const isPage = file === undefined && name !== undefined && extname(name) === "";
    if (isPage && options.fallbackPage !== undefined) {
      shownName = options.fallbackPage;
      file = await findFile(options.dir, shownName, accepted);
    }
    if (!file) throw new HttpError(404, "NOT_FOUND", "There is nothing at this path");
    await sendFile(request, response, file, shownName, options);
  };
}

/** The path below the directory, or `undefined` for one that no file may have. */
function relativeName(path: string): string | undefined {
  const name = path.endsWith("/") ? `${path}index.html` : path;
  const segments = name.split("/").slice(1);
  const isSafe = segments.every((segment) => segment !== "" && !segment.startsWith(".") && !/[\\:]/.test(segment));
  return name.startsWith("/") && isSafe ? segments.join("/") : undefined;
}

async function findFile(dir: string, name: string, accepted: ReadonlySet<string>): Promise<FoundFile | undefined> {
  try {
    const root = await realpath(dir);
    const path = await realpath(join(root, name));
    if (!path.startsWith(root + sep)) return undefined;
    const stats = await stat(path);
    if (!stats.isFile()) return undefined;
    await access(path, constants.R_OK);
    for (const { encoding, suffix } of VARIANTS) {
      if (!accepted.has(encoding)) continue;
      const variant = await stat(path + suffix).catch(() => undefined); // most files have none
      if (variant?.isFile() && variant.mtimeMs >= stats.mtimeMs)
        return { path: path + suffix, stats: variant, encoding };
    }
    return { path, stats, encoding: undefined };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG" || code === "EACCES" || code === "ELOOP")
      return undefined;
    throw error;
  }
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { path, stats, encoding }: FoundFile,
  name: string,
  { immutablePrefix = "assets/", headers: extra }: StaticOptions,
): Promise<void> {
  const isImmutable = name.startsWith(immutablePrefix) && HASHED_NAME.test(name);
  const etag = `"${stats.size.toString(36)}-${Math.floor(stats.mtimeMs).toString(36)}${encoding ? `-${encoding}` : ""}"`;
  const headers: Record<string, string> = {
    etag,
    "cache-control": isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
    vary: "accept-encoding",
    "x-content-type-options": "nosniff",
    ...extra,
  };
  if (matchesEtag(request.headers["if-none-match"], etag)) {
    response.writeHead(304, headers);
    response.end();
    return;
  }
  headers["content-type"] = CONTENT_TYPES[extname(name).toLowerCase()] ?? "application/octet-stream";
  headers["content-length"] = String(stats.size);
  if (encoding) headers["content-encoding"] = encoding;
  response.writeHead(200, headers);
  if (request.method === "HEAD" || stats.size === 0) {
    response.end();
    return;
  }
  try {
    // `end` holds the length to what was promised, should the file grow meanwhile.
    await pipeline(createReadStream(path, { end: stats.size - 1 }), response);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  }
}

function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((item) => item.trim() === "*" || item.trim().replace(/^W\//, "") === etag);
}

/** Encodings that the client takes; one with `q=0` is refused by it. */
function acceptedEncodings(header: string | string[] | undefined): Set<string> {
  const accepted = new Set<string>();
  for (const item of String(header ?? "").split(",")) {
    const [name = "", ...parameters] = item
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) accepted.add(name);
  }
  return accepted;
}
