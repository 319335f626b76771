import { textElement, xmlDocument } from "../xml/index.ts";

/** An object that a form has made. */
export interface PostedObject {
  /** The address of the object. */
  readonly location: string;
  readonly bucket: string;
  readonly key: string;
  /** Without quotes. */
  readonly etag: string;
}

/** How a form is answered. */
export interface FormReply {
  readonly status: 200 | 201 | 204 | 303;
  /** Of a redirection. */
  readonly redirect: string | undefined;
  /** XML of a 201; empty otherwise. */
  readonly body: string;
}

/**
 * The answer that the form asks for by `success_action_redirect` or `success_action_status`; 204 if by neither, or by
 * what is no address or no such status.
 *
 * @param fields By name in lower case.
 */
export function formReply(fields: ReadonlyMap<string, string>, posted: PostedObject): FormReply {
  const target = fields.get("success_action_redirect") ?? fields.get("redirect");
  const redirect = target === undefined ? undefined : redirectTo(target, posted);
  if (redirect !== undefined) return { status: 303, redirect, body: "" };
  const status = fields.get("success_action_status");
  if (status === "201") return { status: 201, redirect: undefined, body: postResponse(posted) };
  return { status: status === "200" ? 200 : 204, redirect: undefined, body: "" };
}

/** Only addresses of the web: a browser would run `javascript:`. Undefined for others. */
function redirectTo(target: string, { bucket, key, etag }: PostedObject): string | undefined {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined;
  url.searchParams.append("bucket", bucket);
  url.searchParams.append("key", key);
  url.searchParams.append("etag", `"${etag}"`);
  return url.href;
}

function postResponse({ location, bucket, key, etag }: PostedObject): string {
  return xmlDocument(
    "PostResponse",
    textElement("Location", location) +
      textElement("Bucket", bucket) +
      textElement("Key", key) +
      textElement("ETag", `"${etag}"`),
  );
}
