import type { ObjectMetadata } from "../../store/object-store.ts";
import { invalidArgument, S3Error } from "../errors.ts";
import type { Query } from "../routing/index.ts";
import { encodeHeaderText } from "./encoded-words.ts";

/** What an object is that was stored without a type. */
export const DEFAULT_CONTENT_TYPE = "binary/octet-stream";

/** Header names and values, in order. */
export type ResponseHeaders = [name: string, value: string][];

const OVERRIDES = [
  ["response-content-type", "Content-Type"],
  ["response-content-language", "Content-Language"],
  ["response-expires", "Expires"],
  ["response-cache-control", "Cache-Control"],
  ["response-content-disposition", "Content-Disposition"],
  ["response-content-encoding", "Content-Encoding"],
] as const;

const encoder = new TextEncoder();

/**
 * The headers that tell what is kept with an object.
 *
 * @param overrides See {@link responseOverridesOf}.
 */
export function metadataHeaders(
  metadata: ObjectMetadata,
  overrides: ReadonlyMap<string, string> | undefined,
): ResponseHeaders {
  const headers: ResponseHeaders = [];
  const add = (name: string, value: string | undefined) => {
    const told = overrides?.get(name) ?? value;
    if (told !== undefined) headers.push([name, told]);
  };
  add("Content-Type", metadata.contentType ?? DEFAULT_CONTENT_TYPE);
  add("Content-Encoding", metadata.contentEncoding);
  add("Content-Disposition", metadata.contentDisposition);
  add("Content-Language", metadata.contentLanguage);
  add("Cache-Control", metadata.cacheControl);
  add("Expires", metadata.expires);
  add("x-amz-website-redirect-location", metadata.websiteRedirectLocation);
  const { storageClass } = metadata;
  if (storageClass !== undefined && storageClass !== "STANDARD") add("x-amz-storage-class", storageClass);
  for (const name in metadata.user) add(`x-amz-meta-${name}`, encodeHeaderText(metadata.user[name] as string));
  return headers;
}

/**
 * The headers that a reader wants instead of the stored ones (`response-content-type` and its like), by name; undefined
 * if there are none.
 *
 * @throws S3Error InvalidRequest for anonymous readers: who does not sign could make a link that lies about an object;
 * InvalidArgument for values that no header can have.
 */
export function responseOverridesOf(query: Query, isAnonymous: boolean): ReadonlyMap<string, string> | undefined {
  if (query.names.length === 0) return undefined;
  let overrides: Map<string, string> | undefined;
  for (const [parameter, header] of OVERRIDES) {
    const value = query.get(parameter);
    if (value === undefined) continue;
    if (isAnonymous) {
      throw new S3Error("InvalidRequest", {
        message: "Request specific response headers cannot be used for anonymous GET requests.",
      });
    }
    overrides ??= new Map();
    overrides.set(header, headerBytes(parameter, value));
  }
  return overrides;
}

/** UTF-8, one byte a character, as headers are sent. */
function headerBytes(parameter: string, value: string): string {
  let out = "";
  for (const byte of encoder.encode(value)) {
    if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) {
      throw invalidArgument("Header values cannot hold control characters", parameter, value);
    }
    out += String.fromCharCode(byte);
  }
  return out;
}
