// Reading

export { booleanOf, childOf, childrenOf, integerOf, requiredTextOf, rootNamed, textOf } from "./elements.ts";
// Writing
export { escapeXml } from "./escape.ts";
export {
  MAX_XML_ATTRIBUTES,
  MAX_XML_BYTES,
  MAX_XML_DEPTH,
  MAX_XML_ELEMENTS,
  parseXml,
  type XmlElement,
} from "./parse.ts";
export { element, textElement, urlEncodeKey, xmlDocument } from "./write.ts";
