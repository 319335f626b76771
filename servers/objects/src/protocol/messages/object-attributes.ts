import type { ObjectEntry, ObjectPart } from "../../store/object-store.ts";
import { invalidArgument, S3Error } from "../errors.ts";
import { element, textElement, xmlDocument } from "../xml/index.ts";
import { checksumElements } from "./checksum-elements.ts";

const ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"] as const;

/** What GetObjectAttributes can tell. */
export type ObjectAttribute = (typeof ATTRIBUTES)[number];

/** The names of `x-amz-object-attributes`, which may be given more than once. @throws S3Error InvalidRequest, InvalidArgument */
export function parseObjectAttributes(values: readonly string[]): ReadonlySet<ObjectAttribute> {
  const asked = new Set<ObjectAttribute>();
  for (const name of values.join(",").split(",")) {
    const known = ATTRIBUTES.find((attribute) => attribute === name.trim());
    if (known === undefined && name.trim() !== "") {
      throw invalidArgument("Invalid attribute name specified.", "x-amz-object-attributes", name.trim());
    }
    if (known !== undefined) asked.add(known);
  }
  if (asked.size === 0) {
    throw new S3Error("InvalidRequest", { message: "The x-amz-object-attributes header must name an attribute" });
  }
  return asked;
}

/** Which of the parts are told. */
export interface PartsPage {
  /** The last number of the page before; 0 for the first. */
  readonly partNumberMarker: number;
  readonly maxParts: number;
}

/** The reply of GetObjectAttributes. */
export function writeObjectAttributes(
  entry: ObjectEntry,
  asked: ReadonlySet<ObjectAttribute>,
  page: PartsPage,
): string {
  let out = "";
  if (asked.has("ETag")) out += textElement("ETag", entry.etag);
  if (asked.has("Checksum") && entry.checksum) out += element("Checksum", checksumElements(entry.checksum, true));
  if (asked.has("ObjectParts") && entry.parts) out += partsElement(entry.parts, page);
  if (asked.has("StorageClass")) out += textElement("StorageClass", entry.metadata.storageClass ?? "STANDARD");
  if (asked.has("ObjectSize")) out += textElement("ObjectSize", entry.sizeBytes);
  return xmlDocument("GetObjectAttributesResponse", out);
}

function partsElement(parts: readonly ObjectPart[], page: PartsPage): string {
  const behind = parts.filter((part) => part.partNumber > page.partNumberMarker);
  const told = behind.slice(0, page.maxParts);
  let out =
    textElement("PartsCount", parts.length) +
    textElement("PartNumberMarker", page.partNumberMarker) +
    textElement("NextPartNumberMarker", told.at(-1)?.partNumber ?? page.partNumberMarker) +
    textElement("MaxParts", page.maxParts) +
    textElement("IsTruncated", told.length < behind.length);
  for (const part of told) {
    // S3 names parts one by one only if they have checksums.
    if (part.checksum === undefined) continue;
    out += element(
      "Part",
      textElement("PartNumber", part.partNumber) +
        textElement("Size", part.sizeBytes) +
        checksumElements(part.checksum, false),
    );
  }
  return element("ObjectParts", out);
}
