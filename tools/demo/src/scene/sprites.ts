import { Bitmap, Sprite, spriteFromArt } from "./bitmap.ts";
import { rgb } from "./color.ts";

const PALETTE = {
  k: rgb(0x2b1b2e),
  o: rgb(0xff8a2b),
  d: rgb(0xd9621a),
  w: rgb(0xfff3e2),
  e: rgb(0x1d2440),
  r: rgb(0xe8304f),
  R: rgb(0xb01c3c),
  b: rgb(0x5a3a2e),
  g: rgb(0x5fd35a),
  G: rgb(0x2f9e4b),
  h: rgb(0xb9f5a8),
};

const FOX_BODY = [
  ".............kk...kk..",
  "............kook.kook.",
  "............kowkkkowk.",
  "...........kooooooook.",
  "...........kooooooooo.",
  "..kkk......koowwowwok.",
  ".kwwok.....koowewwewk.",
  ".kwwook....koowewwewkk",
  ".kooook....kowwwwwwwek",
  "..koodok...rkwwwwwwkk.",
  "..kooodok.rrrkkkkkk...",
  "...koood.RrrrrrrrR....",
  "....kkoookRRrrrrrk....",
  "......koooowwwwok.....",
  "......koooowwwwok.....",
  "......kdooowwwwok.....",
  ".......kddoowwok......",
];

const FOX_LEGS = [
  ["......kook..kook......", ".....kbbk....kbbk.....", ".....kkk......kkk....."],
  [".......kook.kook......", ".......kbbk.kbbk......", "........kkk..kkk......"],
  ["........kookok........", "........kbbkbbk.......", ".........kkkkkk......."],
  [".......kook.kook......", "......kbbk..kbbk......", "......kkk....kkk......"],
];

const FOX_JUMP_LEGS = [".....kookk.kkook......", "....kbbk....kbbk......", "....kkk......kkk......"];

/** The player's pictures: four of running, one of jumping. All stand on their lowest row. */
export const FOX_RUN: readonly Sprite[] = FOX_LEGS.map((legs) => spriteFromArt([...FOX_BODY, ...legs], PALETTE, 2));
export const FOX_JUMP: Sprite = spriteFromArt([...FOX_BODY, ...FOX_JUMP_LEGS], PALETTE, 2);

const SLIME = [
  "....kkkkkk....",
  "..kkhhggggkk..",
  ".khhggggggggk.",
  ".khgggggggggk.",
  "khggwkggwkgggk",
  "kgggwkggwkgggk",
  "kggggggggggGGk",
  "kggggkkkkggGGk",
  "kGgggggggGGGGk",
  ".kkkkkkkkkkkk.",
];
const SLIME_FLAT = ["....kkkkkkkk....", ".kkkhhggggggkkk.", "khggwkggggwkgggk", "kgGggggggggggGGk", ".kkkkkkkkkkkkkk."];

export const SLIME_SPRITES: readonly Sprite[] = [
  spriteFromArt(SLIME, PALETTE, 2),
  spriteFromArt(SLIME.slice(1), PALETTE, 2),
];
export const SLIME_FLAT_SPRITE: Sprite = spriteFromArt(SLIME_FLAT, PALETTE, 2);

const COIN_COLORS = { edge: rgb(0x9a5a00), rim: rgb(0xe89a10), face: rgb(0xffd23c), shine: rgb(0xfff6c4) };

/** A coin turning: widths of eight pictures of one turn. */
export const COIN_SPRITES: readonly Sprite[] = [9, 8, 6, 3, 1, 3, 6, 8].map((half) => {
  const bitmap = new Bitmap(20, 20);
  for (let y = 0; y < 19; y++) {
    const dy = y - 9;
    const share = Math.sqrt(Math.max(0, 1 - (dy * dy) / 90));
    for (const [color, inset] of [
      [COIN_COLORS.edge, 0],
      [COIN_COLORS.rim, 1],
      [COIN_COLORS.face, 3],
    ] as const) {
      if (Math.abs(dy) > 9 - inset) continue;
      const width = Math.round(half * share) - Math.min(inset, half - 1);
      if (width >= 0) bitmap.fillRect(9 - width, y, 2 * width + 1, 1, color);
    }
  }
  if (half > 4) bitmap.fillRect(7 - (half >> 2), 5, 2, 7, COIN_COLORS.shine);
  return new Sprite(bitmap);
});

function crate(): Sprite {
  const bitmap = new Bitmap(34, 34);
  bitmap.fillRect(0, 0, 34, 34, rgb(0x4a2a16));
  bitmap.fillRect(2, 2, 30, 30, rgb(0xb9793c));
  bitmap.fillRect(6, 6, 22, 22, rgb(0x8f5528));
  for (let i = 0; i < 22; i++) bitmap.fillRect(4 + i, 6 + i, 5, 1, rgb(0xd99a55));
  bitmap.fillRect(2, 2, 30, 3, rgb(0xe2ab69));
  for (const [x, y] of [
    [3, 3],
    [29, 3],
    [3, 29],
    [29, 29],
  ] as const)
    bitmap.fillRect(x, y, 2, 2, rgb(0x4a2a16));
  return new Sprite(bitmap);
}

export const CRATE_SPRITE: Sprite = crate();

const HEART = [".kkk.kkk.", "krrrkrrrk", "krwrrrrrk", "krrrrrrRk", ".krrrrRk.", "..krrRk..", "...kRk...", "....k...."];
export const HEART_SPRITE: Sprite = spriteFromArt(HEART, PALETTE, 2);
