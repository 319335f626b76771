// Files

// Plans and frames
export type { BannerStyle } from "./banner-styles.ts";
export { encodeClip, readClip, readLabels } from "./encode.ts";
export { generateClip } from "./generate.ts";
export { planClips } from "./plan.ts";
export type { PackedFrame } from "./raster.ts";
export type { CardLabel, ClipSet, ClipSpec, EventSpec, FrameLabels } from "./spec.ts";
// Pictures
export { openSprites, renderSprites, requestsOf, type SpriteStore } from "./sprites.ts";
