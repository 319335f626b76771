// Plans and frames

// Files
export { type ClipLabels, encodeClip, type ReadFrame, readClip, readLabels, unpackLabels } from "./encode.ts";
export { type GeneratedFrame, type GenerateOptions, generateClip } from "./generate.ts";
export { planClips } from "./plan.ts";
export { createFrame, type PackedFrame } from "./raster.ts";
export type { CardLabel, ClipSet, ClipSpec, EventKind, EventSpec, FrameLabels } from "./spec.ts";
// Pictures
export { openSprites, renderSprites, requestsOf, type SpriteStore } from "./sprites.ts";
