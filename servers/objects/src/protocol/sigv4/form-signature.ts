import { parseAmzDate } from "../dates.ts";
import { S3Error } from "../errors.ts";
import { ALGORITHM, unsupportedMechanism } from "./authorization.ts";
import { type Credential, parseCredential } from "./credential.ts";

/** The fields of a form that authenticate it. */
export interface FormSignature {
  readonly credential: Credential;
  readonly credentialText: string;
  readonly amzDate: string;
  /** The text that is signed: base64 as sent. */
  readonly policy: string;
  readonly signature: string;
}

const REQUIRED = ["policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"] as const;

/**
 * Reads the signature of a form; undefined if no field speaks of one.
 *
 * @param fields By name in lower case.
 * @throws S3Error InvalidArgument if one is missing or malformed; InvalidRequest for version 2.
 */
export function parseFormSignature(fields: ReadonlyMap<string, string>): FormSignature | undefined {
  if (fields.has("awsaccesskeyid") || fields.has("signature")) throw unsupportedMechanism();
  if (!REQUIRED.some((name) => fields.has(name))) return undefined;
  for (const name of REQUIRED) {
    if (!fields.has(name)) throw formError(`Bucket POST must contain a field named '${name}'.`);
  }
  if (fields.get("x-amz-algorithm") !== ALGORITHM) throw formError(`x-amz-algorithm only supports "${ALGORITHM}"`);
  const credentialText = fields.get("x-amz-credential") as string;
  const credential = parseCredential(credentialText);
  if (credential === undefined) throw formError("the x-amz-credential is mal-formed");
  const amzDate = fields.get("x-amz-date") as string;
  if (parseAmzDate(amzDate) === undefined) throw formError("the x-amz-date is mal-formed");
  return {
    credential,
    credentialText,
    amzDate,
    policy: fields.get("policy") as string,
    signature: fields.get("x-amz-signature") as string,
  };
}

/** InvalidArgument, with what is wrong with the form. */
export function formError(message: string, fields: Readonly<Record<string, string>> = {}): S3Error {
  return new S3Error("InvalidArgument", { message, fields });
}
