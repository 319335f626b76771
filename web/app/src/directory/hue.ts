const HUE_COUNT = 6;

/** One of six colours for a channel's cover, always the same for a name. */
export function hueOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  // The low bits of such a hash are its worst.
  return (hash >>> 13) % HUE_COUNT;
}
