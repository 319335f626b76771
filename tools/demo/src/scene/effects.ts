import type { Bitmap } from "./bitmap.ts";
import { mix, type PackedColor, rgb } from "./color.ts";
import { drawOutlinedText, textWidth } from "./font.ts";
import type { GameEvent } from "./game.ts";
import { noise } from "./random.ts";

/** Seconds that an effect lives. */
const PARTICLE_S = 0.5;
const POPUP_S = 0.7;
const BANNER_S = 1.6;
const TOUCH_S = 0.35;
/** Effects alive at once; older ones go first. */
const EFFECT_LIMIT = 24;

const WHITE = rgb(0xffffff);
const INK = rgb(0x1c1430);
const GOLD = rgb(0xffd84a);

/** Short-lived drawings over the game: sparks, rising numbers, a banner, and the finger's touch. */
export class Effects {
  readonly #fps: number;
  readonly #groundY: number;
  readonly #playerX: number;
  #alive: { readonly event: GameEvent; readonly text: string }[] = [];

  constructor(fps: number, groundY: number, playerX: number) {
    this.#fps = fps;
    this.#groundY = groundY;
    this.#playerX = playerX;
  }

  add(event: GameEvent, text: string): void {
    this.#alive.push({ event, text });
    if (this.#alive.length > EFFECT_LIMIT) this.#alive.shift();
  }

  /** @param scrollPx Pixels that the ground moves in a picture: sparks stay behind with it. */
  draw(canvas: Bitmap, frame: number, scrollPx: number): void {
    this.#alive = this.#alive.filter(({ event }) => frame - event.frame < BANNER_S * this.#fps);
    for (const { event, text } of this.#alive) {
      const age = (frame - event.frame) / this.#fps;
      const drift = scrollPx * (frame - event.frame);
      switch (event.kind) {
        case "coin":
          this.#sparks(canvas, event, age, drift, GOLD, 5);
          break;
        case "stomp":
          this.#sparks(canvas, event, age, drift, rgb(0x7ee06a), 12);
          this.#popup(canvas, event, age, drift, text, WHITE);
          break;
        case "jump":
          this.#touch(canvas, age);
          break;
        case "combo":
          this.#banner(canvas, age, text, mix(GOLD, WHITE, Math.floor(age * 8) % 2), 3, 0.42);
          break;
        case "stage":
          this.#banner(canvas, age, text, WHITE, 4, 0.34);
          break;
        default:
          event.kind satisfies never;
      }
    }
  }

  #sparks(canvas: Bitmap, event: GameEvent, age: number, drift: number, color: PackedColor, count: number): void {
    if (age >= PARTICLE_S) return;
    for (let i = 0; i < count; i++) {
      const angle = (i / count) * 2 * Math.PI + noise(event.frame, i) * 0.6;
      const speed = 60 + 60 * noise(event.frame, i, 1);
      const x = this.#playerX - drift + Math.round(Math.cos(angle) * speed * age);
      const fall = 180 * age * age;
      const y = this.#groundY - 8 - event.height - Math.round(Math.sin(angle) * speed * age - fall);
      const size = age < PARTICLE_S / 2 ? 4 : 2;
      canvas.fillRect(x, y, size, size, i % 3 === 0 ? WHITE : color);
    }
  }

  #popup(canvas: Bitmap, event: GameEvent, age: number, drift: number, text: string, color: PackedColor): void {
    if (age >= POPUP_S) return;
    const y = this.#groundY - 50 - event.height - Math.round(40 * age);
    drawOutlinedText(canvas, text, this.#playerX - (drift >> 1), y, 2, color, INK);
  }

  /** The ring that a finger leaves on a screen whose touches are shown. */
  #touch(canvas: Bitmap, age: number): void {
    if (age >= TOUCH_S) return;
    const radius = 12 + Math.round(44 * age);
    canvas.drawRing(
      Math.round(canvas.width * 0.78),
      Math.round(canvas.height * 0.87),
      radius,
      age < TOUCH_S / 2 ? 4 : 2,
      WHITE,
    );
  }

  #banner(canvas: Bitmap, age: number, text: string, color: PackedColor, scale: number, place: number): void {
    const slide = age < 0.15 ? (1 - age / 0.15) ** 2 : 0;
    const x = Math.round((canvas.width - textWidth(text, scale)) / 2 - slide * canvas.width);
    drawOutlinedText(canvas, text, x, Math.round(canvas.height * place), scale, color, INK);
  }
}
