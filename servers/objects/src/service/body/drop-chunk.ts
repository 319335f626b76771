/** Smaller ones may be slices of memory that others use, too, and cost the collector little. */
const MIN_BYTES = 16_384;

/**
 * Frees the memory of a chunk that has been used up, now instead of at the next collection: large bodies made the collector
 * look through the whole heap every 64 MB, and the next chunk comes into memory that is still in the processor's cache.
 * Whoever has another view on the chunk finds it empty.
 */
export function dropChunk({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < MIN_BYTES || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return;
  buffer.transfer(0);
}
