/** Sizes at which volumes are full and bodies large after little. */
export const MOVE_STORE_OPTIONS = {
  volumeBytes: 200_000,
  blobFromBytes: 60_000,
  cacheBytes: 100_000,
  reserveBytes: 0,
  engine: "classic-level" as const,
};

/** The body of a key: of many sizes, and unlike that of any other key. */
export function moveBody(key: string): Buffer {
  let hash = 7;
  for (const character of key) hash = (31 * hash + character.charCodeAt(0)) % 100_003;
  return Buffer.alloc(500 + hash, `${key};`);
}
