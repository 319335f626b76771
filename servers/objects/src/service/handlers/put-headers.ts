import { invalidArgument, S3Error } from "../../protocol/errors.ts";
import { parseTaggingHeader, type Tags } from "../../protocol/messages/index.ts";
import { metadataOf } from "../../protocol/metadata/index.ts";
import type { ObjectMetadata } from "../../store/object-store.ts";
import type { RequestContext } from "../request-context.ts";
import { checkClass } from "../tier-rules.ts";

/** Headers that ask for something we do not do: ignoring them would pretend that we did. */
const REFUSED = [
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-server-side-encryption-customer-algorithm",
  "x-amz-object-lock-mode",
  "x-amz-object-lock-retain-until-date",
  "x-amz-object-lock-legal-hold",
];

const NO_TAGS: Tags = {};

/** @throws S3Error NotImplemented for encryption and object lock. */
export function refuseUnsupported(cx: RequestContext): void {
  for (const name of REFUSED) {
    if (cx.amzHeader(name) !== undefined) throw new S3Error("NotImplemented", { fields: { Header: name } });
  }
}

/**
 * What a request says of the object that it puts.
 *
 * @throws S3Error MetadataTooLarge, InvalidStorageClass, InvalidTag, InvalidArgument
 */
export function readMetadata(cx: RequestContext): ObjectMetadata {
  const metadata = metadataOf(cx.amzFields, readRequestTags(cx));
  const { storageClass, websiteRedirectLocation } = metadata;
  if (storageClass !== undefined) checkClass(storageClass, cx.service.store.storageClasses);
  if (websiteRedirectLocation !== undefined && !/^(\/|https?:\/\/)/.test(websiteRedirectLocation)) {
    throw invalidArgument(
      "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
      "x-amz-website-redirect-location",
      websiteRedirectLocation,
    );
  }
  return metadata;
}

/** Tags of the header `x-amz-tagging`. @throws S3Error InvalidTag, InvalidArgument, BadRequest */
export function readRequestTags(cx: RequestContext): Tags {
  const header = cx.amzHeader("x-amz-tagging");
  return header === undefined ? NO_TAGS : parseTaggingHeader(header);
}
