import { ERROR_CODES, type S3ErrorCode } from "./error-codes.ts";
import { escapeXml } from "./xml/escape.ts";

/** What an {@link S3Error} says beyond its code. */
export interface S3ErrorDetails {
  /** Instead of the code's usual message. Reaches the client: no secret, no file name. */
  readonly message?: string;
  /** Elements beside Code and Message, in order, e.g. `{ BucketName: "media" }`; names must be XML names. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Headers of the reply, e.g. `Allow` or `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error that is answered to the client as S3 answers it. `code` is API of S3; `status` is its HTTP status. */
export class S3Error extends Error {
  override readonly name = "S3Error";
  readonly code: S3ErrorCode;
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: S3ErrorCode, details: S3ErrorDetails = {}) {
    const [status, usualMessage] = ERROR_CODES[code];
    super(details.message ?? usualMessage, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = status;
    this.fields = details.fields ?? {};
    this.headers = details.headers ?? {};
  }
}

/** Where an error happened, for its XML. */
export interface ErrorPlace {
  /** The path as it was asked for: `/bucket/key`. */
  readonly resource: string;
  readonly requestId: string;
  readonly hostId: string;
}

/** The body of an error reply. HEAD replies and 304 have none: the caller leaves it out. */
export function writeErrorXml(error: S3Error, place: ErrorPlace): string {
  let fields = "";
  for (const [name, value] of Object.entries(error.fields)) fields += `<${name}>${escapeXml(value)}</${name}>`;
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error.code}</Code>` +
    `<Message>${escapeXml(error.message)}</Message>${fields}` +
    `<Resource>${escapeXml(place.resource)}</Resource><RequestId>${escapeXml(place.requestId)}</RequestId>` +
    `<HostId>${escapeXml(place.hostId)}</HostId></Error>`
  );
}

/** InvalidArgument with the two fields that name the argument, as S3 gives them. */
export function invalidArgument(message: string, argumentName: string, argumentValue: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: argumentName, ArgumentValue: argumentValue },
  });
}
