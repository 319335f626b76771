import { element, textElement, xmlDocument } from "../xml/index.ts";

/** Answers of sub-resources that are the same for every bucket and cannot be changed. */
export const FIXED_DOCUMENTS = {
  requestPayment: xmlDocument("RequestPaymentConfiguration", textElement("Payer", "BucketOwner")),
  accelerate: xmlDocument("AccelerateConfiguration", ""),
  logging: xmlDocument("BucketLoggingStatus", ""),
  notification: xmlDocument("NotificationConfiguration", ""),
  ownershipControls: xmlDocument(
    "OwnershipControls",
    element("Rule", textElement("ObjectOwnership", "BucketOwnerEnforced")),
  ),
} as const;

/** The owner has everything and nobody else anything: rights come from policies only. */
export function writeOwnerAcl(owner: string): string {
  const names = textElement("ID", owner) + textElement("DisplayName", owner);
  const grantee = `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">${names}</Grantee>`;
  const grant = element("Grant", grantee + textElement("Permission", "FULL_CONTROL"));
  return xmlDocument("AccessControlPolicy", element("Owner", names) + element("AccessControlList", grant));
}

/** @see Amazon S3 API Reference, GetBucketPolicyStatus */
export function writePolicyStatus(isPublic: boolean): string {
  return xmlDocument("PolicyStatus", textElement("IsPublic", isPublic));
}
