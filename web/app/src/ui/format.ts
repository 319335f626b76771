/** `1234` → `1,234`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** Length of time as `m:ss` or `h:mm:ss`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const s = String(seconds % 60).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${s}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${s}`;
}

/** `850` → `850 kbit/s`, `4200` → `4.2 Mbit/s`. */
export function formatBitrate(kbps: number): string {
  return kbps < 1000 ? `${Math.round(kbps)} kbit/s` : `${(kbps / 1000).toFixed(1)} Mbit/s`;
}

/** Milliseconds below a second, seconds with one digit above. */
export function formatLatency(ms: number): string {
  return Math.abs(ms) < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Frame rates are whole, or one digit where the digit says something: 29.97 is shown as 30. */
export function formatFps(fps: number): string {
  const rounded = Math.round(fps);
  return Math.abs(fps - rounded) < 0.25 ? String(rounded) : fps.toFixed(1);
}

/** The usual name of a picture size, by its shorter side: 1280 × 720 and 720 × 1280 are both `720p`. */
export function formatResolution(width: number, height: number): string {
  return `${Math.min(width, height)}p`;
}

/** Names of codecs as people know them. */
export function formatCodec(codec: string): string {
  const names: Readonly<Record<string, string>> = {
    h264: "H.264",
    h265: "H.265",
    av1: "AV1",
    vp9: "VP9",
    aac: "AAC",
    opus: "Opus",
  };
  return names[codec] ?? codec;
}
