import type { CorsRule } from "../../engine/cors/cors.ts";
import { S3Error } from "../errors.ts";
import {
  childrenOf,
  element,
  integerOf,
  rootNamed,
  textElement,
  textOf,
  type XmlElement,
  xmlDocument,
} from "../xml/index.ts";
import { onlyChildren } from "./only-children.ts";

/** As S3. */
const CORS_RULE_LIMIT = 100;
const LIST_LIMIT = 100;
const METHODS = new Set(["GET", "PUT", "POST", "DELETE", "HEAD"]);
/** A header's name, or a pattern of one. */
const HEADER_PATTERN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}$/;
/** An origin reaches a response header: nothing that would end one. */
const ORIGIN_PATTERN = /^[\x21-\x7e]{1,300}$/;

/**
 * Reads a CORS configuration.
 *
 * @throws S3Error MalformedXML, InvalidRequest
 * @see Amazon S3 API Reference, PutBucketCors
 */
export function readCors(root: XmlElement): readonly CorsRule[] {
  rootNamed(root, "CORSConfiguration");
  onlyChildren(root, ["CORSRule"]);
  const elements = childrenOf(root, "CORSRule");
  if (elements.length === 0 || elements.length > CORS_RULE_LIMIT) throw new S3Error("MalformedXML");
  return elements.map(readRule);
}

function readRule(rule: XmlElement): CorsRule {
  onlyChildren(rule, ["ID", "AllowedOrigin", "AllowedMethod", "AllowedHeader", "ExposeHeader", "MaxAgeSeconds"]);
  const allowedOrigins = texts(rule, "AllowedOrigin");
  const allowedMethods = texts(rule, "AllowedMethod");
  if (allowedOrigins.length === 0 || allowedMethods.length === 0) throw new S3Error("MalformedXML");
  for (const origin of allowedOrigins) checkPattern(origin, "AllowedOrigin", ORIGIN_PATTERN);
  for (const method of allowedMethods) {
    if (!METHODS.has(method)) {
      throw new S3Error("InvalidRequest", {
        message: `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
      });
    }
  }
  const allowedHeaders = texts(rule, "AllowedHeader");
  for (const header of allowedHeaders) checkPattern(header, "AllowedHeader", HEADER_PATTERN);
  const exposeHeaders = texts(rule, "ExposeHeader");
  for (const header of exposeHeaders) {
    if (header.includes("*") || !HEADER_PATTERN.test(header)) {
      throw new S3Error("InvalidRequest", { message: `ExposeHeader "${header}" contains wildcard or no header name` });
    }
  }
  const maxAgeSeconds = integerOf(rule, "MaxAgeSeconds");
  if (maxAgeSeconds !== undefined && (maxAgeSeconds < 0 || maxAgeSeconds > 0x7fff_ffff))
    throw new S3Error("MalformedXML");
  return {
    id: textOf(rule, "ID"),
    allowedOrigins,
    allowedMethods,
    allowedHeaders: allowedHeaders.map((name) => name.toLowerCase()),
    exposeHeaders,
    maxAgeSeconds,
  };
}

function texts(rule: XmlElement, name: string): string[] {
  const list = childrenOf(rule, name).map(({ text }) => text.trim());
  if (list.length > LIST_LIMIT) throw new S3Error("MalformedXML");
  return list;
}

function checkPattern(pattern: string, name: string, allowed: RegExp): void {
  if (pattern.indexOf("*") !== pattern.lastIndexOf("*")) {
    throw new S3Error("InvalidRequest", { message: `${name} "${pattern}" can not have more than one wildcard.` });
  }
  // Patterns are globs inside: a question mark would be a second wildcard.
  if (!allowed.test(pattern) || pattern.includes("?"))
    throw new S3Error("InvalidRequest", { message: `${name} "${pattern}" is not allowed` });
}

/** What {@link readCors} reads. */
export function writeCors(rules: readonly CorsRule[]): string {
  const list = (name: string, values: readonly string[]): string =>
    values.map((value) => textElement(name, value)).join("");
  return xmlDocument(
    "CORSConfiguration",
    rules
      .map((rule) =>
        element(
          "CORSRule",
          textElement("ID", rule.id) +
            list("AllowedOrigin", rule.allowedOrigins) +
            list("AllowedMethod", rule.allowedMethods) +
            list("AllowedHeader", rule.allowedHeaders) +
            list("ExposeHeader", rule.exposeHeaders) +
            textElement("MaxAgeSeconds", rule.maxAgeSeconds),
        ),
      )
      .join(""),
  );
}
