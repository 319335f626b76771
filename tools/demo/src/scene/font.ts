import type { Bitmap } from "./bitmap.ts";
import type { PackedColor } from "./color.ts";

/** Height of a glyph in font pixels; glyphs are 5 wide and stand 6 apart. */
const GLYPH_HEIGHT = 7;

// Seven rows of five bits a glyph, as two hexadecimal digits each.
const GLYPHS: Readonly<Record<string, string>> = {
  "0": "0e11131519110e",
  "1": "040c040404040e",
  "2": "0e11010204081f",
  "3": "1f02040201110e",
  "4": "02060a121f0202",
  "5": "1f101e0101110e",
  "6": "0608101e11110e",
  "7": "1f010204080808",
  "8": "0e11110e11110e",
  "9": "0e11110f01020c",
  A: "0e11111f111111",
  B: "1e11111e11111e",
  C: "0e11101010110e",
  D: "1c12111111121c",
  E: "1f10101e10101f",
  F: "1f10101e101010",
  G: "0e11101711110f",
  H: "1111111f111111",
  I: "0e04040404040e",
  J: "0702020202120c",
  K: "11121418141211",
  L: "1010101010101f",
  M: "111b1515111111",
  N: "11111915131111",
  O: "0e11111111110e",
  P: "1e11111e101010",
  Q: "0e11111115120d",
  R: "1e11111e141211",
  S: "0f10100e01011e",
  T: "1f040404040404",
  U: "1111111111110e",
  V: "11111111110a04",
  W: "1111111515150a",
  X: "11110a040a1111",
  Y: "1111110a040404",
  Z: "1f01020408101f",
  ":": "000c0c000c0c00",
  "!": "04040404040004",
  "+": "0004041f040400",
  "-": "0000001f000000",
  "%": "18190204081303",
  ".": "00000000000c0c",
  "/": "00010204081000",
  "*": "000a041f040a00",
};

const ROWS = new Map(
  Object.entries(GLYPHS).map(([letter, hex]) => [
    letter,
    Array.from({ length: GLYPH_HEIGHT }, (_, row) => Number.parseInt(hex.slice(row * 2, row * 2 + 2), 16)),
  ]),
);

/** Width of `text` in pixels. */
export function textWidth(text: string, scale: number): number {
  return (text.length * 6 - 1) * scale;
}

/** Draws capital letters, digits and a few signs; anything else leaves a gap. */
export function drawText(target: Bitmap, text: string, x: number, y: number, scale: number, color: PackedColor): void {
  let left = x;
  for (const letter of text) {
    const rows = ROWS.get(letter);
    for (let row = 0; rows !== undefined && row < GLYPH_HEIGHT; row++) {
      const bits = rows[row]!;
      for (let column = 0; column < 5; column++) {
        if (bits & (16 >> column)) target.fillRect(left + column * scale, y + row * scale, scale, scale, color);
      }
    }
    left += 6 * scale;
  }
}

/** Text with a one-step outline, for letters over the picture. */
export function drawOutlinedText(
  target: Bitmap,
  text: string,
  x: number,
  y: number,
  scale: number,
  color: PackedColor,
  outline: PackedColor,
): void {
  const step = Math.max(1, scale >> 1);
  for (const [dx, dy] of OUTLINE) drawText(target, text, x + dx! * step, y + dy! * step, scale, outline);
  drawText(target, text, x, y, scale, color);
}

const OUTLINE = [
  [-1, 0],
  [1, 0],
  [0, -1],
  [0, 1],
  [-1, -1],
  [1, -1],
  [-1, 1],
  [1, 1],
  [0, 2],
  [1, 2],
  [-1, 2],
];
