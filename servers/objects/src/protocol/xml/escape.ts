/**
 * Text made safe to stand between tags and inside quotes of XML. Control characters become references, as S3 writes
 * them: XML 1.0 has no way to say them, and clients that expect such keys ask for `encoding-type=url`.
 */
export function escapeXml(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (needsEscape(text.charCodeAt(i))) return escapeFrom(text, i);
  }
  return text;
}

function needsEscape(code: number): boolean {
  if (code < 0x20) return true;
  // " & ' < > and what XML 1.0 cannot hold; a lone surrogate cannot be written in UTF-8 either.
  return code === 0x26 || code === 0x3c || code === 0x3e || code === 0x22 || code === 0x27 || code >= 0xd800;
}

function escapeFrom(text: string, start: number): string {
  let out = text.slice(0, start);
  for (const character of text.slice(start)) out += escapeCharacter(character);
  return out;
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) as number;
  switch (code) {
    case 0x26:
      return "&amp;";
    case 0x3c:
      return "&lt;";
    case 0x3e:
      return "&gt;";
    case 0x22:
      return "&quot;";
    case 0x27:
      return "&apos;";
    default:
  }
  if (code < 0x20) return `&#x${code.toString(16)};`;
  const isUnwritable = (code >= 0xd800 && code <= 0xdfff) || code === 0xfffe || code === 0xffff;
  return isUnwritable ? "\ufffd" : character;
}
