import { z } from "zod";

/** A place to listen at or connect to. `host` is a name or an IP address without brackets; `port` 0 to 65535. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The text is not `host:port`; the message says what is wrong with it. */
export class AddressError extends Error {
  override readonly name = "AddressError";
  readonly code = "ADDRESS_INVALID";
}

/**
 * Reads `host:port`, `[::1]:port` or `:port` (every interface). Port 0 asks the system for a free one.
 *
 * @throws AddressError
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(text);
  if (!match) {
    const isBareIpv6 = /^[0-9a-f]*:[0-9a-f:.]*$/i.test(text) && text.split(":").length > 2;
    const mend = isBareIpv6 ? `write IPv6 in brackets: "[::1]:8080"` : `write host:port, such as "127.0.0.1:8080"`;
    throw new AddressError(`Cannot read address ${JSON.stringify(text.slice(0, 200))}: ${mend}`);
  }
  const [, ipv6, name, digits] = match;
  const port = Number(digits);
  if (port > 65_535) throw new AddressError(`Cannot read address "${text}": port ${port} is above 65535`);
  if (ipv6 !== undefined) {
    if (!isIpv6(ipv6)) throw new AddressError(`Cannot read address "${text}": "${ipv6}" is not an IPv6 address`);
    return { host: ipv6, port };
  }
  const host = name === undefined || name === "" ? "::" : name;
  if (host !== "::" && !/^[a-z0-9]([a-z0-9._-]*[a-z0-9.])?$/i.test(host)) {
    throw new AddressError(`Cannot read address "${text.slice(0, 200)}": the host name has characters it cannot have`);
  }
  return { host, port };
}

/** `host:port`, with brackets round an IPv6 host. */
export function formatAddress(address: Address): string {
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether only this machine can reach the host: `localhost`, `127.0.0.0/8`, `::1` and its IPv4-mapped twin. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (name === "::1" || name === "0:0:0:0:0:0:0:1") return true;
  const ipv4 = name.startsWith("::ffff:") ? name.slice(7) : name;
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(ipv4);
}

/** A setting that holds `host:port`, checked when the configuration is read. Chain `.default()` and `.describe()`. */
export function addressSetting(): z.ZodString {
  return z
    .string()
    .refine((text) => addressProblem(text) === undefined, { error: (issue) => addressProblem(String(issue.input)) })
    .meta({ placeholder: "host:port" });
}

function addressProblem(text: string): string | undefined {
  try {
    parseAddress(text);
    return undefined;
  } catch (error) {
    if (error instanceof AddressError) return error.message;
    throw error;
  }
}

function isIpv6(host: string): boolean {
  // URL parsing is the platform's own IPv6 grammar; a zone index is not part of it.
  return host.includes(":") && URL.canParse(`http://[${host.replace(/%[a-z0-9._-]+$/i, "")}]/`);
}
