import { Bitmap, Sprite } from "./bitmap.ts";
import { mix, rgb } from "./color.ts";
import { drawText, textWidth } from "./font.ts";
import { COIN_SPRITES, HEART_SPRITE } from "./sprites.ts";

/** Height of the phone's own status bar. */
export const STATUS_HEIGHT = 24;

const WHITE = rgb(0xffffff);
const BAR = rgb(0x14102a);
const PANEL = rgb(0x241a44);
const EDGE = rgb(0x5b4a94);
const DIM = rgb(0xb7aadf);
const GREEN = rgb(0x54d66a);
const GOLD = rgb(0xffd84a);

/** What the head-up display shows. */
export interface HudState {
  /** Seconds since the broadcast began. */
  readonly seconds: number;
  readonly score: number;
  readonly coinCount: number;
  readonly combo: number;
  readonly stage: number;
}

/** The phone's status bar, and the game's score panel under it. What never changes is painted once. */
export class Hud {
  readonly #width: number;
  readonly #base: Sprite;

  constructor(width: number) {
    this.#width = width;
    this.#base = new Sprite(paintBase(width));
  }

  draw(canvas: Bitmap, state: HudState): void {
    canvas.drawSprite(this.#base, 0, 0);
    const minutes = 21 * 60 + 4 + Math.floor(state.seconds / 60);
    const clock = `${Math.floor(minutes / 60) % 24}:${String(minutes % 60).padStart(2, "0")}`;
    drawText(canvas, clock, 14, 8, 1, WHITE);
    // The battery loses one percent every three minutes and is charged at the end.
    const percent = 100 - ((17 + Math.floor(state.seconds / 180)) % 96);
    canvas.fillRect(this.#width - 33, 9, Math.round((percent * 16) / 100), 6, percent > 20 ? GREEN : rgb(0xff5a4d));
    drawText(canvas, `${percent}%`, this.#width - 62, 8, 1, WHITE);

    drawText(canvas, String(state.score).padStart(6, "0"), 20, STATUS_HEIGHT + 24, 3, WHITE);
    const coins = `*${state.coinCount}`;
    drawText(canvas, coins, this.#width - 20 - textWidth(coins, 2), STATUS_HEIGHT + 13, 2, GOLD);
    const coin = COIN_SPRITES[Math.floor(state.seconds * 8) % COIN_SPRITES.length] as Sprite;
    canvas.drawSprite(coin, this.#width - 48 - textWidth(coins, 2), STATUS_HEIGHT + 10);
    const filled = Math.round(((state.combo % 20) / 20) * 76);
    canvas.fillRect(this.#width - 98, STATUS_HEIGHT + 38, filled, 6, mix(GOLD, rgb(0xff5a4d), filled / 76));
  }
}

function paintBase(width: number): Bitmap {
  const base = new Bitmap(width, STATUS_HEIGHT + 62);
  base.fillRect(0, 0, width, STATUS_HEIGHT, BAR);
  base.fillPanel(Math.round(width / 2) - 26, 6, 52, 12, 6, rgb(0x000000));
  base.fillDisc(Math.round(width / 2) + 16, 12, 2, rgb(0x24304f));
  for (let bar = 0; bar < 4; bar++)
    base.fillRect(width - 92 + bar * 5, 14 - bar * 2, 3, 2 + bar * 2, bar < 3 ? WHITE : DIM);
  base.fillPanel(width - 36, 6, 24, 12, 3, WHITE);
  base.fillRect(width - 34, 8, 20, 8, BAR);
  base.fillRect(width - 12, 9, 2, 6, WHITE);

  base.fillPanel(8, STATUS_HEIGHT + 4, width - 16, 54, 10, EDGE);
  base.fillPanel(10, STATUS_HEIGHT + 6, width - 20, 50, 8, PANEL);
  drawText(base, "SCORE", 20, STATUS_HEIGHT + 12, 1, DIM);
  drawText(base, "COMBO", width - 134, STATUS_HEIGHT + 38, 1, DIM);
  base.fillRect(width - 100, STATUS_HEIGHT + 36, 80, 10, rgb(0x0d0a1e));
  const hearts = Math.round(width * 0.43);
  for (let i = 0; i < 3; i++) base.drawSprite(HEART_SPRITE, hearts + i * 21, STATUS_HEIGHT + 12);
  return base;
}
