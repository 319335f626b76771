import { formatIsoDate } from "@kagami/clock";
import type { Checksum, ChecksumAlgorithm, Upload, UploadPart } from "../../store/object-store.ts";
import { unquoteEtag } from "../entity-tag.ts";
import { invalidArgument, S3Error } from "../errors.ts";
import {
  childrenOf,
  element,
  integerOf,
  parseXml,
  requiredTextOf,
  rootNamed,
  textElement,
  urlEncodeKey,
  xmlDocument,
} from "../xml/index.ts";
import { checksumElements, checksumIn, checksumKindElements } from "./checksum-elements.ts";
import { type Owner, ownerElement } from "./owner.ts";

/** An upload has at most so many parts, numbered from 1. */
export const MAX_PARTS = 10_000;
/** 10,000 parts, each with a SHA-256 and quotes escaped, take less. */
export const MAX_COMPLETE_BYTES = 4 << 20;

/** A part as the client names it. */
export interface NamedPart {
  readonly partNumber: number;
  /** Without quotes. */
  readonly etag: string;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
}

/**
 * The parts of a `CompleteMultipartUpload`, in rising order.
 *
 * @throws S3Error MalformedXML (also without parts), InvalidPartOrder, InvalidArgument for a number that no part has.
 */
export function parseCompleteMultipartUpload(body: Uint8Array): readonly NamedPart[] {
  const root = rootNamed(parseXml(body, MAX_COMPLETE_BYTES), "CompleteMultipartUpload");
  const parts = childrenOf(root, "Part").map((part): NamedPart => {
    const partNumber = integerOf(part, "PartNumber");
    if (partNumber === undefined) throw new S3Error("MalformedXML");
    checkPartNumber(partNumber);
    return { partNumber, etag: unquoteEtag(requiredTextOf(part, "ETag")), checksum: checksumIn(part) };
  });
  if (parts.length === 0 || parts.length > MAX_PARTS) throw new S3Error("MalformedXML");
  let previous = 0;
  for (const { partNumber } of parts) {
    if (partNumber <= previous) throw new S3Error("InvalidPartOrder");
    previous = partNumber;
  }
  return parts;
}

function checkPartNumber(partNumber: number): void {
  if (partNumber >= 1 && partNumber <= MAX_PARTS) return;
  throw invalidArgument(
    `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`,
    "partNumber",
    String(partNumber),
  );
}

/** The `partNumber` of a query. @throws S3Error InvalidArgument */
export function parsePartNumber(text: string): number {
  const partNumber = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (partNumber === 0) {
    throw invalidArgument(`Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`, "partNumber", text);
  }
  checkPartNumber(partNumber);
  return partNumber;
}

/** The reply of CreateMultipartUpload. */
export function writeInitiateMultipartUpload(upload: Pick<Upload, "bucket" | "key" | "uploadId">): string {
  return xmlDocument("InitiateMultipartUploadResult", uploadElements(upload));
}

function uploadElements({ bucket, key, uploadId }: Pick<Upload, "bucket" | "key" | "uploadId">): string {
  return textElement("Bucket", bucket) + textElement("Key", key) + textElement("UploadId", uploadId);
}

/** What a completed upload has become. */
export interface CompletedUpload {
  /** The address of the object. */
  readonly location: string;
  readonly bucket: string;
  readonly key: string;
  /** Without quotes. */
  readonly etag: string;
  readonly checksum: Checksum | undefined;
}

/** The reply of CompleteMultipartUpload. */
export function writeCompleteMultipartUpload(completed: CompletedUpload): string {
  return xmlDocument(
    "CompleteMultipartUploadResult",
    textElement("Location", completed.location) +
      textElement("Bucket", completed.bucket) +
      textElement("Key", completed.key) +
      textElement("ETag", `"${completed.etag}"`) +
      checksumElements(completed.checksum, true),
  );
}

/** A copy of an object or of a part. */
export interface CopyResult {
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
  readonly checksum: Checksum | undefined;
}

/** The reply of CopyObject or UploadPartCopy. */
export function writeCopyResult(kind: "CopyObjectResult" | "CopyPartResult", copy: CopyResult): string {
  return xmlDocument(
    kind,
    textElement("LastModified", formatIsoDate(copy.modifiedMs)) +
      textElement("ETag", `"${copy.etag}"`) +
      checksumElements(copy.checksum, kind === "CopyObjectResult"),
  );
}

/** A page of the parts of an upload. */
export interface PartListing {
  readonly upload: Upload;
  readonly owner: Owner;
  readonly parts: readonly UploadPart[];
  /** The last number of the page before; 0 for the first. */
  readonly partNumberMarker: number;
  readonly maxParts: number;
  readonly isTruncated: boolean;
}

/** The reply of ListParts. */
export function writeListParts(listing: PartListing): string {
  const { upload, parts } = listing;
  let partElements = "";
  for (const part of parts) {
    partElements += element(
      "Part",
      textElement("PartNumber", part.partNumber) +
        textElement("LastModified", formatIsoDate(part.modifiedMs)) +
        textElement("ETag", `"${part.etag}"`) +
        textElement("Size", part.sizeBytes) +
        checksumElements(part.checksum, false),
    );
  }
  return xmlDocument(
    "ListPartsResult",
    uploadElements(upload) +
      ownerElement("Initiator", listing.owner) +
      ownerElement("Owner", listing.owner) +
      textElement("StorageClass", upload.metadata.storageClass ?? "STANDARD") +
      textElement("PartNumberMarker", listing.partNumberMarker) +
      textElement("NextPartNumberMarker", parts.at(-1)?.partNumber ?? listing.partNumberMarker) +
      textElement("MaxParts", listing.maxParts) +
      textElement("IsTruncated", listing.isTruncated) +
      checksumKindElements(upload.checksumAlgorithm, upload.checksumType) +
      partElements,
  );
}

/** A page of the uploads of a bucket. */
export interface UploadListing {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly keyMarker: string;
  readonly uploadIdMarker: string;
  readonly nextKeyMarker: string | undefined;
  readonly nextUploadIdMarker: string | undefined;
  readonly maxUploads: number;
  readonly isUrlEncoded: boolean;
  readonly isTruncated: boolean;
  readonly uploads: readonly Upload[];
  readonly commonPrefixes: readonly string[];
  readonly ownerOf: (upload: Upload) => Owner;
}

/** The reply of ListMultipartUploads. */
export function writeListMultipartUploads(listing: UploadListing): string {
  const key = (text: string) => (listing.isUrlEncoded ? urlEncodeKey(text) : text);
  let out =
    textElement("Bucket", listing.bucket) +
    textElement("KeyMarker", key(listing.keyMarker)) +
    textElement("UploadIdMarker", listing.uploadIdMarker) +
    (listing.nextKeyMarker === undefined ? "" : textElement("NextKeyMarker", key(listing.nextKeyMarker))) +
    textElement("NextUploadIdMarker", listing.nextUploadIdMarker) +
    textElement("Prefix", key(listing.prefix)) +
    (listing.delimiter === "" ? "" : textElement("Delimiter", key(listing.delimiter))) +
    textElement("MaxUploads", listing.maxUploads) +
    (listing.isUrlEncoded ? textElement("EncodingType", "url") : "") +
    textElement("IsTruncated", listing.isTruncated);
  for (const upload of listing.uploads) out += uploadElement(upload, listing.ownerOf(upload), key(upload.key));
  for (const prefix of listing.commonPrefixes) {
    out += element("CommonPrefixes", textElement("Prefix", key(prefix)));
  }
  return xmlDocument("ListMultipartUploadsResult", out);
}

function uploadElement(upload: Upload, owner: Owner, key: string): string {
  return element(
    "Upload",
    textElement("Key", key) +
      textElement("UploadId", upload.uploadId) +
      ownerElement("Initiator", owner) +
      ownerElement("Owner", owner) +
      textElement("StorageClass", upload.metadata.storageClass ?? "STANDARD") +
      textElement("Initiated", formatIsoDate(upload.begunMs)) +
      checksumKindElements(upload.checksumAlgorithm, upload.checksumType),
  );
}
