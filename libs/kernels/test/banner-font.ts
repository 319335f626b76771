/** Glyphs of 5 by 7 squares, drawn for this test; a row of squares is a word. */
const GLYPHS: Readonly<Record<string, string>> = {
  A: ".###. #...# #...# ##### #...# #...# #...#",
  B: "####. #...# #...# ####. #...# #...# ####.",
  C: ".#### #.... #.... #.... #.... #.... .####",
  D: "####. #...# #...# #...# #...# #...# ####.",
  E: "##### #.... #.... ####. #.... #.... #####",
  F: "##### #.... #.... ####. #.... #.... #....",
  G: ".#### #.... #.... #..## #...# #...# .####",
  H: "#...# #...# #...# ##### #...# #...# #...#",
  I: ".###. ..#.. ..#.. ..#.. ..#.. ..#.. .###.",
  J: "..### ...#. ...#. ...#. ...#. #..#. .##..",
  K: "#...# #..#. #.#.. ##... #.#.. #..#. #...#",
  L: "#.... #.... #.... #.... #.... #.... #####",
  M: "#...# ##.## #.#.# #.#.# #...# #...# #...#",
  N: "#...# ##..# #.#.# #.#.# #..## #...# #...#",
  O: ".###. #...# #...# #...# #...# #...# .###.",
  P: "####. #...# #...# ####. #.... #.... #....",
  Q: ".###. #...# #...# #...# #.#.# #..#. .##.#",
  R: "####. #...# #...# ####. #.#.. #..#. #...#",
  S: ".#### #.... #.... .###. ....# ....# ####.",
  T: "##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..",
  U: "#...# #...# #...# #...# #...# #...# .###.",
  V: "#...# #...# #...# #...# .#.#. .#.#. ..#..",
  W: "#...# #...# #...# #.#.# #.#.# ##.## #...#",
  X: "#...# #...# .#.#. ..#.. .#.#. #...# #...#",
  Y: "#...# #...# .#.#. ..#.. ..#.. ..#.. ..#..",
  Z: "##### ....# ...#. ..#.. .#... #.... #####",
};
const ROWS = 7;
const ADVANCE = 6;

const inked: ReadonlyMap<string, readonly boolean[]> = new Map(
  Object.entries(GLYPHS).map(([letter, rows]) => [
    letter,
    [...rows.replaceAll(" ", "")].map((square) => square === "#"),
  ]),
);

export interface TextPlace {
  /** Of the first letter's left upper corner, in samples; fractions allowed. */
  readonly x: number;
  readonly y: number;
  /** Of a capital letter, in samples. */
  readonly height: number;
}

/** Draws dark letters over light samples, smoothed at their edges. What is outside of the picture is left out. */
export function drawText(
  samples: Uint8Array,
  width: number,
  text: string,
  { x, y, height }: TextPlace,
  colors: { readonly paper: number; readonly ink: number },
): void {
  const squares = squaresOf(text);
  const columns = text.length * ADVANCE;
  const scale = ROWS / height;
  const rows = samples.length / width;
  const right = Math.min(width, Math.ceil(x + columns / scale));
  for (let row = Math.max(0, Math.floor(y)); row < Math.min(rows, Math.ceil(y + height)); row++) {
    for (let column = Math.max(0, Math.floor(x)); column < right; column++) {
      const covered = coverage(squares, columns, (column - x) * scale, (row - y) * scale, scale);
      if (covered > 0) samples[row * width + column] = Math.round(colors.paper + (colors.ink - colors.paper) * covered);
    }
  }
}

/** 1 for each inked square of a line of text, row by row. */
function squaresOf(text: string): Uint8Array {
  const columns = text.length * ADVANCE;
  const squares = new Uint8Array(ROWS * columns);
  for (const [index, letter] of [...text].entries()) {
    for (const [at, isInked] of (inked.get(letter) ?? []).entries()) {
      const row = Math.floor(at / (ADVANCE - 1));
      if (isInked) squares[row * columns + index * ADVANCE + (at % (ADVANCE - 1))] = 1;
    }
  }
  return squares;
}

/** Share of a sample that is inked, from 9 points in it. */
function coverage(squares: Uint8Array, columns: number, left: number, top: number, size: number): number {
  let hits = 0;
  for (let i = 1; i < 6; i += 2) {
    const row = Math.floor(top + (size * i) / 6);
    if (row < 0 || row >= ROWS) continue;
    for (let j = 1; j < 6; j += 2) {
      const column = Math.floor(left + (size * j) / 6);
      if (column >= 0 && column < columns) hits += squares[row * columns + column] as number;
    }
  }
  return hits / 9;
}
