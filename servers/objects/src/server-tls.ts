import { readFile } from "node:fs/promises";
import type { TlsOptions } from "node:tls";
import type { ObjectsConfig } from "./config.ts";
import { ObjectsError } from "./errors.ts";

/** The server's certificate; undefined for plain HTTP. @throws ObjectsError TLS_INVALID */
export async function readServerTls({ tlsCert, tlsKey }: ObjectsConfig): Promise<TlsOptions | undefined> {
  if (tlsCert === "" && tlsKey === "") return undefined;
  if (tlsCert === "" || tlsKey === "") {
    throw new ObjectsError("TLS_INVALID", "Cannot speak TLS: set both tlsCert and tlsKey, or neither");
  }
  try {
    const [cert, key] = await Promise.all([readFile(tlsCert), readFile(tlsKey)]);
    return { cert, key, minVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] };
  } catch (cause) {
    const which = (cause as NodeJS.ErrnoException).path ?? `${tlsCert} and ${tlsKey}`;
    throw new ObjectsError("TLS_INVALID", `Cannot read ${which}: check its path, owner and mode`, { cause });
  }
}
