import { escapeXml } from "./escape.ts";

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** A whole document. @param content Already XML. */
export function xmlDocument(rootName: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${rootName} xmlns="${NAMESPACE}">${content}</${rootName}>`;
}

/** An element with text; nothing if the text is undefined. */
export function textElement(name: string, text: string | number | boolean | undefined): string {
  if (text === undefined) return "";
  return `<${name}>${typeof text === "string" ? escapeXml(text) : text}</${name}>`;
}

/** An element with elements inside. @param content Already XML. */
export function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

const PLAIN = /^[A-Za-z0-9._~/-]*$/;

/**
 * A key as listings write it under `encoding-type=url`: escaped but for unreserved characters and `/`. A space is `%20`
 * and not `+` as in S3 itself, because decoders of forms and decoders of paths agree on it.
 */
export function urlEncodeKey(key: string): string {
  if (PLAIN.test(key)) return key;
  const escaped = encodeURIComponent(key.isWellFormed() ? key : key.toWellFormed());
  return escaped.replaceAll("%2F", "/").replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}
