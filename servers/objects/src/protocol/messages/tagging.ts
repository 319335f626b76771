import { invalidArgument, S3Error } from "../errors.ts";
import { parseQuery } from "../routing/index.ts";
import {
  childOf,
  childrenOf,
  element,
  parseXml,
  requiredTextOf,
  rootNamed,
  textElement,
  xmlDocument,
} from "../xml/index.ts";

/** Tags of an object … */
export const MAX_OBJECT_TAGS = 10;
/** … and of a bucket. */
export const MAX_BUCKET_TAGS = 50;
const MAX_TAG_KEY_CHARACTERS = 128;
const MAX_TAG_VALUE_CHARACTERS = 256;
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Tags by name. */
export type Tags = Readonly<Record<string, string>>;

/** The tags of a `Tagging` document. @throws S3Error MalformedXML, InvalidTag, BadRequest if they are too many. */
export function parseTagging(body: Uint8Array, maxTags: number): Tags {
  const tagSet = childOf(rootNamed(parseXml(body), "Tagging"), "TagSet");
  if (tagSet === undefined) throw new S3Error("MalformedXML");
  return checkTags(
    childrenOf(tagSet, "Tag").map((tag) => [requiredTextOf(tag, "Key"), requiredTextOf(tag, "Value")]),
    maxTags,
  );
}

/** The tags of a header `x-amz-tagging`: written like a query. @throws S3Error InvalidArgument, InvalidTag, BadRequest */
export function parseTaggingHeader(value: string): Tags {
  let pairs: [string, string][];
  try {
    const query = parseQuery(value);
    pairs = query.names.map((name, index) => [name, query.values[index] as string]);
  } catch (cause) {
    if (!(cause instanceof S3Error)) throw cause;
    throw invalidArgument(
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      "x-amz-tagging",
      value,
    );
  }
  return checkTags(pairs, MAX_OBJECT_TAGS);
}

function checkTags(pairs: readonly (readonly [string, string])[], maxTags: number): Tags {
  if (pairs.length > maxTags) {
    throw new S3Error("BadRequest", {
      message: `${maxTags === MAX_OBJECT_TAGS ? "Object" : "Bucket"} tags cannot be greater than ${maxTags}`,
    });
  }
  const tags = new Map<string, string>();
  for (const [key, value] of pairs) {
    if (key === "" || key.length > MAX_TAG_KEY_CHARACTERS || !ALLOWED.test(key)) {
      throw invalidTag("The TagKey you have provided is invalid", key);
    }
    if (value.length > MAX_TAG_VALUE_CHARACTERS || !ALLOWED.test(value)) {
      throw invalidTag("The TagValue you have provided is invalid", key);
    }
    if (key.toLowerCase().startsWith("aws:")) {
      throw invalidTag("System tags cannot be added/updated by requester", key);
    }
    if (tags.has(key)) throw invalidTag("Cannot provide multiple Tags with the same key", key);
    tags.set(key, value);
  }
  return fromEntries(tags);
}

/** An object without prototype, so that a tag may have any name. */
function fromEntries(entries: Iterable<readonly [string, string]>): Tags {
  const out: Record<string, string> = Object.create(null);
  for (const [key, value] of entries) out[key] = value;
  return out;
}

function invalidTag(message: string, key: string): S3Error {
  return new S3Error("InvalidTag", { message, fields: { TagKey: key } });
}

/** The reply of GetObjectTagging and GetBucketTagging. */
export function writeTagging(tags: Tags): string {
  let out = "";
  for (const [key, value] of Object.entries(tags)) {
    out += element("Tag", textElement("Key", key) + textElement("Value", value));
  }
  return xmlDocument("Tagging", element("TagSet", out));
}
