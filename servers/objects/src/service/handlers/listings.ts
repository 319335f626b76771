import { invalidArgument } from "../../protocol/errors.ts";
import {
  writeListBucketV1,
  writeListBucketV2,
  writeListMultipartUploads,
  writeListVersions,
} from "../../protocol/messages/index.ts";
import type { ListRequest, ListResult } from "../../store/object-store.ts";
import { sendXml } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import { type ListingQuestion, ownerNamed, readQuestion } from "./listing-arguments.ts";

const NOTHING: ListResult = {
  entries: [],
  commonPrefixes: [],
  isTruncated: false,
  nextAfter: undefined,
  nextAfterVersion: undefined,
};

/** Asks the store; a page of nothing is not asked for, and never truncated, or clients would ask for ever. */
async function list(
  cx: RequestContext,
  question: ListingQuestion,
  rest: Pick<ListRequest, "startAfter" | "versions"> & { readonly startAfterVersion?: string },
): Promise<ListResult> {
  if (question.maxKeys === 0) return NOTHING;
  const { bucket, prefix, delimiter, maxKeys } = question;
  return await cx.service.store.list({ bucket, prefix, delimiter, maxKeys, ...rest });
}

export async function listObjects(cx: RequestContext): Promise<void> {
  const question = readQuestion(cx, "max-keys");
  const marker = cx.route.query.get("marker") ?? "";
  const result = await list(cx, question, { startAfter: marker, versions: false });
  // S3 gives it with a delimiter only; without one the last key serves.
  const nextMarker = result.isTruncated && question.delimiter !== "" ? result.nextAfter : undefined;
  sendXml(cx, 200, writeListBucketV1({ ...question, ...result, marker, nextMarker }));
}

/** Tokens are the key to go on behind, in base64url: opaque to clients, and nothing is remembered for them. */
export async function listObjectsV2(cx: RequestContext): Promise<void> {
  const question = readQuestion(cx, "max-keys");
  const { query } = cx.route;
  const continuationToken = query.get("continuation-token");
  const startAfter = query.get("start-after");
  const after = continuationToken === undefined ? (startAfter ?? "") : readToken(continuationToken);
  const result = await list(cx, question, { startAfter: after, versions: false });
  const nextContinuationToken =
    result.isTruncated && result.nextAfter !== undefined ? writeToken(result.nextAfter) : undefined;
  const owner = query.get("fetch-owner") === "true" ? question.owner : undefined;
  const page = { ...question, ...result, owner, startAfter, continuationToken, nextContinuationToken };
  sendXml(cx, 200, writeListBucketV2(page));
}

function writeToken(key: string): string {
  return Buffer.from(`1${key}`).toString("base64url");
}

function readToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString("utf8");
  if (token === "" || writeToken(text.slice(1)) !== token) {
    throw invalidArgument("The continuation token provided is incorrect", "continuation-token", token);
  }
  return text.slice(1);
}

export async function listObjectVersions(cx: RequestContext): Promise<void> {
  const question = readQuestion(cx, "max-keys");
  const { query } = cx.route;
  const keyMarker = query.get("key-marker") ?? "";
  const versionIdMarker = query.get("version-id-marker") ?? "";
  if (versionIdMarker !== "" && keyMarker === "") {
    throw invalidArgument(
      "A version-id marker cannot be specified without a key marker.",
      "version-id-marker",
      versionIdMarker,
    );
  }
  const result = await list(cx, question, {
    startAfter: keyMarker,
    versions: true,
    ...(versionIdMarker === "" ? {} : { startAfterVersion: versionIdMarker }),
  });
  const nextKeyMarker = result.isTruncated ? result.nextAfter : undefined;
  const nextVersionIdMarker = result.isTruncated ? result.nextAfterVersion : undefined;
  const page = { ...question, ...result, keyMarker, versionIdMarker, nextKeyMarker, nextVersionIdMarker };
  sendXml(cx, 200, writeListVersions(page));
}

export async function listMultipartUploads(cx: RequestContext): Promise<void> {
  const question = readQuestion(cx, "max-uploads");
  const { query } = cx.route;
  const keyMarker = query.get("key-marker") ?? "";
  const uploadIdMarker = keyMarker === "" ? "" : (query.get("upload-id-marker") ?? "");
  const { bucket, prefix, delimiter, maxKeys, isUrlEncoded } = question;
  const result =
    maxKeys === 0
      ? { uploads: [], commonPrefixes: [], isTruncated: false }
      : await cx.service.store.listUploads({
          bucket,
          prefix,
          delimiter,
          maxKeys,
          startAfter: keyMarker,
          ...(uploadIdMarker === "" ? {} : { startAfterUpload: uploadIdMarker }),
        });
  const asked = { bucket, prefix, delimiter, isUrlEncoded, keyMarker, uploadIdMarker, maxUploads: maxKeys };
  const ownerOf = (upload: { readonly owner: string }) => ownerNamed(upload.owner);
  sendXml(cx, 200, writeListMultipartUploads({ ...asked, ...result, ...nextUpload(result), ownerOf }));
}

/** Where the next page begins: behind the last upload, or behind the last prefix if that is the last in order. */
function nextUpload(result: {
  readonly uploads: readonly { readonly key: string; readonly uploadId: string }[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
}) {
  const last = result.uploads.at(-1);
  const lastPrefix = result.commonPrefixes.at(-1);
  if (!result.isTruncated) return { nextKeyMarker: undefined, nextUploadIdMarker: undefined };
  if (last && (lastPrefix === undefined || Buffer.compare(Buffer.from(lastPrefix), Buffer.from(last.key)) < 0)) {
    return { nextKeyMarker: last.key, nextUploadIdMarker: last.uploadId };
  }
  return { nextKeyMarker: lastPrefix, nextUploadIdMarker: undefined };
}
