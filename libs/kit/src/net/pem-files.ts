import { readFile } from "node:fs/promises";
import type { TlsOptions } from "node:tls";

/** A certificate or key cannot be read; the message names the file and says how to mend it. */
export class TlsFileError extends Error {
  override readonly name = "TlsFileError";
  /** API: never renamed, never reused. */
  readonly code = "TLS_FILE_UNREADABLE";
}

/** The settings of a listener for TLS; paths of PEM files. */
export interface TlsListenerSettings {
  /** An address, or `off`. */
  readonly tlsListen: string;
  readonly tlsCert: string;
  readonly tlsKey: string;
  /** Clients must show a certificate of these authorities; empty asks for none. */
  readonly tlsClientCa: string;
}

/**
 * What a listener for TLS needs; `undefined` if there is none.
 *
 * @throws TlsFileError
 */
export async function readListenerTls(settings: TlsListenerSettings): Promise<TlsOptions | undefined> {
  const { tlsListen, tlsCert, tlsKey, tlsClientCa } = settings;
  if (tlsListen === "off") return undefined;
  const asksClients = tlsClientCa !== "";
  return {
    cert: await readPem(tlsCert),
    key: await readPem(tlsKey),
    ...(asksClients && { ca: await readPem(tlsClientCa), requestCert: true, rejectUnauthorized: true }),
  };
}

/**
 * Reads a certificate or a key.
 *
 * @throws TlsFileError
 */
export async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const mend = "Give the path of a PEM file that this user can read";
    throw new TlsFileError(`Cannot read ${path}: ${(cause as Error).message}. ${mend}`, { cause });
  }
}
