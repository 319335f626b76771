/** Orders byte strings as C's `memcmp` does, a beginning before what goes on. Negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const size = Math.min(a.length, b.length);
  for (let i = 0; i < size; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
