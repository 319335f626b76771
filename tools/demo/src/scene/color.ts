/** A colour as the canvas holds it: BT.709 video-range Y in bits 0-7, U in 8-15, V in 16-23. */
export type PackedColor = number;

/** No colour: what is under it stays. */
export const TRANSPARENT: PackedColor = -1;

/** Converts 0xRRGGBB (BT.709, video range). */
export function rgb(hex: number): PackedColor {
  const r = (hex >> 16) / 255;
  const g = ((hex >> 8) & 255) / 255;
  const b = (hex & 255) / 255;
  const luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const y = Math.round(16 + 219 * luma);
  const u = Math.round(128 + (224 * (b - luma)) / 1.8556);
  const v = Math.round(128 + (224 * (r - luma)) / 1.5748);
  return y | (u << 8) | (v << 16);
}

/** Mixes two colours: 0 is all `a`, 1 is all `b`. */
export function mix(a: PackedColor, b: PackedColor, share: number): PackedColor {
  const part = (shift: number) => {
    const from = (a >> shift) & 255;
    return Math.round(from + (((b >> shift) & 255) - from) * share) << shift;
  };
  return part(0) | part(8) | part(16);
}
