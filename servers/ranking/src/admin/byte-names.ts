/** Bytes that clients chose, for JSON: as text if they are UTF-8, and in base64 in any case. */
export interface ByteName {
  /** `undefined` if the bytes are no UTF-8. */
  readonly text: string | undefined;
  readonly base64: string;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param bytes Bytes, or byte text as the engine has it: a letter for each byte. */
export function byteName(bytes: Uint8Array | string): ByteName {
  const buffer = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : Buffer.from(bytes);
  return { text: decode(buffer), base64: buffer.toString("base64url") };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined; // said by the type: it is no text
  }
}
