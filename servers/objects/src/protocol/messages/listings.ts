import { formatIsoDate } from "@kagami/clock";
import type { ObjectEntry } from "../../store/object-store.ts";
import { element, textElement, urlEncodeKey, xmlDocument } from "../xml/index.ts";
import { checksumKindElements } from "./checksum-elements.ts";
import { type Owner, ownerElement } from "./owner.ts";

/** What all listings of objects have. */
interface Listing {
  readonly bucket: string;
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  readonly maxKeys: number;
  /** Whether the client asked for `encoding-type=url`. */
  readonly isUrlEncoded: boolean;
  readonly isTruncated: boolean;
  readonly entries: readonly ObjectEntry[];
  readonly commonPrefixes: readonly string[];
  /** Undefined leaves owners out. */
  readonly owner: Owner | undefined;
}

/** A page of ListObjects. */
export interface ListingV1 extends Listing {
  readonly marker: string;
  readonly nextMarker: string | undefined;
}

/** A page of ListObjectsV2. Tokens are opaque and never encoded. */
export interface ListingV2 extends Listing {
  readonly startAfter: string | undefined;
  readonly continuationToken: string | undefined;
  readonly nextContinuationToken: string | undefined;
}

/** A page of ListObjectVersions. */
export interface VersionListing extends Listing {
  readonly keyMarker: string;
  readonly versionIdMarker: string;
  readonly nextKeyMarker: string | undefined;
  readonly nextVersionIdMarker: string | undefined;
}

/** The reply of ListObjects. */
export function writeListBucketV1(listing: ListingV1): string {
  const key = keyWriter(listing.isUrlEncoded);
  return xmlDocument(
    "ListBucketResult",
    textElement("Name", listing.bucket) +
      textElement("Prefix", key(listing.prefix)) +
      textElement("Marker", key(listing.marker)) +
      optionalKey("NextMarker", listing.nextMarker, key) +
      pageElements(listing, key) +
      contents(listing, key) +
      prefixes(listing, key),
  );
}

/** The reply of ListObjectsV2. */
export function writeListBucketV2(listing: ListingV2): string {
  const key = keyWriter(listing.isUrlEncoded);
  return xmlDocument(
    "ListBucketResult",
    textElement("Name", listing.bucket) +
      textElement("Prefix", key(listing.prefix)) +
      textElement("ContinuationToken", listing.continuationToken) +
      textElement("NextContinuationToken", listing.nextContinuationToken) +
      optionalKey("StartAfter", listing.startAfter, key) +
      textElement("KeyCount", listing.entries.length + listing.commonPrefixes.length) +
      pageElements(listing, key) +
      contents(listing, key) +
      prefixes(listing, key),
  );
}

/** The reply of ListObjectVersions. */
export function writeListVersions(listing: VersionListing): string {
  const key = keyWriter(listing.isUrlEncoded);
  let versions = "";
  for (const entry of listing.entries) versions += versionElement(entry, listing.owner, key);
  return xmlDocument(
    "ListVersionsResult",
    textElement("Name", listing.bucket) +
      textElement("Prefix", key(listing.prefix)) +
      textElement("KeyMarker", key(listing.keyMarker)) +
      textElement("VersionIdMarker", listing.versionIdMarker) +
      optionalKey("NextKeyMarker", listing.nextKeyMarker, key) +
      textElement("NextVersionIdMarker", listing.nextVersionIdMarker) +
      pageElements(listing, key) +
      versions +
      prefixes(listing, key),
  );
}

type KeyWriter = (key: string) => string;

function keyWriter(isUrlEncoded: boolean): KeyWriter {
  return isUrlEncoded ? urlEncodeKey : (key) => key;
}

function optionalKey(name: string, value: string | undefined, key: KeyWriter): string {
  return value === undefined ? "" : textElement(name, key(value));
}

function pageElements(listing: Listing, key: KeyWriter): string {
  return (
    textElement("MaxKeys", listing.maxKeys) +
    (listing.delimiter === "" ? "" : textElement("Delimiter", key(listing.delimiter))) +
    (listing.isUrlEncoded ? textElement("EncodingType", "url") : "") +
    textElement("IsTruncated", listing.isTruncated)
  );
}

function contents(listing: Listing, key: KeyWriter): string {
  const owner = ownerElement("Owner", listing.owner);
  let out = "";
  for (const entry of listing.entries) {
    out += `<Contents>${textElement("Key", key(entry.key))}${objectElements(entry)}${owner}</Contents>`;
  }
  return out;
}

function objectElements(entry: ObjectEntry): string {
  return (
    `<LastModified>${formatIsoDate(entry.modifiedMs)}</LastModified><ETag>&quot;${entry.etag}&quot;</ETag>` +
    checksumKindElements(entry.checksum?.algorithm, entry.checksum?.type) +
    `<Size>${entry.sizeBytes}</Size>` +
    textElement("StorageClass", entry.metadata.storageClass ?? "STANDARD")
  );
}

function versionElement(entry: ObjectEntry, owner: Owner | undefined, key: KeyWriter): string {
  const which =
    textElement("Key", key(entry.key)) +
    textElement("VersionId", entry.versionId) +
    textElement("IsLatest", entry.isLatest);
  const who = ownerElement("Owner", owner);
  if (entry.isDeleteMarker) {
    return element("DeleteMarker", which + textElement("LastModified", formatIsoDate(entry.modifiedMs)) + who);
  }
  return element("Version", which + objectElements(entry) + who);
}

function prefixes(listing: Pick<Listing, "commonPrefixes">, key: KeyWriter): string {
  let out = "";
  for (const prefix of listing.commonPrefixes) {
    out += `<CommonPrefixes>${textElement("Prefix", key(prefix))}</CommonPrefixes>`;
  }
  return out;
}
