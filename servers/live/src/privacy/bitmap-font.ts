import type { Plane } from "@kagami/kernels";

const GLYPH_WIDTH = 5;
const GLYPH_HEIGHT = 7;
/** One column of air after each glyph. */
const ADVANCE = GLYPH_WIDTH + 1;

/** Seven rows of five dots each, a base-32 digit a row, the left dot in the highest bit. */
const GLYPHS: Readonly<Record<string, string>> = {
  A: "ehhvhhh",
  B: "uhhuhhu",
  C: "ehggghe",
  D: "uhhhhhu",
  E: "vgguggv",
  F: "vgguggg",
  G: "ehgnhhf",
  H: "hhhvhhh",
  I: "e44444e",
  J: "72222ic",
  K: "hikokih",
  L: "ggggggv",
  M: "hrllhhh",
  N: "hpplljh",
  O: "ehhhhhe",
  P: "uhhuggg",
  Q: "ehhhlid",
  R: "uhhukih",
  S: "fgge11u",
  T: "v444444",
  U: "hhhhhhe",
  V: "hhhhha4",
  W: "hhhllla",
  X: "hha4ahh",
  Y: "hha4444",
  Z: "v1248gv",
  "0": "ehjlphe",
  "1": "4c4444e",
  "2": "eh1248v",
  "3": "v2421he",
  "4": "26aiv22",
  "5": "vgu11he",
  "6": "68guhhe",
  "7": "v124888",
  "8": "ehhehhe",
  "9": "ehhf12c",
  "-": "000v000",
  ".": "00000cc",
  "%": "op248j3",
  ":": "0cc0cc0",
  "/": "01248g0",
};

/** Width of a text in samples, at so many samples a dot. */
export function textWidth(text: string, dot: number): number {
  return text.length * ADVANCE * dot;
}

/**
 * Writes a text into a plane, in capitals; what is outside is left out, and characters without a glyph are blanks.
 *
 * @param dot Side of a dot, in samples. A text is `7 * dot` tall.
 */
export function drawText(plane: Plane, text: string, x: number, y: number, dot: number, value: number): void {
  let left = x;
  for (const character of text.toUpperCase()) {
    const rows = GLYPHS[character];
    if (rows !== undefined) drawGlyph(plane, rows, left, y, dot, value);
    left += ADVANCE * dot;
  }
}

/** Fills a rectangle of a plane, as far as it is inside. */
export function fillRect(plane: Plane, x: number, y: number, width: number, height: number, value: number): void {
  const left = Math.max(0, Math.round(x));
  const right = Math.min(plane.width, Math.round(x + width));
  const bottom = Math.min(plane.height, Math.round(y + height));
  if (right <= left) return;
  for (let row = Math.max(0, Math.round(y)); row < bottom; row++) {
    plane.data.fill(value, row * plane.stride + left, row * plane.stride + right);
  }
}

function drawGlyph(plane: Plane, rows: string, x: number, y: number, dot: number, value: number): void {
  for (let row = 0; row < GLYPH_HEIGHT; row++) {
    const bits = Number.parseInt(rows[row] ?? "0", 32);
    for (let column = 0; column < GLYPH_WIDTH; column++) {
      if ((bits >> (GLYPH_WIDTH - 1 - column)) & 1) fillRect(plane, x + column * dot, y + row * dot, dot, dot, value);
    }
  }
}
