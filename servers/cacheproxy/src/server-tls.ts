import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { ConnectionOptions, SecureContextOptions } from "node:tls";
import type { CacheproxyConfig } from "./config.ts";
import { CacheproxyError } from "./errors.ts";

/** By which authority servers are known, and by which certificate they know this proxy. */
export interface ServerTls extends SecureContextOptions {
  /** That their certificates must have; empty for each one's host. */
  readonly serverName: string;
}

/** Of servers that Node's own authorities know. */
export const DEFAULT_SERVER_TLS: ServerTls = { serverName: "" };

/** The settings that say how servers are spoken to over TLS. */
export type ServerTlsSettings = Pick<
  CacheproxyConfig,
  "serverTlsCa" | "serverTlsCert" | "serverTlsKey" | "serverTlsName"
>;

/**
 * How servers are spoken to over TLS.
 *
 * @throws CacheproxyError `TLS_FILE_UNREADABLE`
 */
export async function readServerTls(settings: ServerTlsSettings): Promise<ServerTls> {
  const { serverTlsCa, serverTlsCert, serverTlsKey, serverTlsName } = settings;
  return {
    serverName: serverTlsName,
    ...(serverTlsCa !== "" && { ca: await readPem(serverTlsCa) }),
    ...(serverTlsCert !== "" && { cert: await readPem(serverTlsCert), key: await readPem(serverTlsKey) }),
  };
}

/** What `tls.connect` is given for a server at this host, beside where it connects to. */
export function serverTlsOptions({ serverName, ...context }: ServerTls, host: string): ConnectionOptions {
  // An address is no server name. A certificate is checked against the name that was asked for, or else the address.
  const servername = serverName === "" && isIP(host) === 0 ? host : serverName;
  return { ...context, host, ...(servername === "" ? {} : { servername }) };
}

/**
 * Reads a certificate or a key.
 *
 * @throws CacheproxyError `TLS_FILE_UNREADABLE`
 */
export async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { message } = cause as Error;
    const mend = "Give the path of a PEM file that this user can read";
    throw new CacheproxyError("TLS_FILE_UNREADABLE", `Cannot read ${path}: ${message}. ${mend}`, { cause });
  }
}
