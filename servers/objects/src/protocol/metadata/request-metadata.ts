import type { ObjectMetadata } from "../../store/object-store.ts";
import { invalidArgument, S3Error } from "../errors.ts";
import type { HeaderFields } from "../header-fields.ts";
import { utf8Length } from "../routing/index.ts";
import { decodeHeaderText } from "./encoded-words.ts";

/** Names (without prefix) and values of `x-amz-meta-*` together, in bytes. */
export const MAX_USER_METADATA_BYTES = 2_048;

const PREFIX = "x-amz-meta-";
const SYSTEM: ReadonlyMap<string, keyof ObjectMetadata> = new Map([
  ["content-type", "contentType"],
  ["content-encoding", "contentEncoding"],
  ["content-disposition", "contentDisposition"],
  ["content-language", "contentLanguage"],
  ["cache-control", "cacheControl"],
  ["expires", "expires"],
  ["x-amz-website-redirect-location", "websiteRedirectLocation"],
  ["x-amz-storage-class", "storageClass"],
]);

type Writable = { -readonly [Name in keyof ObjectMetadata]: ObjectMetadata[Name] };

/**
 * What the headers of an upload say of the object. Tags are not among them: see `parseTaggingHeader`.
 *
 * @throws S3Error MetadataTooLarge, InvalidArgument
 */
export function metadataOf(headers: HeaderFields, tags: ObjectMetadata["tags"]): ObjectMetadata {
  const user: Record<string, string> = Object.create(null);
  const metadata: Partial<Writable> = {};
  let userBytes = 0;
  for (let i = 0; i < headers.names.length; i++) {
    const name = headers.names[i] as string;
    if (name.startsWith(PREFIX)) {
      userBytes += takeUser(user, name.slice(PREFIX.length), headers.values[i] as string);
      continue;
    }
    const field = SYSTEM.get(name);
    if (field === undefined) continue;
    const value = field === "contentEncoding" ? contentEncoding(headers.values[i] as string) : headers.values[i];
    refuseControls(name, value ?? "");
    // An absent header and an empty one are the same; of a header given twice the first counts.
    if (value !== undefined && value !== "" && metadata[field] === undefined)
      Object.assign(metadata, { [field]: value });
  }
  if (userBytes > MAX_USER_METADATA_BYTES) {
    throw new S3Error("MetadataTooLarge", {
      fields: { Size: String(userBytes), MaxSizeAllowed: String(MAX_USER_METADATA_BYTES) },
    });
  }
  return { ...metadata, user, tags };
}

/** Adds a header to the user's metadata and returns by how many bytes it grew. */
function takeUser(user: Record<string, string>, name: string, raw: string): number {
  if (name === "") throw invalidArgument("A metadata header needs a name behind x-amz-meta-", "x-amz-meta-", raw);
  const value = decodeHeaderText(raw);
  const before = user[name];
  user[name] = before === undefined ? value : `${before},${value}`;
  return utf8Length(value) + (before === undefined ? name.length : 1);
}

/**
 * Fields of forms and parameters of URLs count as headers too, and they can hold what a header cannot: sent back as one,
 * it could end the header and begin another.
 */
function refuseControls(name: string, value: string): void {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) {
      throw invalidArgument("Header values cannot hold control characters", name, value);
    }
  }
}

/** Without `aws-chunked`, which is how the body travelled and not what it is. */
function contentEncoding(value: string): string {
  if (!value.toLowerCase().includes("aws-chunked")) return value;
  return value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part.toLowerCase() !== "aws-chunked")
    .join(",");
}
