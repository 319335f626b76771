/** One EXT-X-STREAM-INF. */
export interface Variant {
  readonly uri: string;
  /** Peak segment bit rate, in bits per second. */
  readonly peakBitsPerSecond: number;
  readonly averageBitsPerSecond?: number;
  /** RFC 6381 strings, such as `avc1.64001f` and `mp4a.40.2`: of every track that any segment has. */
  readonly codecStrings: readonly string[];
  /** Pixels. */
  readonly resolution?: { readonly width: number; readonly height: number };
  readonly frameRate?: number;
}

/**
 * Writes a Multivariant Playlist.
 *
 * @param uriSuffix Appended as it is to every URI, such as `?token=abc`.
 * @see RFC 8216bis §4.4.6.2
 */
export function renderMultivariantPlaylist(variants: readonly Variant[], uriSuffix = ""): string {
  const lines = ["#EXTM3U", "#EXT-X-VERSION:6"];
  for (const variant of variants) {
    const attributes = [`BANDWIDTH=${wholeRate(variant.peakBitsPerSecond)}`];
    if (variant.averageBitsPerSecond !== undefined) {
      attributes.push(`AVERAGE-BANDWIDTH=${wholeRate(variant.averageBitsPerSecond)}`);
    }
    if (variant.codecStrings.length > 0) attributes.push(`CODECS="${variant.codecStrings.join(",")}"`);
    if (variant.resolution !== undefined) {
      attributes.push(`RESOLUTION=${variant.resolution.width}x${variant.resolution.height}`);
    }
    if (variant.frameRate !== undefined) attributes.push(`FRAME-RATE=${variant.frameRate.toFixed(3)}`);
    lines.push(`#EXT-X-STREAM-INF:${attributes.join(",")}`, variant.uri + uriSuffix);
  }
  lines.push("");
  return lines.join("\n");
}

/** BANDWIDTH of 0 is refused by players, so an unmeasured stream says 1. */
function wholeRate(bitsPerSecond: number): number {
  return Math.max(1, Math.ceil(bitsPerSecond));
}
