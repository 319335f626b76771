/** Lower-case hexadecimal of `bytes`, two digits a byte, no separator. */
export function toHex(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += byte.toString(16).padStart(2, "0");
  return out;
}

/**
 * Bytes of a hexadecimal text. Spaces, newlines and `#` comments up to the end of the line are passed over,
 * so that wire captures can be annotated.
 *
 * @throws RangeError if a digit is not hexadecimal or their count is odd.
 */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/#[^\n]*/g, "").replace(/\s+/g, "");
  if (digits.length % 2 !== 0) throw new RangeError(`Cannot read hex: ${digits.length} digits is an odd count`);
  const wrong = /[^0-9a-f]/i.exec(digits);
  if (wrong) throw new RangeError(`Cannot read hex: "${wrong[0]}" at digit ${wrong.index} is not hexadecimal`);
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}
