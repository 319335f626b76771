import type { Region } from "@kagami/kernels";

/** `train` to choose thresholds, `test` to report on, `negatives` without any banner to count false alarms. */
export type ClipSet = "train" | "test" | "negatives";

/** Something that Chromium draws once, at its final size in pixels. */
export interface SpriteRequest {
  /** Whole document; the card's element has the id `b`, texts have the attribute `data-t`. Units are points. */
  readonly html: string;
  /** `card` is cut out with its shadow and keeps alpha; `plate` is an opaque picture of exactly `width` by `height`. */
  readonly kind: "card" | "plate";
  /** Pixels of one point. */
  readonly scale: number;
  /** Of the page, in pixels; a card must fit, its shadow included. */
  readonly width: number;
  readonly height: number;
}

/** How a camera travels over a plate that is larger than the screen. Distances are pixels, times seconds. */
export type Camera =
  | { readonly kind: "still" }
  | { readonly kind: "linear"; readonly vx: number; readonly vy: number }
  | { readonly kind: "wander"; readonly ampX: number; readonly ampY: number; readonly periodSec: number }
  | { readonly kind: "fling"; readonly everySec: number; readonly distance: number; readonly axis: "x" | "y" }
  | { readonly kind: "zoom"; readonly from: number; readonly to: number; readonly periodSec: number };

/** Moving content that ffmpeg makes; a few seconds that run to and fro. */
export interface VideoRequest {
  /** A lavfi graph without size and rate. */
  readonly source: string;
  readonly isPortrait: boolean;
}

/** Small pictures that move over the background: figures of a game, particles, falling stones. */
export interface Actor {
  readonly request: SpriteRequest;
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
  readonly ampX: number;
  readonly ampY: number;
  readonly periodSec: number;
}

export interface SceneSpec {
  readonly name: string;
  readonly startSec: number;
  readonly plate: SpriteRequest;
  readonly camera: Camera;
  /** Drawn into this part of the screen. */
  readonly video?: { readonly request: VideoRequest; readonly into: Region; readonly speed: number };
  readonly actors: readonly Actor[];
  /** Fixed cards over everything else of the scene: headers, bars, scores. Positions are those of their boxes. */
  readonly fixed: readonly { readonly request: SpriteRequest; readonly x: number; readonly y: number }[];
  /** How it begins: at once, from black, from white, or shaking (as games do at an explosion). */
  readonly entry: "cut" | "fade-black" | "fade-white" | "shake";
}

/**
 * `banner` must be hidden. `distractor` must not: hiding it is a false alarm. `other` a person could not tell from a
 * banner either: neither required nor an alarm.
 */
export type EventKind = "banner" | "distractor" | "other";

export type Motion = "spring" | "slide" | "slide-fade" | "scale-fade" | "island" | "fade" | "cut";
export type Edge = "top" | "bottom" | "left" | "right";

/** A card that comes, stays and goes. */
export interface EventSpec {
  readonly kind: EventKind;
  /** The style's id, such as `ios-17-dark`. */
  readonly style: string;
  readonly request: SpriteRequest;
  /** Which side of the screen it rests at and comes from. */
  readonly edge: Edge | "centre";
  /** From that edge to its box at rest, in pixels. */
  readonly inset: number;
  /** Sideways from the middle, in pixels. */
  readonly shift: number;
  readonly startSec: number;
  readonly inSec: number;
  readonly holdSec: number;
  readonly outSec: number;
  readonly enter: Motion;
  readonly leave: Motion;
  /** Where it goes; a swiped banner may leave sideways. */
  readonly leaveEdge: Edge;
  /** Of the spring; 1 is without overshoot. */
  readonly damping: number;
  /** The background shines through it, blurred. */
  readonly glass?: { readonly radius: number; readonly corner: number };
  /** How much darker everything behind it gets, 0 to 1. */
  readonly dim: number;
  /** Size of the pill that an island grows from, as fractions of the box. */
  readonly pill?: { readonly width: number; readonly height: number };
}

/** All of one video. The same spec gives the same frames. */
export interface ClipSpec {
  readonly name: string;
  readonly set: ClipSet;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  /** The phone's screen in the picture; the rest is black. All four are even. */
  readonly screen: Region;
  readonly fps: number;
  readonly durationSec: number;
  readonly colour: "bt709-limited" | "bt601-limited" | "bt601-full";
  /** 1 as drawn; less is a dimmed screen. */
  readonly brightness: number;
  /** Chance that a picture is a repetition of the one before, as in captures of a busy phone. */
  readonly repeatRate: number;
  readonly scenes: readonly SceneSpec[];
  /** In the order of drawing. */
  readonly events: readonly EventSpec[];
  readonly coding: CodingSpec;
}

export interface CodingSpec {
  readonly preset: "ultrafast" | "superfast" | "veryfast";
  readonly zeroLatency: boolean;
  readonly bFrames: number;
  readonly kilobits: number;
}

/** One card in one frame. Regions are pixels of the picture. */
export interface CardLabel {
  readonly kind: EventKind;
  readonly style: string;
  /** Numbers the cards of a clip, to follow one through its frames. */
  readonly track: number;
  /** Where its box is; may reach beyond the picture. */
  readonly full: Region;
  /** What of the box is on the screen. */
  readonly visible: Region;
  /** Area of `visible` by that of `full`, 0 to 1. */
  readonly visibleFraction: number;
  /** 0 to 1. */
  readonly opacity: number;
  /** Whether at least one of its lines can be read in this frame, see `labels.ts`. */
  readonly isTextReadable: boolean;
  /** Encloses the lines that can be read. */
  readonly readable?: Region;
}

export interface FrameLabels {
  readonly cards: readonly CardLabel[];
}
