import type { TlsOptions } from "node:tls";
import { readPem } from "@kagami/kit";
import type { ObjectsConfig } from "./config.ts";
import { ObjectsError } from "./errors.ts";

/** The server's certificate; undefined for plain HTTP. @throws ObjectsError TLS_INVALID; TlsFileError */
export async function readServerTls({ tlsCert, tlsKey }: ObjectsConfig): Promise<TlsOptions | undefined> {
  if (tlsCert === "" && tlsKey === "") return undefined;
  if (tlsCert === "" || tlsKey === "") {
    throw new ObjectsError("TLS_INVALID", "Cannot speak TLS: set both tlsCert and tlsKey, or neither");
  }
  const [cert, key] = [await readPem(tlsCert), await readPem(tlsKey)];
  return { cert, key, minVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] };
}
