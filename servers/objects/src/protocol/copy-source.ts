import { invalidArgument, S3Error } from "./errors.ts";
import { decodePercent, isBucketName, MAX_KEY_BYTES, utf8Length } from "./routing/index.ts";

/** Where a copy comes from. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
}

const VERSION_MARK = "?versionId=";

/**
 * Reads `x-amz-copy-source`: `[/]bucket/key[?versionId=id]`, escaped in whole or in part; a `+` is a plus. A `?` of the
 * key must be escaped.
 *
 * @param value Raw, one byte a character.
 * @throws S3Error InvalidArgument, InvalidBucketName, KeyTooLongError
 */
export function parseCopySource(value: string): CopySource {
  const mark = value.lastIndexOf(VERSION_MARK);
  const path = decode(mark < 0 ? value : value.slice(0, mark), value);
  const versionId = mark < 0 ? undefined : decode(value.slice(mark + VERSION_MARK.length), value);
  if (versionId === "") throw invalidArgument("Version id cannot be the empty string", "x-amz-copy-source", value);

  const start = path.startsWith("/") ? 1 : 0;
  const slash = path.indexOf("/", start);
  const bucket = slash < 0 ? "" : path.slice(start, slash);
  const key = slash < 0 ? "" : path.slice(slash + 1);
  if (bucket === "" || key === "") {
    throw invalidArgument(
      "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
      "x-amz-copy-source",
      value,
    );
  }
  if (!isBucketName(bucket)) throw new S3Error("InvalidBucketName", { fields: { BucketName: bucket } });
  if (utf8Length(key) > MAX_KEY_BYTES) throw new S3Error("KeyTooLongError");
  return { bucket, key, versionId };
}

function decode(raw: string, value: string): string {
  try {
    return decodePercent(raw, false);
  } catch (cause) {
    if (!(cause instanceof S3Error)) throw cause;
    throw invalidArgument("Invalid copy source encoding.", "x-amz-copy-source", value);
  }
}
