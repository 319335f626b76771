// Files
export { encodeClip, readClip, readLabels } from "./encode.ts";
// Plans and frames
export { generateClip } from "./generate.ts";
export { planClips } from "./plan.ts";
export type { PackedFrame } from "./raster.ts";
export type { CardLabel, ClipSet, ClipSpec, EventSpec, FrameLabels } from "./spec.ts";
// Pictures
export { openSprites, renderSprites, requestsOf } from "./sprites.ts";
