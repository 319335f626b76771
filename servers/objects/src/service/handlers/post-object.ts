import { requestChecksumOf } from "../../protocol/checksums/index.ts";
import { S3Error } from "../../protocol/errors.ts";
import {
  checkFileSize,
  checkPostPolicy,
  FormDecoder,
  type FormFields,
  fillFileName,
  formReply,
  parseBoundary,
  parsePostPolicy,
  type SizeRange,
} from "../../protocol/forms/index.ts";
import { HeaderFields } from "../../protocol/header-fields.ts";
import { MAX_OBJECT_TAGS, parseTagging } from "../../protocol/messages/index.ts";
import { MAX_KEY_BYTES, utf8Length } from "../../protocol/routing/index.ts";
import { authorize, needsObjectTags, wishFor } from "../authorize.ts";
import { type BodyChunks, openChunks } from "../body/body-chunks.ts";
import { type BodyPlan, contentLength, MAX_OBJECT_BYTES } from "../body/body-plan.ts";
import { GATHERED_FORM_BYTES, storeBody } from "../body/receive-body.ts";
import { sendBytes, sendEmpty } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import { retentionFor } from "../retention.ts";
import { addWrittenHeaders, readNewMetadata } from "./object-writes.ts";
import { readRequestTags } from "./put-headers.ts";

const NO_LIMITS: SizeRange = { minBytes: 0, maxBytes: MAX_OBJECT_BYTES };
const NO_TRAILERS: ReadonlyMap<string, string> = new Map();

/**
 * An upload by a form of a page. The form is its own request: who asks is proven by the signature of its policy, and
 * what is said of the object by its fields alone, never by headers.
 *
 * @see Amazon S3 API Reference, "POST Object"
 */
export async function postObject(cx: RequestContext): Promise<void> {
  const totalBytes = contentLength(cx);
  if (totalBytes === 0) throw new S3Error("MissingContentLength");
  const decoder = new FormDecoder(parseBoundary(cx.headers.single("content-type")));
  const chunks = openChunks(cx);
  try {
    const begun = await readFields(cx, decoder, chunks);
    const { fields } = begun;
    const range = await admitForm(cx, fields);
    const metadata = readNewMetadata(cx);
    const plan = planFile(cx, { decoder, totalBytes, ...begun });
    if (!plan.isSizeUpperBound) checkFileSize(range, plan.sizeBytes, true);
    const { bucket, key } = cx.route;
    const { result, digest } = await storeBody(
      cx,
      plan,
      (sizeBytes) => {
        checkFileSize(range, sizeBytes, true);
        const retention = retentionFor(cx, key, metadata, sizeBytes);
        return cx.service.store.put({ bucket, key, metadata, retention, conditions: {} }, sizeBytes);
      },
      afterNothing(chunks),
    );
    addWrittenHeaders(cx, { ...result, checksum: digest.checksum, retention: undefined });
    answerForm(cx, fields, result.etag);
  } finally {
    chunks.close();
  }
}

interface BegunForm {
  readonly fields: FormFields;
  /** Bytes of the file that came together with the fields. */
  readonly first: readonly Uint8Array[];
  readonly takenBytes: number;
}

async function readFields(cx: RequestContext, decoder: FormDecoder, chunks: BodyChunks): Promise<BegunForm> {
  let takenBytes = 0;
  for (let chunk = await chunks.next(); chunk; chunk = await chunks.next()) {
    cx.bytesIn += chunk.length;
    takenBytes += chunk.length;
    const first = decoder.push(chunk);
    if (decoder.fields) return { fields: decoder.fields, first, takenBytes };
  }
  throw new S3Error("MalformedPOSTRequest");
}

/** Proves who asks, checks the form against its policy, and asks whether the upload is allowed. */
async function admitForm(cx: RequestContext, { values, fileName, fileType }: FormFields): Promise<SizeRange> {
  const { service } = cx;
  const signer = service.verifier.verifyForm(values);
  const holder = signer && service.users.find(signer.accessKeyId);
  if (signer && !holder) throw new S3Error("InvalidAccessKeyId");
  // A form signs for itself: a request's own signature does not cover what the form says.
  if (cx.user) throw new S3Error("InvalidRequest", { message: "A form is signed by its policy, not by a header" });
  cx.user = holder?.user;
  if (cx.user) cx.userRates = service.rates.get("user", cx.user.name, cx.user.limits, cx.startedMs);
  const key = fillFileName(values.get("key") ?? "", fileName);
  if (key === "") throw new S3Error("UserKeyMustBeSpecified");
  if (utf8Length(key) > MAX_KEY_BYTES) throw new S3Error("KeyTooLongError");
  const filled = new Map(values).set("key", key);
  const policy = values.get("policy");
  const range =
    policy === undefined ? NO_LIMITS : checkPostPolicy(parsePostPolicy(policy), filled, cx.route.bucket, cx.nowMs);
  cx.route = { ...cx.route, key };
  cx.formFields = headersOf(values, fileType);
  const bucket = cx.ownBucket;
  const current = needsObjectTags(cx, bucket) ? await service.store.head(bucket.name, key) : undefined;
  const requestTags = readRequestTags(cx);
  authorize(cx, { ...wishFor("s3:putobject", bucket, key), tags: current?.metadata.tags, requestTags });
  return range;
}

/** The fields as the headers that a PUT would have. */
function headersOf(values: ReadonlyMap<string, string>, fileType: string | undefined): HeaderFields {
  const raw: string[] = [];
  for (const [name, value] of values) raw.push(name, Buffer.from(value, "utf8").toString("latin1"));
  if (!values.has("content-type") && fileType !== undefined) raw.push("content-type", fileType);
  const acl = values.get("acl");
  if (acl !== undefined) raw.push("x-amz-acl", acl);
  const tagging = values.get("tagging");
  if (tagging !== undefined) {
    const tags = parseTagging(Buffer.from(tagging), MAX_OBJECT_TAGS);
    const pairs = Object.entries(tags).map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
    raw.push("x-amz-tagging", pairs.join("&"));
  }
  return new HeaderFields(raw);
}

/**
 * Where the file ends is known only when it has ended. A form that may be gathered is; of a larger one the file must be
 * the last field, so that its size follows from the length of the whole.
 */
function planFile(
  cx: RequestContext,
  form: BegunForm & { readonly decoder: FormDecoder; readonly totalBytes: number },
): BodyPlan {
  const { decoder, totalBytes, takenBytes, first } = form;
  const boundary = parseBoundary(cx.headers.single("content-type"));
  const firstBytes = first.reduce((sum, piece) => sum + piece.length, 0);
  const leftBytes = totalBytes - takenBytes + firstBytes + decoder.heldBytes;
  const isGathered = leftBytes <= GATHERED_FORM_BYTES;
  const closingBytes = `\r\n--${boundary}--\r\n`.length;
  let pending = first;
  const push = (bytes: Uint8Array): Uint8Array[] => {
    const pieces = [...pending, ...decoder.push(bytes)];
    pending = [];
    return pieces;
  };
  return {
    sizeBytes: isGathered ? leftBytes : leftBytes - closingBytes,
    isSizeUpperBound: isGathered,
    payload: { kind: "unsigned" },
    md5Hex: undefined,
    claim: requestChecksumOf(cx.amzFields, []),
    isClaimInTrailer: false,
    decoder: {
      push,
      finish: () => {
        decoder.finish();
        return NO_TRAILERS;
      },
    },
  };
}

/** The same bytes behind an empty piece, which brings out those that came with the fields. */
function afterNothing(chunks: BodyChunks): BodyChunks {
  let isFirst = true;
  return {
    next: async () => {
      if (!isFirst) return await chunks.next();
      isFirst = false;
      return Buffer.alloc(0);
    },
    whilePaused: (work) => chunks.whilePaused(work),
    close: () => chunks.close(),
  };
}

function answerForm(cx: RequestContext, { values }: FormFields, etag: string): void {
  const { bucket, key } = cx.route;
  const location = `${cx.isSecure ? "https" : "http"}://${cx.host}/${bucket}/${encodeURI(key)}`;
  const reply = formReply(values, { location, bucket, key, etag });
  cx.addHeader("location", reply.redirect ?? location);
  if (reply.body === "") sendEmpty(cx, reply.status);
  else sendBytes(cx, reply.status, "application/xml", Buffer.from(reply.body));
}
