import { HeaderFields } from "../header-fields.ts";
import type { Query } from "../routing/index.ts";

/** Parameters of the signature itself, in lower case: they are no headers. */
const OWN: ReadonlySet<string> = new Set([
  "x-amz-algorithm",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-expires",
  "x-amz-signedheaders",
  "x-amz-signature",
  "x-amz-content-sha256",
  "x-amz-security-token",
]);

const CRC32_OF_NOTHING = "AAAAAA==";

const encoder = new TextEncoder();

/**
 * The headers of a presigned request together with those that its signer moved into the query (`x-amz-meta-*`,
 * `x-amz-copy-source`, …), as SDKs do. Both are signed. A header that stands in both places counts from the headers.
 *
 * The AWS SDK for JavaScript presigns uploads before there is a body, with the checksum of none
 * (`x-amz-checksum-crc32=AAAAAA==`). A body that comes later cannot fit it, and nobody meant it to: it is left out. Any
 * other checksum in a URL is held to.
 *
 * Only for requests that were verified by their query: in another query nobody has signed them.
 */
export function withHoistedHeaders(headers: HeaderFields, query: Query): HeaderFields {
  const isOfNoBody = query.get("x-amz-checksum-crc32") === CRC32_OF_NOTHING;
  const hoisted: string[] = [];
  for (let i = 0; i < query.names.length; i++) {
    const name = (query.names[i] as string).toLowerCase();
    if (!name.startsWith("x-amz-") || OWN.has(name) || headers.has(name)) continue;
    if (isOfNoBody && (name === "x-amz-checksum-crc32" || name === "x-amz-sdk-checksum-algorithm")) continue;
    hoisted.push(name, oneByteACharacter(query.values[i] as string));
  }
  if (hoisted.length === 0) return headers;
  return new HeaderFields([
    ...headers.names.flatMap((name, index) => [name, headers.values[index] as string]),
    ...hoisted,
  ]);
}

/** As a header would have been sent. Line ends become spaces, so that it could have been one. */
function oneByteACharacter(value: string): string {
  let out = "";
  for (const byte of encoder.encode(value)) out += byte === 0x0d || byte === 0x0a ? " " : String.fromCharCode(byte);
  return out;
}
