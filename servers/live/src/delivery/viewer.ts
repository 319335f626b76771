import type { MediaUnit } from "../engine/media-unit.ts";
import type { ViewerLimits } from "../engine/viewer-policy.ts";
import { ViewerPolicy } from "../engine/viewer-policy.ts";

export type ViewerProtocol = "ws" | "flv" | "rtmp";

/** Why a viewer is sent away; each protocol says it in its own way. */
export type LeaveReason = "ended" | "restarting" | "too-slow";

/** The connection of one viewer, as its protocol's endpoint provides it. */
export interface ViewerLink {
  readonly protocol: ViewerProtocol;
  /** Bytes that this process holds for the viewer's socket. */
  readonly bufferedBytes: number;
  /** Hands bytes to the socket. They are shared with other viewers and must not be changed. */
  write(bytes: Uint8Array): void;
  /** Tells the viewer something beside the media; only WebSocket viewers have a way to hear it. */
  tell?(message: object): void;
  /** Sends the viewer away. `onViewerLeft` of the fan-out follows when the connection has closed. */
  leave(reason: LeaveReason): void;
}

/** One viewer of one channel. */
export class Viewer {
  readonly link: ViewerLink;
  readonly policy: ViewerPolicy;
  readonly joinedAtMs: number;
  /** Has been sent the initialization and the group of pictures; until then it gets no bursts. */
  hasStarted = false;
  isLeaving = false;
  /** The last picture sent, to go on from after a pause. */
  lastVideo: MediaUnit | undefined;
  /** From the publisher's frame reaching the server to its being shown, in milliseconds, if the viewer says so. */
  reportedLatencyMs: number | undefined;
  /** Presentation time at which the picture stopped, while it is stopped. */
  pausedAtUs: number | undefined;

  constructor(link: ViewerLink, limits: ViewerLimits, nowMs: number) {
    this.link = link;
    this.joinedAtMs = nowMs;
    this.policy = new ViewerPolicy(limits, nowMs);
  }

  leave(reason: LeaveReason): void {
    if (this.isLeaving) return;
    this.isLeaving = true;
    this.link.leave(reason);
  }
}
