import { S3Error } from "../errors.ts";

const BOUNDARY = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;.*)?$/i;

/**
 * The boundary that the Content-Type of a form names.
 *
 * @throws S3Error RequestIsNotMultiPartContent, MalformedPOSTRequest without a boundary.
 * @see RFC 2046 §5.1.1
 */
export function parseBoundary(contentType: string | undefined): string {
  if (contentType === undefined || !/^multipart\/form-data\b/i.test(contentType.trim())) {
    throw new S3Error("RequestIsNotMultiPartContent");
  }
  // Longer values are no boundary, and would only cost time.
  const match = contentType.length > 300 ? null : BOUNDARY.exec(contentType.trim());
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw new S3Error("MalformedPOSTRequest");
  return boundary;
}
