// Access lists
export { isOwnersAcl } from "./access-control.ts";
// Buckets
export {
  type BucketListing,
  parseCreateBucketConfiguration,
  parseVersioningConfiguration,
  writeListAllMyBuckets,
  writeLocationConstraint,
  writeVersioningConfiguration,
} from "./buckets.ts";
// Deleting
export {
  type DeletedObject,
  type DeleteRequestDocument,
  MAX_DELETE_BYTES,
  MAX_DELETED_OBJECTS,
  type ObjectToDelete,
  parseDelete,
  writeDeleteResult,
} from "./delete-objects.ts";
// Listings
export {
  type ListingV1,
  type ListingV2,
  type VersionListing,
  writeListBucketV1,
  writeListBucketV2,
  writeListVersions,
} from "./listings.ts";
// Uploads and copies
export {
  type CompletedUpload,
  type CopyResult,
  MAX_COMPLETE_BYTES,
  MAX_PARTS,
  type NamedPart,
  type PartListing,
  parseCompleteMultipartUpload,
  parsePartNumber,
  type UploadListing,
  writeCompleteMultipartUpload,
  writeCopyResult,
  writeInitiateMultipartUpload,
  writeListMultipartUploads,
  writeListParts,
} from "./multipart.ts";
// Attributes and tags
export {
  type ObjectAttribute,
  type PartsPage,
  parseObjectAttributes,
  writeObjectAttributes,
} from "./object-attributes.ts";
export type { Owner } from "./owner.ts";
export {
  MAX_BUCKET_TAGS,
  MAX_OBJECT_TAGS,
  parseTagging,
  parseTaggingHeader,
  type Tags,
  writeTagging,
} from "./tagging.ts";
