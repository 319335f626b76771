/**
 * The hash functions that signatures need; the service gives those of the platform. Texts hold one byte a character
 * (`latin1`), because a signature covers the bytes as they were sent.
 */
export interface SigningHashes {
  /** SHA-256, 64 lower-case digits. */
  sha256Hex(text: string): string;
  /** HMAC-SHA-256, 32 bytes. */
  hmac(key: Uint8Array, text: string): Uint8Array;
  /** HMAC-SHA-256, 64 lower-case digits. */
  hmacHex(key: Uint8Array, text: string): string;
  startSha256(): RunningSha256;
}

/** A SHA-256 over bytes that come in pieces. */
export interface RunningSha256 {
  update(bytes: Uint8Array): void;
  /** 64 lower-case digits; ends it. */
  digestHex(): string;
}

/** SHA-256 of nothing. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Whether both are equal, in a time that does not tell where they differ. Their lengths are no secret. */
export function equalSecrets(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
