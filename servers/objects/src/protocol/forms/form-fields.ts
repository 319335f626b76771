import { S3Error } from "../errors.ts";

/** The fields of a form up to its file. */
export interface FormFields {
  /** By name in lower case, in the order of the form. */
  readonly values: ReadonlyMap<string, string>;
  /** The name that the file had where it came from; empty if it has none. */
  readonly fileName: string;
  /**
   * The Content-Type of the file's part, for forms without the field of that name. Undefined if the form has a policy:
   * a policy that names no type allows none, and the head of the file is no field that it could judge.
   */
  readonly fileType: string | undefined;
}

/** What the headers of a part say. */
export interface PartHead {
  /** In lower case. */
  readonly name: string;
  readonly fileName: string | undefined;
  readonly contentType: string | undefined;
}

/** A form has at most so many fields. */
export const MAX_FORM_FIELDS = 100;

/**
 * Reads the headers of a part: lines without the last line end.
 *
 * @throws S3Error MalformedPOSTRequest
 * @see RFC 7578 §4.2
 */
export function parsePartHead(text: string): PartHead {
  let disposition: string | undefined;
  let contentType: string | undefined;
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) throw new S3Error("MalformedPOSTRequest");
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "content-disposition") disposition = value;
    else if (name === "content-type") contentType = value;
  }
  if (disposition === undefined || !/^form-data\s*(;|$)/i.test(disposition)) throw new S3Error("MalformedPOSTRequest");
  const name = parameterOf(disposition, "name");
  if (name === undefined || name === "") throw new S3Error("MalformedPOSTRequest");
  return { name: name.toLowerCase(), fileName: parameterOf(disposition, "filename"), contentType };
}

/** A parameter of Content-Disposition, with or without quotes. Browsers escape quotes and line ends as `%22`, `%0D`, `%0A`. */
function parameterOf(disposition: string, name: string): string | undefined {
  const pattern = /;\s*([\w*-]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.){0,2000})"|([^\s;"]{0,2000}))/g;
  for (const [, key = "", quoted, plain] of disposition.matchAll(pattern)) {
    if (key.toLowerCase() !== name) continue;
    if (quoted === undefined) return plain;
    return quoted
      .replace(/\\(["\\])/g, "$1")
      .replace(/%22/g, '"')
      .replace(/%0D/gi, "\r")
      .replace(/%0A/gi, "\n");
  }
  return undefined;
}

/** Puts the file's own name where a key says `${filename}`; a path before the name is cut, as browsers once sent it. */
export function fillFileName(key: string, fileName: string): string {
  const name = fileName.slice(Math.max(fileName.lastIndexOf("/"), fileName.lastIndexOf("\\")) + 1);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the form says it in these letters.
  return key.replaceAll("${filename}", () => name);
}
