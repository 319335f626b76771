import type { Checksum, ChecksumAlgorithm } from "../../store/object-store.ts";
import { textElement, textOf, type XmlElement } from "../xml/index.ts";

/** The element that holds a checksum, by its algorithm. */
const ELEMENT: Readonly<Record<ChecksumAlgorithm, string>> = {
  CRC32: "ChecksumCRC32",
  CRC32C: "ChecksumCRC32C",
  CRC64NVME: "ChecksumCRC64NVME",
  SHA1: "ChecksumSHA1",
  SHA256: "ChecksumSHA256",
};

/** `<ChecksumCRC32>…</ChecksumCRC32>`, and its type if asked for; nothing without a checksum. */
export function checksumElements(checksum: Checksum | undefined, hasType: boolean): string {
  if (checksum === undefined) return "";
  const value = textElement(ELEMENT[checksum.algorithm], checksum.value);
  return hasType ? value + textElement("ChecksumType", checksum.type) : value;
}

/** The algorithm and type of a checksum, as listings tell them. */
export function checksumKindElements(
  algorithm: ChecksumAlgorithm | undefined,
  type: Checksum["type"] | undefined,
): string {
  return textElement("ChecksumAlgorithm", algorithm) + textElement("ChecksumType", type);
}

/** The checksum among the children of an element; the first if there are more. */
export function checksumIn(parent: XmlElement): { algorithm: ChecksumAlgorithm; value: string } | undefined {
  for (const algorithm of Object.keys(ELEMENT) as ChecksumAlgorithm[]) {
    const value = textOf(parent, ELEMENT[algorithm]);
    if (value !== undefined) return { algorithm, value };
  }
  return undefined;
}
