import { S3Error } from "../errors.ts";
import type { XmlElement } from "./parse.ts";

/** The first child of this name. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

/** All children of this name, in order. */
export function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

/** The text of the first child of this name; undefined if there is none. @throws S3Error MalformedXML if it has children. */
export function textOf(element: XmlElement, name: string): string | undefined {
  const child = childOf(element, name);
  if (child !== undefined && child.children.length > 0) throw new S3Error("MalformedXML");
  return child?.text;
}

/** The text of a child that must be there. @throws S3Error MalformedXML */
export function requiredTextOf(element: XmlElement, name: string): string {
  const text = textOf(element, name);
  if (text === undefined) throw new S3Error("MalformedXML");
  return text;
}

/** `true` or `false` in a child; false if there is none. @throws S3Error MalformedXML for other texts. */
export function booleanOf(element: XmlElement, name: string): boolean {
  const text = textOf(element, name)?.trim().toLowerCase();
  if (text === undefined || text === "false") return false;
  if (text === "true") return true;
  throw new S3Error("MalformedXML");
}

/** A whole number of a child, undefined if there is none. @throws S3Error MalformedXML for other texts. */
export function integerOf(element: XmlElement, name: string): number | undefined {
  const text = textOf(element, name)?.trim();
  if (text === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw new S3Error("MalformedXML");
  return Number(text);
}

/** The element itself if it has this name. @throws S3Error MalformedXML */
export function rootNamed(element: XmlElement, name: string): XmlElement {
  if (element.name !== name) throw new S3Error("MalformedXML");
  return element;
}
