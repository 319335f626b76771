import { unquoteEtag } from "../entity-tag.ts";
import { S3Error } from "../errors.ts";
import { MAX_KEY_BYTES, utf8Length } from "../routing/index.ts";
import { booleanOf, childrenOf, element, parseXml, rootNamed, textElement, textOf, xmlDocument } from "../xml/index.ts";

/** One request deletes at most so many objects. */
export const MAX_DELETED_OBJECTS = 1_000;
/** 1,000 keys of 1,024 bytes, each escaped as `&quot;`, with their versions and etags, take less. */
export const MAX_DELETE_BYTES = 8 << 20;

/** An object to be deleted. */
export interface ObjectToDelete {
  readonly key: string;
  readonly versionId: string | undefined;
  /** Without quotes; only if the current one is this, `*` is any. */
  readonly etag: string | undefined;
}

/** What a request of DeleteObjects asks for. */
export interface DeleteRequestDocument {
  /** Whether only errors are to be told. */
  readonly isQuiet: boolean;
  readonly objects: readonly ObjectToDelete[];
}

/** @throws S3Error MalformedXML (also without objects and with more than 1,000), UserKeyMustBeSpecified, KeyTooLongError. */
export function parseDelete(body: Uint8Array): DeleteRequestDocument {
  const root = rootNamed(parseXml(body, MAX_DELETE_BYTES), "Delete");
  const objects = childrenOf(root, "Object").map((object): ObjectToDelete => {
    const key = textOf(object, "Key");
    if (key === undefined) throw new S3Error("MalformedXML");
    if (key === "") throw new S3Error("UserKeyMustBeSpecified");
    if (utf8Length(key) > MAX_KEY_BYTES) throw new S3Error("KeyTooLongError");
    const versionId = textOf(object, "VersionId");
    const etag = textOf(object, "ETag");
    return { key, versionId: versionId === "" ? undefined : versionId, etag: etag && unquoteEtag(etag) };
  });
  if (objects.length === 0 || objects.length > MAX_DELETED_OBJECTS) throw new S3Error("MalformedXML");
  return { isQuiet: booleanOf(root, "Quiet"), objects };
}

/** What became of an object. */
export type DeletedObject =
  | {
      readonly key: string;
      /** The version that was asked for. */
      readonly versionId: string | undefined;
      /** Whether a delete marker was made or removed, and its version. */
      readonly deleteMarkerVersionId: string | undefined;
    }
  | { readonly key: string; readonly versionId: string | undefined; readonly error: S3Error };

/** The reply of DeleteObjects. If the request was quiet, give errors only. */
export function writeDeleteResult(results: readonly DeletedObject[]): string {
  let out = "";
  for (const result of results) {
    const which = textElement("Key", result.key) + textElement("VersionId", result.versionId);
    if ("error" in result) {
      const { code, message } = result.error;
      out += element("Error", which + textElement("Code", code) + textElement("Message", message));
      continue;
    }
    const { deleteMarkerVersionId } = result;
    const marker =
      deleteMarkerVersionId === undefined
        ? ""
        : textElement("DeleteMarker", true) + textElement("DeleteMarkerVersionId", deleteMarkerVersionId);
    out += element("Deleted", which + marker);
  }
  return xmlDocument("DeleteResult", out);
}
