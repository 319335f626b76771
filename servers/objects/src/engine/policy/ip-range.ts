/** A network: an address and how many of its leading bits count. IPv4 is kept as IPv4-mapped IPv6. */
export interface IpRange {
  readonly bytes: readonly number[];
  readonly prefixBits: number;
}

const V4_PREFIX_BITS = 96;
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/**
 * Reads `192.0.2.0/24`, `2001:db8::/32` or a single address.
 *
 * @returns `undefined` if it is neither.
 */
export function parseIpRange(text: string): IpRange | undefined {
  const slashAt = text.indexOf("/");
  const address = slashAt < 0 ? text : text.slice(0, slashAt);
  const bytes = parseIp(address);
  if (!bytes) return undefined;
  const isV4 = !address.includes(":");
  const widest = isV4 ? 32 : 128;
  let bits = widest;
  if (slashAt >= 0) {
    const digits = text.slice(slashAt + 1);
    if (!/^\d{1,3}$/.test(digits)) return undefined;
    bits = Number(digits);
    if (bits > widest) return undefined;
  }
  return { bytes, prefixBits: isV4 ? V4_PREFIX_BITS + bits : bits };
}

/** Whether an address (with or without a zone) lies in a range; what is no address lies in none. */
export function ipInRange(address: string, range: IpRange): boolean {
  const bytes = parseIp(address.split("%", 1)[0] ?? "");
  if (!bytes) return false;
  const wholeBytes = range.prefixBits >> 3;
  for (let i = 0; i < wholeBytes; i++) if (bytes[i] !== range.bytes[i]) return false;
  const restBits = range.prefixBits & 7;
  if (restBits === 0) return true;
  const mask = (0xff << (8 - restBits)) & 0xff;
  return ((bytes[wholeBytes] ?? 0) & mask) === ((range.bytes[wholeBytes] ?? 0) & mask);
}

function parseIp(text: string): number[] | undefined {
  if (!text.includes(":")) {
    const four = parseV4(text);
    return four ? [...MAPPED, ...four] : undefined;
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const left = parseGroups(halves[0] ?? "", halves.length === 1);
  const right = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (!left || !right) return undefined;
  const missing = 16 - left.length - right.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...left, ...new Array<number>(missing).fill(0), ...right];
}

function parseGroups(text: string, mayEndWithV4: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    if (group.includes(".")) {
      const four = mayEndWithV4 && i === groups.length - 1 ? parseV4(group) : undefined;
      if (!four) return undefined;
      bytes.push(...four);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes.length > 16 ? undefined : bytes;
}

function parseV4(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes: number[] = [];
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes.push(Number(part));
  }
  return bytes;
}
