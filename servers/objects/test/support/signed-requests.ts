// Signed requests to change and to verify.
import { S3Error } from "../../src/protocol/errors.ts";
import { HeaderFields } from "../../src/protocol/header-fields.ts";
import { EMPTY_SHA256, RequestSigner, SignatureVerifier } from "../../src/protocol/sigv4/index.ts";
import { signingHashes } from "../../src/service/signing-hashes.ts";

export const NOW = Date.UTC(2026, 10, 29, 12);
const IDENTITY = { accessKeyId: "AKID", secretAccessKey: "secret", region: "us-east-1" };
export const MINUTE = 60_000;
const verifier = new SignatureVerifier({
  hashes: signingHashes,
  region: "us-east-1",
  secretOf: (id) => (id === "AKID" ? "secret" : undefined),
});
/** Signs with the secret of `verifier`. */
export const signer = new RequestSigner(signingHashes, IDENTITY);

export interface Sent {
  method: string;
  path: string;
  query: string;
  rawHeaders: string[];
}

export function verify(sent: Sent, nowMs = NOW) {
  return verifier.verify({ ...sent, headers: new HeaderFields(sent.rawHeaders) }, nowMs);
}

export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof S3Error) return `${error.code}: ${error.message} ${JSON.stringify(error.fields)}`;
    throw error;
  }
  return "accepted";
}

export interface Change {
  headers?: string[];
  payload?: string;
  signAs?: { accessKeyId?: string; secretAccessKey?: string; region?: string };
  signedAt?: number;
  edit?: (sent: Sent) => void;
}

export function byHeader({ headers = [], payload = EMPTY_SHA256, signAs, signedAt = NOW, edit }: Change = {}): Sent {
  const request = {
    method: "GET",
    path: "/media/a%20b",
    query: "x-id=GetObject",
    rawHeaders: ["Host", "h:1", ...headers],
  };
  const signed = (signAs ? new RequestSigner(signingHashes, { ...IDENTITY, ...signAs }) : signer).signHeaders(
    request,
    payload,
    signedAt,
  );
  const sent = { ...request, rawHeaders: [...signed.rawHeaders] };
  edit?.(sent);
  return sent;
}

export function byQuery({ headers = [], signAs, signedAt = NOW, edit }: Change = {}, seconds = 60): Sent {
  const request = { method: "PUT", path: "/media/a", query: "", rawHeaders: ["Host", "h:1", ...headers] };
  const query = (signAs ? new RequestSigner(signingHashes, { ...IDENTITY, ...signAs }) : signer).presign(
    request,
    seconds,
    signedAt,
  );
  const sent = { ...request, query };
  edit?.(sent);
  return sent;
}

export function replaceHeader(name: string, change: (value: string) => string) {
  return ({ rawHeaders }: Sent) => {
    const at = rawHeaders.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name);
    rawHeaders[at + 1] = change(rawHeaders[at + 1]!);
  };
}

export function addHeader(name: string, value: string) {
  return ({ rawHeaders }: Sent): void => void rawHeaders.push(name, value);
}

export function replace(change: Partial<Sent>) {
  return (sent: Sent): void => void Object.assign(sent, change);
}

export function replaceQuery(change: (query: string) => string) {
  return (sent: Sent): void => {
    sent.query = change(sent.query);
  };
}
