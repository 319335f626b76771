import { childOf, childrenOf, parseXml, rootNamed, textOf } from "../xml/index.ts";

/**
 * Whether an `AccessControlPolicy` gives full control to this owner and nothing to anybody: what a bucket without access
 * lists has anyway. Clients that copy write back what they have read.
 *
 * @throws S3Error MalformedXML
 * @see Amazon S3 User Guide, "Controlling ownership of objects": such a list is accepted where lists are off
 */
export function isOwnersAcl(body: Uint8Array, owner: string): boolean {
  const list = childOf(rootNamed(parseXml(body), "AccessControlPolicy"), "AccessControlList");
  const grants = list === undefined ? [] : childrenOf(list, "Grant");
  return (
    grants.length > 0 &&
    grants.every((grant) => {
      const grantee = childOf(grant, "Grantee");
      const isOwner = grantee !== undefined && textOf(grantee, "ID") === owner;
      return isOwner && textOf(grant, "Permission") === "FULL_CONTROL";
    })
  );
}
