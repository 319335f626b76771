import { S3Error } from "../errors.ts";
import type { XmlElement } from "../xml/index.ts";

/**
 * Refuses an element that has children of other names: a setting that was passed over silently would be one that its
 * owner believes in.
 *
 * @throws S3Error MalformedXML
 */
export function onlyChildren(element: XmlElement, names: readonly string[]): void {
  for (const { name } of element.children) if (!names.includes(name)) throw new S3Error("MalformedXML");
}
