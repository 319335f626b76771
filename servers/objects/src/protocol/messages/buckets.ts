import { formatIsoDate } from "@kagami/clock";
import { S3Error } from "../errors.ts";
import { element, escapeXml, parseXml, rootNamed, textElement, textOf, xmlDocument } from "../xml/index.ts";
import { type Owner, ownerElement } from "./owner.ts";

/**
 * The region of a `CreateBucketConfiguration`; undefined if the body is empty or names none.
 *
 * @throws S3Error MalformedXML
 */
export function parseCreateBucketConfiguration(body: Uint8Array): string | undefined {
  if (body.length === 0) return undefined;
  const region = textOf(rootNamed(parseXml(body), "CreateBucketConfiguration"), "LocationConstraint");
  return region === "" ? undefined : region;
}

/** `us-east-1` is told by an empty element, as S3 does since its first days. */
export function writeLocationConstraint(region: string): string {
  return xmlDocument("LocationConstraint", region === "us-east-1" ? "" : escapeXml(region));
}

/** A page of the buckets of a user. */
export interface BucketListing {
  readonly owner: Owner;
  readonly buckets: readonly { readonly name: string; readonly createdMs: number; readonly region?: string }[];
  readonly prefix?: string;
  readonly continuationToken?: string;
}

/** The reply of ListBuckets. */
export function writeListAllMyBuckets(listing: BucketListing): string {
  let buckets = "";
  for (const { name, createdMs, region } of listing.buckets) {
    buckets += element(
      "Bucket",
      textElement("Name", name) +
        textElement("CreationDate", formatIsoDate(createdMs)) +
        textElement("BucketRegion", region),
    );
  }
  return xmlDocument(
    "ListAllMyBucketsResult",
    ownerElement("Owner", listing.owner) +
      element("Buckets", buckets) +
      textElement("ContinuationToken", listing.continuationToken) +
      textElement("Prefix", listing.prefix),
  );
}

/**
 * The state of versions that a `VersioningConfiguration` asks for.
 *
 * @throws S3Error MalformedXML, IllegalVersioningConfigurationException; NotImplemented for MFA.
 */
export function parseVersioningConfiguration(body: Uint8Array): "enabled" | "suspended" {
  const root = rootNamed(parseXml(body), "VersioningConfiguration");
  if (textOf(root, "MfaDelete")?.toLowerCase() === "enabled") throw new S3Error("NotImplemented");
  const status = textOf(root, "Status");
  if (status === "Enabled") return "enabled";
  if (status === "Suspended") return "suspended";
  throw new S3Error("IllegalVersioningConfigurationException");
}

/** Of a bucket that never had versions it is empty. */
export function writeVersioningConfiguration(state: "off" | "enabled" | "suspended"): string {
  const status = state === "off" ? "" : textElement("Status", state === "enabled" ? "Enabled" : "Suspended");
  return xmlDocument("VersioningConfiguration", status);
}
