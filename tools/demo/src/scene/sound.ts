import type { GameEvent } from "./game.ts";
import { BEATS_A_SECOND, STAGE_BEATS } from "./game.ts";
import { noise } from "./random.ts";

export interface SoundOptions {
  readonly seed: number;
  /** Hz. */
  readonly sampleRate: number;
  readonly channelCount: 1 | 2;
  /** Pictures a second: the clock of the game's events. */
  readonly fps: number;
  /** Plays a beep at each whole second and nothing else. */
  readonly beepOnly?: boolean;
}

/** Length of the beep of `beepOnly`, which is 1 kHz and starts exactly at the second. */
export const BEEP_SECONDS = 0.06;

/** Sixteenth notes a beat. */
const STEPS_A_BEAT = 4;
/** Seconds after which an effect is silent. */
const EFFECT_S = 0.5;
const MASTER = 0.8;

// Chords as semitones above A2 (110 Hz), one for each four beats, one row for each stage.
const CHORDS = [
  [
    [3, 7, 10],
    [10, 14, 17],
    [0, 3, 7],
    [8, 12, 15],
  ],
  [
    [0, 3, 7],
    [8, 12, 15],
    [3, 7, 10],
    [10, 14, 17],
  ],
  [
    [5, 8, 12],
    [1, 5, 8],
    [8, 12, 15],
    [3, 7, 10],
  ],
] as const;
/** Steps of the scale that melodies use, in semitones. */
const SCALE = [0, 3, 5, 7, 10, 12, 15, 17];

function pitchHz(semitones: number): number {
  return 110 * 2 ** (semitones / 12);
}

/** A pulse wave without its highest harmonics: the edges are ramps, so that it does not alias harshly. */
function pulse(phase: number, duty: number, step: number): number {
  const x = phase - Math.floor(phase);
  const ramp = Math.max(2 * step, 1e-6);
  if (x < duty) return Math.min(1, (2 * Math.min(x, duty - x)) / ramp - 0) * 1;
  return -Math.min(1, (2 * Math.min(x - duty, 1 - x)) / ramp);
}

function triangle(phase: number): number {
  return 4 * Math.abs(phase - Math.floor(phase) - 0.5) - 1;
}

/** The notes that sound during one step, computed once for it. */
interface Step {
  bassHz: number;
  arpHz: number;
  leadHz: number;
  /** Seconds into the lead's note at the step's start. */
  leadAge: number;
  hasHat: boolean;
  beatStart: boolean;
}

/**
 * Chiptune music and the game's sounds: every sample is a function of the seed, its number and the events told so far.
 *
 * Four voices: bass, arpeggio, melody and drums, on the beat that the obstacles lie on.
 */
export class Sound {
  readonly #options: SoundOptions;
  #events: GameEvent[] = [];
  readonly #step: Step = { bassHz: 0, arpHz: 0, leadHz: 0, leadAge: 0, hasHat: false, beatStart: false };
  #stepNumber = -1;

  constructor(options: SoundOptions) {
    this.#options = options;
  }

  /** Tells what happens at a picture; before the samples of that time are asked for. */
  addEvent(event: GameEvent): void {
    this.#events.push(event);
  }

  /** Writes the samples from number `first` on, -1 to 1, channel by channel. */
  render(first: number, channels: readonly Float32Array[]): void {
    const { sampleRate, fps } = this.#options;
    this.#events = this.#events.filter(({ frame }) => first / sampleRate - frame / fps < EFFECT_S);
    const [left, right] = channels as readonly [Float32Array, Float32Array?];
    for (let i = 0; i < left.length; i++) {
      const sample = first + i;
      if (this.#options.beepOnly) {
        const value = beep(sample, sampleRate);
        left[i] = value;
        if (right !== undefined) right[i] = value;
        continue;
      }
      const time = sample / sampleRate;
      this.#enterStep(Math.floor(time * BEATS_A_SECOND * STEPS_A_BEAT));
      const middle = this.#bassAndDrums(time, sample) + this.#effects(time);
      const lead = this.#lead(time);
      const arp = this.#arpeggio(time);
      left[i] = MASTER * (middle + lead + 0.5 * arp);
      if (right !== undefined) right[i] = MASTER * (middle + 0.6 * lead + arp);
    }
  }

  #enterStep(number: number): void {
    if (number === this.#stepNumber) return;
    this.#stepNumber = number;
    const { seed } = this.#options;
    const beat = Math.floor(number / STEPS_A_BEAT);
    const stage = Math.floor(beat / STAGE_BEATS) % CHORDS.length;
    const chord = CHORDS[stage]?.[Math.floor(beat / 4) % 4] ?? [0, 3, 7];
    const step = this.#step;
    step.bassHz = pitchHz(chord[0] - 12 + (number % 8 === 6 ? 12 : 0));
    step.arpHz = pitchHz((chord[number % 3] ?? 0) + 24);
    step.beatStart = number % STEPS_A_BEAT < 2;
    step.hasHat = number % 4 === 2 || noise(seed, number % 32, 77) > 0.75;
    // The melody's notes are one, two or three steps long, and its phrase of 32 steps comes back changed.
    const phrase = Math.floor(number / 32) % 3 === 2 ? 1 : 0;
    let start = number;
    while (start % 32 !== 0 && noise(seed, start % 32, phrase) < 0.55) start--;
    const degree = Math.floor(noise(seed, start % 32, 10 + phrase) * SCALE.length);
    const isRest = noise(seed, start % 32, 20 + phrase) < 0.15;
    step.leadHz = isRest ? 0 : pitchHz((SCALE[degree] ?? 0) + (stage === 2 ? 20 : 24) + (stage === 0 ? 3 : 0));
    step.leadAge = (number - start) / (BEATS_A_SECOND * STEPS_A_BEAT);
  }

  /** Seconds since the step began. */
  #stepAge(time: number): number {
    return time - this.#stepNumber / (BEATS_A_SECOND * STEPS_A_BEAT);
  }

  #bassAndDrums(time: number, sample: number): number {
    const step = this.#step;
    const age = this.#stepAge(time);
    let value = 0.2 * triangle(time * step.bassHz) * Math.min(1, age * 200) * Math.max(0, 1 - age * 5);
    const beatAge = time * BEATS_A_SECOND - Math.floor(time * BEATS_A_SECOND);
    const kickAge = beatAge / BEATS_A_SECOND;
    if (kickAge < 0.14)
      value += 0.3 * Math.sin(2 * Math.PI * (50 * kickAge + 12 * (1 - Math.exp(-kickAge * 40)))) * (1 - kickAge / 0.14);
    if (step.hasHat && age < 0.05) value += 0.06 * (2 * noise(1, sample) - 1) * (1 - age / 0.05);
    const isSnare = Math.floor(time * BEATS_A_SECOND) % 2 === 1;
    if (isSnare && kickAge < 0.1) value += 0.1 * (2 * noise(2, sample >> 1) - 1) * (1 - kickAge / 0.1);
    return value;
  }

  #lead(time: number): number {
    const { leadHz, leadAge } = this.#step;
    if (leadHz === 0) return 0;
    const age = leadAge + this.#stepAge(time);
    const vibrato = 0.004 * Math.sin(2 * Math.PI * 5.5 * time);
    return (
      0.11 *
      pulse(time * leadHz + vibrato * leadHz * 0.1, 0.5, leadHz / this.#options.sampleRate) *
      Math.min(1, age * 150) *
      Math.exp(-3 * age)
    );
  }

  #arpeggio(time: number): number {
    const { arpHz } = this.#step;
    const age = this.#stepAge(time);
    return (
      0.07 * pulse(time * arpHz, 0.25, arpHz / this.#options.sampleRate) * Math.min(1, age * 300) * Math.exp(-12 * age)
    );
  }

  #effects(time: number): number {
    let value = 0;
    for (const event of this.#events) {
      const age = time - event.frame / this.#options.fps;
      if (age >= 0 && age < EFFECT_S) value += effectSample(event.kind, age, this.#options.sampleRate);
    }
    return Math.max(-0.35, Math.min(0.35, value));
  }
}

function beep(sample: number, sampleRate: number): number {
  const age = (sample % sampleRate) / sampleRate;
  return age < BEEP_SECONDS ? 0.5 * Math.sin(2 * Math.PI * 1000 * age) : 0;
}

function effectSample(kind: GameEvent["kind"], age: number, sampleRate: number): number {
  switch (kind) {
    case "coin": {
      const hz = age < 0.06 ? 987.77 : 1318.5;
      return 0.1 * pulse(age * hz, 0.5, hz / sampleRate) * Math.exp(-9 * age);
    }
    case "jump":
      // The pitch rises, so the phase is the integral of it.
      return age > 0.22 ? 0 : 0.12 * pulse(age * 260 + age * age * 1300, 0.5, 0.01) * (1 - age / 0.22);
    case "stomp":
      return age > 0.2 ? 0 : 0.22 * triangle(age * 300 - age * age * 600) * (1 - age / 0.2);
    case "combo":
    case "stage": {
      const note = Math.min(3, Math.floor(age / 0.08));
      const hz = pitchHz([24, 28, 31, 36][note] ?? 36);
      return 0.12 * pulse(age * hz, 0.25, hz / sampleRate) * Math.exp(-4 * age);
    }
    default:
      return kind satisfies never;
  }
}
