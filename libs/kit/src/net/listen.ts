import type { Server } from "node:net";
import { type Address, formatAddress, parseAddress } from "../address.ts";

/** `code` is API: never renamed, never reused. */
export type ListenErrorCode =
  | "PORT_IN_USE"
  | "PORT_FORBIDDEN"
  | "ADDRESS_UNAVAILABLE"
  | "HOST_UNKNOWN"
  | "LISTEN_FAILED";

/** A server cannot listen; the message says at what address and how to mend it. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code: ListenErrorCode;

  constructor(code: ListenErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const BACKLOG = 1_024;

const ANY_IPV6 = "::";
const ANY_IPV4 = "0.0.0.0";

/**
 * Starts a server and tells the address it really got: port 0 becomes the port that the system chose.
 *
 * @param reusePort Whether other processes may listen at the same port in the same way; the system shares connections out.
 * @throws ListenError
 */
export async function startListening(
  server: Server,
  name: string,
  address: string | Address,
  reusePort = false,
): Promise<Address> {
  const wanted = typeof address === "string" ? parseAddress(address) : address;
  try {
    await listenAt(server, wanted, reusePort);
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    // "Every interface" on a machine or in a container without IPv6 is every IPv4 interface.
    if (wanted.host === ANY_IPV6 && (cause.code === "EAFNOSUPPORT" || cause.code === "EADDRNOTAVAIL")) {
      return await startListening(server, name, { host: ANY_IPV4, port: wanted.port }, reusePort);
    }
    throw listenError(name, wanted, cause);
  }
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error(`Listener ${name} has no TCP address`);
  return { host: wanted.host, port: bound.port };
}

function listenAt(server: Server, { host, port }: Address, reusePort: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: BACKLOG, reusePort }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

function listenError(name: string, wanted: Address, cause: NodeJS.ErrnoException): ListenError {
  const what = `Cannot listen for ${name} at ${formatAddress(wanted)}`;
  switch (cause.code) {
    case "EADDRINUSE": {
      const mend = "another process has the port. Stop it, or choose another port (0 picks a free one)";
      return new ListenError("PORT_IN_USE", `${what}: ${mend}`, { cause });
    }
    case "EACCES": {
      const mend = "ports below 1024 need a privilege. Choose a higher port, or grant CAP_NET_BIND_SERVICE";
      return new ListenError("PORT_FORBIDDEN", `${what}: ${mend}`, { cause });
    }
    case "EADDRNOTAVAIL": {
      const mend = "this machine does not have the address. Choose 127.0.0.1, or 0.0.0.0 for every interface";
      return new ListenError("ADDRESS_UNAVAILABLE", `${what}: ${mend}`, { cause });
    }
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ListenError("HOST_UNKNOWN", `${what}: the host name has no address. Write an IP address`, { cause });
    default:
      return new ListenError("LISTEN_FAILED", `${what}: ${cause.message}`, { cause });
  }
}
