import { createPicture, type Picture } from "../h264/picture.ts";
import { Bitmap, type Sprite } from "./bitmap.ts";
import { rgb } from "./color.ts";
import { Effects } from "./effects.ts";
import { counterCellLeft, counterCells, counterTop } from "./frame-counter.ts";
import { BEATS_A_SECOND, Game, type GameEvent, itemsAt, playerHeight, STAGE_COUNT } from "./game.ts";
import { Hud, STATUS_HEIGHT } from "./hud.ts";
import { noise } from "./random.ts";
import { rasterise } from "./raster.ts";
import { COIN_SPRITES, CRATE_SPRITE, FOX_JUMP, FOX_RUN, SLIME_FLAT_SPRITE, SLIME_SPRITES } from "./sprites.ts";
import { buildThemes, FAR_HEIGHT, LAYER_PERIOD, NEAR_HEIGHT, type Theme } from "./themes.ts";

export interface SceneOptions {
  readonly seed: number;
  /** Pixels; even, at least 176. */
  readonly width: number;
  /** Pixels; even, at least 256. */
  readonly height: number;
  readonly fps: number;
  /** Draws the frame counter strip along the bottom edge (`readFrameCounter`). */
  readonly counter?: boolean;
}

/** The canvas that the drawings are made for; larger pictures show it magnified by a whole number. */
const NATIVE_WIDTH = 320;
const NATIVE_HEIGHT = 560;
const CLOUD_COUNT = 4;

/**
 * A phone's screen with a game that plays itself, picture by picture.
 *
 * Everything is painted from back to front on a canvas in packed colours, and then magnified into the picture. The
 * scene knows how far each layer moved, so it hands the encoder the vectors; all are even, so that chroma moves by
 * whole samples too and a moved layer is an exact copy.
 */
export class GameScene {
  readonly picture: Picture;
  readonly #game: Game;
  readonly #scale: number;
  readonly #canvas: Bitmap;
  readonly #groundY: number;
  readonly #playerX: number;
  readonly #speedPx: number;
  readonly #step: number;
  readonly #themes: readonly Theme[];
  readonly #hud: Hud;
  readonly #effects: Effects;
  readonly #hasCounter: boolean;

  /** @throws RangeError if the picture is too small to show the game. */
  constructor(options: SceneOptions) {
    const { width, height, fps, seed } = options;
    if (width < 176 || height < 256) {
      throw new RangeError(`Cannot draw the game at ${width}x${height}: it needs at least 176x256`);
    }
    this.picture = createPicture(width, height);
    this.#game = new Game(seed, fps);
    this.#scale = Math.max(1, Math.floor(Math.min(width / NATIVE_WIDTH, height / NATIVE_HEIGHT)));
    this.#canvas = new Bitmap(Math.ceil(width / this.#scale), Math.ceil(height / this.#scale), rgb(0));
    this.#groundY = Math.round(this.#canvas.height * 0.76);
    this.#playerX = Math.round(this.#canvas.width * 0.26);
    this.#step = this.#scale % 2 === 0 ? 1 : 2;
    this.#speedPx = Math.max(1, Math.round(90 / fps / this.#step)) * this.#step;
    this.#themes = buildThemes(this.#canvas.width, this.#canvas.height, this.#groundY);
    this.#hud = new Hud(this.#canvas.width);
    this.#effects = new Effects(fps, this.#groundY, this.#playerX);
    this.#hasCounter = options.counter ?? false;
  }

  /**
   * Draws the next picture into `picture`.
   *
   * @returns The vectors by which its layers moved, for `H264Encoder.encode`.
   */
  next(): Int16Array {
    const game = this.#game;
    for (const event of game.step()) this.#effects.add(event, this.#textOf(event));
    const theme = this.#themes[game.stage % STAGE_COUNT] as Theme;
    const frame = game.frame;
    const far = this.#scroll(frame, this.#speedPx / 6);
    const near = this.#scroll(frame, this.#speedPx / 3);
    const ground = this.#speedPx * frame;

    this.#canvas.pixels.set(theme.sky.pixels);
    this.#drawClouds(theme, this.#scroll(frame, this.#speedPx / 12));
    this.#drawLayer(theme.far, far, this.#groundY - FAR_HEIGHT);
    this.#drawLayer(theme.near, near, this.#groundY - NEAR_HEIGHT);
    this.#drawLayer(theme.ground, ground, this.#groundY);
    this.#drawItems();
    this.#drawPlayer();
    this.#effects.draw(this.#canvas, frame, this.#speedPx);
    this.#hud.draw(this.#canvas, { ...this.#hudState(), seconds: frame / game.fps });
    this.#drawHomeBar();
    rasterise(this.#canvas, this.picture, this.#scale);
    if (this.#hasCounter) this.#drawCounter(frame);
    return this.#vectors(frame);
  }

  #hudState() {
    const { score, coinCount, combo, stage } = this.#game;
    return { score, coinCount, combo, stage };
  }

  #textOf(event: GameEvent): string {
    if (event.kind === "stomp") return "+100";
    if (event.kind === "combo") return `COMBO *${this.#game.combo}!`;
    if (event.kind === "stage") return this.#themes[this.#game.stage % STAGE_COUNT]?.title ?? "";
    return "";
  }

  /** How far a layer has moved, in whole steps. */
  #scroll(frame: number, speedPx: number): number {
    return this.#step * Math.floor((frame * speedPx) / this.#step);
  }

  #vectors(frame: number): Int16Array {
    const vectors: number[] = [];
    const add = (distance: number) => {
      if (distance !== 0) vectors.push(distance * this.#scale, 0);
    };
    add(this.#speedPx);
    for (const share of [3, 6, 12]) {
      add(this.#scroll(frame, this.#speedPx / share) - this.#scroll(frame - 1, this.#speedPx / share));
    }
    const game = this.#game;
    const fall = this.#playerHeightAt(game.position) - this.#playerHeightAt(game.position - BEATS_A_SECOND / game.fps);
    if (fall !== 0) vectors.push(0, fall * this.#scale);
    return Int16Array.from(vectors);
  }

  /** In whole steps, like everything that moves. */
  #playerHeightAt(position: number): number {
    return this.#step * Math.round(playerHeight(this.#game.seed, position) / this.#step);
  }

  #drawLayer(layer: Sprite, scroll: number, y: number): void {
    for (let x = -(scroll % LAYER_PERIOD); x < this.#canvas.width; x += LAYER_PERIOD)
      this.#canvas.drawSprite(layer, x, y);
  }

  #drawClouds(theme: Theme, scroll: number): void {
    const period = this.#canvas.width + theme.cloud.width;
    for (let i = 0; i < CLOUD_COUNT; i++) {
      const start = Math.floor(((i + 0.5 * noise(7, i)) * period) / CLOUD_COUNT);
      const x = ((((start - scroll) % period) + period) % period) - theme.cloud.width;
      const y = STATUS_HEIGHT + 80 + Math.floor(noise(7, i, 1) * this.#groundY * 0.3);
      this.#canvas.drawSprite(theme.cloud, x, y);
    }
  }

  #drawItems(): void {
    const { seed, position, frame, fps } = this.#game;
    const beatPx = (this.#speedPx * fps) / BEATS_A_SECOND;
    const first = Math.floor(position - this.#playerX / beatPx) - 1;
    const last = Math.ceil(position + (this.#canvas.width - this.#playerX) / beatPx) + 1;
    const coin = COIN_SPRITES[Math.floor((frame * 12) / fps) % COIN_SPRITES.length] as Sprite;
    const slime = SLIME_SPRITES[Math.floor((frame * 4) / fps) % SLIME_SPRITES.length] as Sprite;
    for (let beat = Math.max(0, first); beat <= last; beat++) {
      for (const item of itemsAt(seed, beat)) {
        const isPassed = item.beat <= position;
        // Whole pixels of the ground, so that things stand still on it.
        const x = this.#playerX + Math.round(item.beat * beatPx) - this.#speedPx * frame;
        if (item.kind === "coin") {
          if (!isPassed) this.#canvas.drawSprite(coin, x - 10, this.#groundY - Math.round(item.height) - 20);
        } else {
          const sprite = item.kind === "crate" ? CRATE_SPRITE : isPassed ? SLIME_FLAT_SPRITE : slime;
          this.#canvas.drawSprite(sprite, x - (sprite.width >> 1), this.#groundY - sprite.height + 2);
        }
      }
    }
  }

  #drawPlayer(): void {
    const { position, frame, fps } = this.#game;
    const height = this.#playerHeightAt(position);
    const sprite = height > 0 ? FOX_JUMP : (FOX_RUN[Math.floor((frame * 12) / fps) % FOX_RUN.length] as Sprite);
    const shadow = Math.max(6, 18 - (height >> 3));
    this.#canvas.fillPanel(this.#playerX - shadow, this.#groundY + 2, 2 * shadow, 4, 2, rgb(0x2b3a2e));
    this.#canvas.drawSprite(sprite, this.#playerX - (sprite.width >> 1), this.#groundY - height - sprite.height + 4);
  }

  #drawHomeBar(): void {
    const width = Math.round(this.#canvas.width * 0.36);
    this.#canvas.fillPanel((this.#canvas.width - width) >> 1, this.#canvas.height - 10, width, 4, 2, rgb(0xf4f0ff));
  }

  #drawCounter(frame: number): void {
    const { picture } = this;
    const cells = counterCells(frame);
    for (let row = counterTop(picture.height); row < picture.height; row++) {
      for (const [cell, isWhite] of cells.entries()) {
        const left = counterCellLeft(cell, picture.width);
        const right = counterCellLeft(cell + 1, picture.width);
        picture.y.fill(isWhite ? 235 : 16, row * picture.codedWidth + left, row * picture.codedWidth + right);
      }
    }
    const stride = picture.codedWidth / 2;
    for (const plane of [picture.u, picture.v]) {
      plane.fill(128, (counterTop(picture.height) / 2) * stride, (picture.height / 2) * stride);
    }
  }
}
