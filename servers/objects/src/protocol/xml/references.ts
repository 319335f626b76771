const FIVE: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

/**
 * The character that a reference names (`amp`, `#10`, `#x1f600`); undefined for other entities and for no character.
 * Control characters but NUL are let through: keys may hold them, and there is no other way to name such a key.
 */
export function readReference(name: string): string | undefined {
  if (!name.startsWith("#")) return FIVE.get(name);
  const isHex = name.startsWith("#x");
  const digits = name.slice(isHex ? 2 : 1);
  if (!(isHex ? /^[0-9a-fA-F]{1,8}$/ : /^[0-9]{1,8}$/).test(digits)) return undefined;
  const code = Number.parseInt(digits, isHex ? 16 : 10);
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return String.fromCodePoint(code);
}
