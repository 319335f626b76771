import { invalidArgument, S3Error } from "./errors.ts";

/** Bytes `[start, end)` of an object; never empty. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What a Range header asks of an object. Undefined means the whole: without a header, and for a header that is no single
 * range of bytes, which S3 passes over.
 *
 * @throws S3Error InvalidRange if the range begins behind the last byte, as every range does of an empty object.
 * @see RFC 9110 §14.2
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  if (header === undefined) return undefined;
  const parts = /^bytes=(\d*)-(\d*)$/i.exec(header.trim());
  if (parts === null) return undefined;
  const [, first = "", last = ""] = parts;
  if (first === "") {
    if (last === "") return undefined;
    const suffix = Number(last);
    if (suffix === 0 || sizeBytes === 0) throw unsatisfiable(header, sizeBytes);
    return { start: Math.max(0, sizeBytes - suffix), end: sizeBytes };
  }
  const start = Number(first);
  const end = last === "" ? sizeBytes : Number(last) + 1;
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= sizeBytes) throw unsatisfiable(header, sizeBytes);
  return { start, end: Math.min(end, sizeBytes) };
}

function unsatisfiable(header: string, sizeBytes: number): S3Error {
  return new S3Error("InvalidRange", {
    fields: { RangeRequested: header, ActualObjectSize: String(sizeBytes) },
    headers: { "Content-Range": `bytes */${sizeBytes}` },
  });
}

/** The value of Content-Range. */
export function contentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.start}-${range.end - 1}/${sizeBytes}`;
}

/**
 * What `x-amz-copy-source-range` asks of the source: both ends must be named and be inside.
 *
 * @throws S3Error InvalidArgument
 */
export function parseCopySourceRange(header: string, sizeBytes: number): ByteRange {
  const parts = /^bytes=(\d+)-(\d+)$/.exec(header.trim());
  const start = Number(parts?.[1]);
  const last = Number(parts?.[2]);
  if (parts === null || last < start) {
    throw invalidArgument(
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based " +
        "offsets of the first and last bytes to copy",
      "x-amz-copy-source-range",
      header,
    );
  }
  if (last >= sizeBytes) {
    throw invalidArgument(
      `Range specified is not valid for source object of size: ${sizeBytes}`,
      "x-amz-copy-source-range",
      header,
    );
  }
  return { start, end: last + 1 };
}
