import type { Region } from "@kagami/kernels";
import type { Camera, Edge, EventSpec, Motion } from "./spec.ts";

/** Where a card is and how it looks at one moment. Scales are about the middle of the box's upper edge. */
export interface Pose {
  /** Offset of the box from its place at rest, in pixels. */
  readonly dx: number;
  readonly dy: number;
  readonly scaleX: number;
  readonly scaleY: number;
  /** 0 to 1. */
  readonly opacity: number;
}

const REST: Pose = { dx: 0, dy: 0, scaleX: 1, scaleY: 1, opacity: 1 };

/**
 * The pose of a card `sec` seconds after it started to come.
 *
 * @param rest Its box at rest, within the screen.
 * @param margin How far its shadow reaches beyond the box.
 * @returns `undefined` before it comes and after it has gone.
 */
export function poseAt(event: EventSpec, sec: number, rest: Region, screen: Region, margin: number): Pose | undefined {
  const { inSec, holdSec, outSec } = event;
  if (sec < 0 || sec >= inSec + holdSec + outSec) return undefined;
  if (sec < inSec) {
    const from = event.edge === "centre" ? "top" : event.edge;
    return pose(event, event.enter, progress(event.enter, sec / inSec, event.damping), from, rest, screen, margin);
  }
  if (sec < inSec + holdSec) return REST;
  const gone = (sec - inSec - holdSec) / outSec;
  const left = 1 - (event.leave === "spring" ? easeIn(gone) : gone * gone * (3 - 2 * gone));
  return pose(event, event.leave, left, event.leaveEdge, rest, screen, margin);
}

function pose(
  event: EventSpec,
  motion: Motion,
  there: number,
  edge: Edge,
  rest: Region,
  screen: Region,
  margin: number,
): Pose {
  const fade = Math.max(0, Math.min(1, there));
  const [outX, outY] = outside(edge, rest, screen, margin);
  switch (motion) {
    case "spring":
    case "slide":
      return { ...REST, dx: outX * (1 - there), dy: outY * (1 - there) };
    case "slide-fade":
      // It starts a part of the way out, and becomes opaque early.
      return { ...REST, dx: outX * 0.6 * (1 - there), dy: outY * 0.6 * (1 - there), opacity: Math.min(1, fade * 1.6) };
    case "scale-fade": {
      const scale = 0.82 + 0.18 * there;
      return { ...REST, scaleX: scale, scaleY: scale, opacity: Math.min(1, fade * 1.4) };
    }
    case "island": {
      const { width, height } = event.pill ?? { width: 0.34, height: 0.44 };
      return { ...REST, scaleX: width + (1 - width) * there, scaleY: height + (1 - height) * there };
    }
    case "fade":
      return { ...REST, opacity: fade };
    case "cut":
      return REST;
    default:
      return motion satisfies never;
  }
}

/** How far away from rest a card is just outside the screen. */
function outside(edge: Edge, rest: Region, screen: Region, margin: number): readonly [number, number] {
  switch (edge) {
    case "top":
      return [0, -(rest.y + rest.height + margin)];
    case "bottom":
      return [0, screen.height - rest.y + margin];
    case "left":
      return [-(rest.x + rest.width + margin), 0];
    case "right":
      return [screen.width - rest.x + margin, 0];
    default:
      return edge satisfies never;
  }
}

/** 0 is away, 1 is at rest; a spring goes a little beyond. */
function progress(motion: Motion, t: number, damping: number): number {
  if (motion === "spring" || motion === "island") return spring(t, damping);
  return 1 - (1 - t) ** 3;
}

/** A damped oscillator let go at distance 1; the time is scaled so that it has come to rest at t = 1. */
function spring(t: number, damping: number): number {
  const omega = 7.5 / Math.max(0.6, damping);
  if (damping >= 1) return 1 - (1 + omega * t) * Math.exp(-omega * t);
  const damped = omega * Math.sqrt(1 - damping * damping);
  const decay = Math.exp(-damping * omega * t);
  return 1 - decay * (Math.cos(damped * t) + ((damping * omega) / damped) * Math.sin(damped * t));
}

function easeIn(t: number): number {
  return t * t * t * 0.6 + t * 0.4;
}

/** The left upper corner of a camera over its plate, in whole pixels; zooming cameras stay in the corner. */
export function cameraAt(camera: Camera, sec: number): readonly [x: number, y: number] {
  switch (camera.kind) {
    case "still":
    case "zoom":
      return [0, 0];
    case "linear":
      return [Math.round(camera.vx * sec), Math.round(camera.vy * sec)];
    case "wander": {
      const turn = (sec / camera.periodSec) * 2 * Math.PI;
      const x = camera.ampX * (Math.sin(turn) + 0.3 * Math.sin(2.7 * turn));
      return [Math.round(x), Math.round(camera.ampY * (Math.sin(1.3 * turn + 1) + 0.3 * Math.sin(3.1 * turn)))];
    }
    case "fling": {
      const count = Math.floor(sec / camera.everySec);
      const within = Math.min(1, (sec - count * camera.everySec) / Math.min(1.1, camera.everySec));
      const travelled = Math.round((count + 1 - (1 - within) ** 3) * camera.distance);
      return camera.axis === "x" ? [travelled, 0] : [0, travelled];
    }
    default:
      return camera satisfies never;
  }
}
