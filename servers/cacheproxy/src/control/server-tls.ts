import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import type { CacheproxyConfig } from "../config.ts";

/**
 * How servers are spoken to over TLS. Rejects if a file cannot be read.
 */
export async function readServerTls(
  config: Pick<CacheproxyConfig, "serverTlsCa" | "serverTlsCert" | "serverTlsKey" | "serverTlsName">,
): Promise<ConnectionOptions> {
  const { serverTlsCa, serverTlsCert, serverTlsKey, serverTlsName } = config;
  return {
    ...(serverTlsCa === "" ? {} : { ca: await readFile(serverTlsCa) }),
    ...(serverTlsCert === "" ? {} : { cert: await readFile(serverTlsCert), key: await readFile(serverTlsKey) }),
    ...(serverTlsName === "" ? {} : { servername: serverTlsName }),
  };
}
