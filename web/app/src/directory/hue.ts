const HUE_COUNT = 6;

/** One of six colours for a channel's cover, always the same for a name. */
export function hueOf(name: string): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return hash % HUE_COUNT;
}
