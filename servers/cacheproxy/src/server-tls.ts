import { isIP } from "node:net";
import type { ConnectionOptions, SecureContextOptions } from "node:tls";
import { readPem } from "@kagami/kit";
import type { CacheproxyConfig } from "./config.ts";

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
 * @throws TlsFileError
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
