import { noise } from "./random.ts";

/** What can be heard or seen to happen. */
export type GameEventKind = "coin" | "jump" | "stomp" | "combo" | "stage";

export interface GameEvent {
  readonly kind: GameEventKind;
  /** Number of the picture at which it happens. */
  readonly frame: number;
  /** Where, in pixels above the ground. */
  readonly height: number;
}

/** Something on the way, at a place counted in beats. */
export interface Item {
  readonly kind: "coin" | "crate" | "slime";
  readonly beat: number;
  /** Pixels above the ground. */
  readonly height: number;
}

/** Music and game share this beat: obstacles lie on it, so that jumps are in time. */
export const BEATS_A_SECOND = 2;
/** The world changes after this many beats: 12 s, six key frame intervals. */
export const STAGE_BEATS = 24;
export const STAGE_COUNT = 3;

/** Coins in a row that count as a combo. */
const COMBO_LENGTH = 20;
const JUMP_BEATS = 0.9;
const JUMP_HEIGHT = 78;
const SLIME_HEIGHT = 20;

// What lies on eight beats: c coins, J a crate under an arc of coins, S a slime. Jumps are never on neighbouring beats.
const BARS = ["c.cJc.cJ", "ccJ.c.Jc", "c.J.S.cc", "cJ.cJ.cS", "c.S.cJcc", "ccc.J.J."];

function slotKind(seed: number, beat: number): string {
  if (beat < 3) return ".";
  // The last beats before the world changes are free, so that nothing is cut in half.
  if (beat % STAGE_BEATS >= STAGE_BEATS - 1 || beat % STAGE_BEATS === 0) return ".";
  const bar = BARS[Math.floor(noise(seed, Math.floor(beat / 8)) * BARS.length)] ?? "";
  return bar[beat % 8] ?? ".";
}

/** What lies around beat number `beat`, in order. */
export function itemsAt(seed: number, beat: number): Item[] {
  const kind = slotKind(seed, beat);
  if (kind === "c") return [-0.25, 0.25].map((d) => ({ kind: "coin", beat: beat + d, height: 16 }));
  if (kind === "S") return [{ kind: "slime", beat, height: 0 }];
  if (kind !== "J") return [];
  const coins = [-0.5, -0.25, 0, 0.25, 0.5].map(
    (d): Item => ({ kind: "coin", beat: beat + d, height: 20 + arc(d / JUMP_BEATS) }),
  );
  return [...coins.slice(0, 3), { kind: "crate", beat, height: 0 }, ...coins.slice(3)];
}

/** Height of a jump from -1 (start) over 0 (top) to 1 (end). */
function arc(t: number): number {
  return t <= -1 || t >= 1 ? 0 : JUMP_HEIGHT * (1 - t * t);
}

/** Height of the player's feet above the ground at a place in beats. */
export function playerHeight(seed: number, position: number): number {
  const nearest = Math.round(position);
  for (let beat = nearest - 1; beat <= nearest + 1; beat++) {
    const kind = slotKind(seed, beat);
    const d = position - beat;
    if (kind === "J" && Math.abs(d) < JUMP_BEATS) return arc(d / JUMP_BEATS);
    if (kind !== "S") continue;
    // Down onto the slime on the beat, then a smaller hop from its back.
    if (d > -0.8 && d <= 0) return arc((d + 0.36) / 0.44) + SLIME_HEIGHT * Math.max(0, 1 + d / 0.4);
    if (d > 0 && d < 0.7) return arc((d - 0.35) / 0.35) * 0.55 + SLIME_HEIGHT * (1 - d / 0.7);
  }
  return 0;
}

/**
 * The game that plays itself: a runner who jumps over crates and onto slimes and takes every coin.
 *
 * Where things are is a function of the seed and the picture's number; only score and combo are counted. So a second
 * game from the same seed can run ahead to say what will be heard.
 */
export class Game {
  readonly seed: number;
  readonly fps: number;
  frame = -1;
  score = 0;
  coinCount = 0;
  combo = 0;
  #position = -1;

  constructor(seed: number, fps: number) {
    this.seed = seed;
    this.fps = fps;
  }

  /** Where the player is, in beats. */
  get position(): number {
    return this.#position;
  }

  get stage(): number {
    return Math.floor(Math.max(0, this.frame) / ((STAGE_BEATS / BEATS_A_SECOND) * this.fps));
  }

  /** Goes to the next picture. @returns What happened since the last one. */
  step(): GameEvent[] {
    this.frame++;
    const before = this.#position;
    const now = (this.frame * BEATS_A_SECOND) / this.fps;
    this.#position = now;
    const events: GameEvent[] = [];
    const add = (kind: GameEventKind, height: number) => events.push({ kind, frame: this.frame, height });
    if (this.frame > 0 && this.frame % ((STAGE_BEATS / BEATS_A_SECOND) * this.fps) === 0) add("stage", 0);
    const passed = (beat: number) => beat > before && beat <= now;
    for (let beat = Math.floor(now) - 1; beat <= Math.floor(now) + 2; beat++) {
      const kind = slotKind(this.seed, beat);
      if (kind === "J" && passed(beat - JUMP_BEATS)) add("jump", 0);
      if (kind === "S" && passed(beat - 0.8)) add("jump", 0);
      for (const item of itemsAt(this.seed, beat)) {
        if (!passed(item.beat)) continue;
        if (item.kind === "coin") this.#takeCoin(item.height, add);
        if (item.kind === "crate") this.score += 50;
        if (item.kind === "slime") {
          this.score += 100;
          add("stomp", SLIME_HEIGHT);
        }
      }
    }
    return events;
  }

  #takeCoin(height: number, add: (kind: GameEventKind, height: number) => void): void {
    this.coinCount++;
    this.combo++;
    this.score += 10 * (1 + Math.floor(this.combo / COMBO_LENGTH));
    add("coin", height);
    if (this.combo % COMBO_LENGTH === 0) add("combo", height);
  }
}
