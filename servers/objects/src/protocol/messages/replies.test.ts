import { expect, test } from "vitest";
import type { ObjectEntry, Upload } from "../../store/object-store.ts";
import { S3Error } from "../errors.ts";
import { childOf, childrenOf, parseXml, textOf, type XmlElement } from "../xml/index.ts";
import {
  type ListingV1,
  writeCompleteMultipartUpload,
  writeCopyResult,
  writeDeleteResult,
  writeInitiateMultipartUpload,
  writeListAllMyBuckets,
  writeListBucketV1,
  writeListBucketV2,
  writeListMultipartUploads,
  writeListParts,
  writeListVersions,
  writeLocationConstraint,
  writeObjectAttributes,
  writeTagging,
  writeVersioningConfiguration,
} from "./index.ts";

const OWNER = { id: "owner-1", displayName: "Mia & Co" };
const CHECKSUM = { algorithm: "CRC32", value: "AAAAAA==", type: "FULL_OBJECT" } as const;
const MS = Date.UTC(2026, 10, 29, 1, 2, 3, 4);

function entry(key: string, more: Partial<ObjectEntry> = {}): ObjectEntry {
  return {
    key,
    versionId: "null",
    isLatest: true,
    isDeleteMarker: false,
    sizeBytes: 5,
    etag: "e",
    modifiedMs: MS,
    expiresMs: undefined,
    metadata: { user: {}, tags: {} },
    checksum: undefined,
    parts: undefined,
    ...more,
  };
}

/** `name=text` of each leaf, `name{…}` of each other. */
function outline(element: XmlElement): string {
  if (element.children.length === 0) return element.text === "" ? element.name : `${element.name}=${element.text}`;
  return `${element.name}{${element.children.map(outline).join(" ")}}`;
}

const read = (xml: string) => parseXml(Buffer.from(xml));

test("a document has the declaration and the namespace of S3", () => {
  expect(writeLocationConstraint("eu")).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu</LocationConstraint>',
  );
});

const LISTING: ListingV1 = {
  bucket: "media",
  prefix: "a ",
  delimiter: "/",
  maxKeys: 2,
  isUrlEncoded: false,
  isTruncated: true,
  entries: [entry("a &<", { checksum: CHECKSUM, metadata: { user: {}, tags: {}, storageClass: "COLD" } })],
  commonPrefixes: ["a x/"],
  owner: OWNER,
  marker: "a",
  nextMarker: "a x/",
};
const OWNER_OUTLINE = "Owner{ID=owner-1 DisplayName=Mia & Co}";
const TIME = "LastModified=2026-11-29T01:02:03.004Z";

test.each([
  {
    what: "ListAllMyBuckets",
    xml: writeListAllMyBuckets({
      owner: OWNER,
      buckets: [{ name: "media", createdMs: MS, region: "eu" }],
      prefix: "m",
      continuationToken: "t",
    }),
    is: `ListAllMyBucketsResult{${OWNER_OUTLINE} Buckets{Bucket{Name=media CreationDate=2026-11-29T01:02:03.004Z BucketRegion=eu}} ContinuationToken=t Prefix=m}`,
  },
  {
    what: "ListBucketResult of version 1",
    xml: writeListBucketV1(LISTING),
    is: `ListBucketResult{Name=media Prefix=a  Marker=a NextMarker=a x/ MaxKeys=2 Delimiter=/ IsTruncated=true Contents{Key=a &< ${TIME} ETag="e" ChecksumAlgorithm=CRC32 ChecksumType=FULL_OBJECT Size=5 StorageClass=COLD ${OWNER_OUTLINE}} CommonPrefixes{Prefix=a x/}}`,
  },
  {
    what: "ListBucketResult of version 2, encoded",
    xml: writeListBucketV2({
      ...LISTING,
      isUrlEncoded: true,
      owner: undefined,
      startAfter: "a b",
      continuationToken: "t +",
      nextContinuationToken: "u +",
    }),
    is: `ListBucketResult{Name=media Prefix=a%20 ContinuationToken=t + NextContinuationToken=u + StartAfter=a%20b KeyCount=2 MaxKeys=2 Delimiter=/ EncodingType=url IsTruncated=true Contents{Key=a%20%26%3C ${TIME} ETag="e" ChecksumAlgorithm=CRC32 ChecksumType=FULL_OBJECT Size=5 StorageClass=COLD} CommonPrefixes{Prefix=a%20x/}}`,
  },
  {
    what: "ListBucketResult of version 2, empty",
    xml: writeListBucketV2({
      ...LISTING,
      prefix: "",
      delimiter: "",
      entries: [],
      commonPrefixes: [],
      isTruncated: false,
      startAfter: undefined,
      continuationToken: undefined,
      nextContinuationToken: undefined,
    }),
    is: "ListBucketResult{Name=media Prefix KeyCount=0 MaxKeys=2 IsTruncated=false}",
  },
  {
    what: "ListVersionsResult",
    xml: writeListVersions({
      ...LISTING,
      entries: [
        entry("k", { versionId: "v2", isDeleteMarker: true }),
        entry("k", { versionId: "v1", isLatest: false }),
      ],
      commonPrefixes: [],
      keyMarker: "",
      versionIdMarker: "",
      nextKeyMarker: "k",
      nextVersionIdMarker: "v1",
    }),
    is: `ListVersionsResult{Name=media Prefix=a  KeyMarker VersionIdMarker NextKeyMarker=k NextVersionIdMarker=v1 MaxKeys=2 Delimiter=/ IsTruncated=true DeleteMarker{Key=k VersionId=v2 IsLatest=true ${TIME} ${OWNER_OUTLINE}} Version{Key=k VersionId=v1 IsLatest=false ${TIME} ETag="e" Size=5 StorageClass=STANDARD ${OWNER_OUTLINE}}}`,
  },
  {
    what: "DeleteResult",
    xml: writeDeleteResult([
      { key: "a", versionId: undefined, deleteMarkerVersionId: undefined },
      { key: "b", versionId: "v", deleteMarkerVersionId: "v" },
      { key: "c", versionId: undefined, error: new S3Error("AccessDenied") },
    ]),
    is: "DeleteResult{Deleted{Key=a} Deleted{Key=b VersionId=v DeleteMarker=true DeleteMarkerVersionId=v} Error{Key=c Code=AccessDenied Message=Access Denied}}",
  },
  {
    what: "CopyObjectResult",
    xml: writeCopyResult("CopyObjectResult", { etag: "e", modifiedMs: MS, checksum: CHECKSUM }),
    is: `CopyObjectResult{${TIME} ETag="e" ChecksumCRC32=AAAAAA== ChecksumType=FULL_OBJECT}`,
  },
  {
    what: "CopyPartResult",
    xml: writeCopyResult("CopyPartResult", { etag: "e", modifiedMs: MS, checksum: CHECKSUM }),
    is: `CopyPartResult{${TIME} ETag="e" ChecksumCRC32=AAAAAA==}`,
  },
  {
    what: "InitiateMultipartUploadResult",
    xml: writeInitiateMultipartUpload({ bucket: "media", key: "k", uploadId: "u" }),
    is: "InitiateMultipartUploadResult{Bucket=media Key=k UploadId=u}",
  },
  {
    what: "CompleteMultipartUploadResult",
    xml: writeCompleteMultipartUpload({
      location: "http://h/media/k",
      bucket: "media",
      key: "k",
      etag: "e-2",
      checksum: undefined,
    }),
    is: 'CompleteMultipartUploadResult{Location=http://h/media/k Bucket=media Key=k ETag="e-2"}',
  },
  { what: "VersioningConfiguration, off", xml: writeVersioningConfiguration("off"), is: "VersioningConfiguration" },
  {
    what: "VersioningConfiguration",
    xml: writeVersioningConfiguration("enabled"),
    is: "VersioningConfiguration{Status=Enabled}",
  },
  {
    what: "LocationConstraint of the first region",
    xml: writeLocationConstraint("us-east-1"),
    is: "LocationConstraint",
  },
  { what: "Tagging", xml: writeTagging({ a: "1", b: "" }), is: "Tagging{TagSet{Tag{Key=a Value=1} Tag{Key=b Value}}}" },
])("$what holds what S3 puts there, in its order", ({ xml, is }) => {
  expect(outline(read(xml))).toBe(is);
});

const UPLOAD: Upload = {
  bucket: "media",
  key: "k 1",
  uploadId: "u",
  begunMs: MS,
  owner: "owner-1",
  checksumAlgorithm: "CRC32C",
  checksumType: "COMPOSITE",
  metadata: { user: {}, tags: {} },
  retention: undefined,
};

test("ListParts tells where the next page begins", () => {
  const root = read(
    writeListParts({
      upload: UPLOAD,
      owner: OWNER,
      parts: [{ partNumber: 7, sizeBytes: 9, etag: "p", modifiedMs: MS, checksum: CHECKSUM }],
      partNumberMarker: 6,
      maxParts: 1,
      isTruncated: true,
    }),
  );
  expect(textOf(root, "NextPartNumberMarker")).toBe("7");
  expect(outline(childOf(root, "Part")!)).toBe(`Part{PartNumber=7 ${TIME} ETag="p" Size=9 ChecksumCRC32=AAAAAA==}`);
  expect([textOf(root, "ChecksumAlgorithm"), textOf(root, "ChecksumType")]).toEqual(["CRC32C", "COMPOSITE"]);
});

test("ListMultipartUploads encodes keys if asked", () => {
  const root = read(
    writeListMultipartUploads({
      bucket: "media",
      prefix: "",
      delimiter: "/",
      keyMarker: "",
      uploadIdMarker: "",
      nextKeyMarker: "k 1",
      nextUploadIdMarker: "u",
      maxUploads: 1,
      isUrlEncoded: true,
      isTruncated: true,
      uploads: [UPLOAD],
      commonPrefixes: ["x /"],
      ownerOf: () => OWNER,
    }),
  );
  expect(textOf(root, "NextKeyMarker")).toBe("k%201");
  expect(outline(childOf(root, "Upload")!)).toContain("Upload{Key=k%201 UploadId=u Initiator{ID=owner-1");
  expect(outline(childOf(root, "CommonPrefixes")!)).toBe("CommonPrefixes{Prefix=x%20/}");
});

test("GetObjectAttributes tells what was asked, and parts in pages", () => {
  const parts = [1, 2, 3].map((partNumber) => ({ partNumber, sizeBytes: 5, checksum: CHECKSUM }));
  const object = entry("k", { etag: "e-3", sizeBytes: 15, parts, checksum: { ...CHECKSUM, type: "COMPOSITE" } });
  const root = read(
    writeObjectAttributes(object, new Set(["ETag", "Checksum", "ObjectParts", "ObjectSize", "StorageClass"]), {
      partNumberMarker: 1,
      maxParts: 1,
    }),
  );
  expect(root.children.map((child) => child.name)).toEqual([
    "ETag",
    "Checksum",
    "ObjectParts",
    "StorageClass",
    "ObjectSize",
  ]);
  expect(outline(childOf(root, "ObjectParts")!)).toBe(
    "ObjectParts{PartsCount=3 PartNumberMarker=1 NextPartNumberMarker=2 MaxParts=1 IsTruncated=true Part{PartNumber=2 Size=5 ChecksumCRC32=AAAAAA==}}",
  );
  expect(
    outline(
      read(
        writeObjectAttributes(entry("k"), new Set(["ObjectParts", "Checksum"]), { partNumberMarker: 0, maxParts: 1 }),
      ),
    ),
  ).toBe("GetObjectAttributesResponse");
});

test("a listing of a thousand keys with every character XML must escape is read back", () => {
  const keys = Array.from({ length: 1_000 }, (_, index) => `${index}&<>"'\u0001é鏡`);
  const root = read(writeListBucketV1({ ...LISTING, entries: keys.map((key) => entry(key)) }));
  expect(childrenOf(root, "Contents").map((each) => textOf(each, "Key"))).toEqual(keys);
});
