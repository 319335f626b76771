import type { Region, YuvFrame } from "@kagami/kernels";

/** Which looks of banners are searched for; `any` searches for all. */
export type BannerStyle = "any" | "ios" | "android";

/** A rectangle that is always hidden, as fractions of the picture, so that it survives a change of resolution. */
export interface ManualZone {
  /** 0 to 1, from the left upper corner. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What a detector says of one picture. */
export interface Detection {
  /**
   * `clear`: nothing to hide. `suspect`: something has begun that may become a banner; hidden already. `banner`: one is
   * there. `held`: it has just left, and is still hidden for a while.
   */
  readonly state: "clear" | "suspect" | "banner" | "held";
  /** What to hide, margins included, within the picture; empty only if `clear` and no manual zone. */
  readonly regions: readonly Region[];
  /**
   * Whether the pictures before this one that are still held must be hidden as well, by the same regions: the banner was
   * already coming, too little of it to be sure.
   */
  readonly reachesBack: boolean;
  /**
   * Whether the picture before this one must be held until one more has been looked at: this one may be the beginning of
   * a banner. Each picture is held for two others at most.
   */
  readonly isUnsure: boolean;
  /** Banners seen since the start; a banner counts when it is confirmed. */
  readonly bannerCount: number;
  /** Why, for the debug overlay: candidates with their scores, kept small. */
  readonly explanation: readonly DetectionNote[];
}

export interface DetectionNote {
  readonly region: Region;
  /** The profile or rule that spoke, such as `ios-compact`. */
  readonly rule: string;
  /** 0 to 1. */
  readonly score: number;
}

/**
 * Watches one stream's pictures in the order of presentation.
 *
 * Pure: the same pictures and times give the same detections. Pictures may change their size in between.
 */
export interface Detector {
  /** @param timeUs Presentation time; grows. The frame is only read, and not kept. */
  inspect(frame: YuvFrame, timeUs: number): Detection;
}
