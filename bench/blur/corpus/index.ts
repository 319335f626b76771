// Files

// Plans and frames
export { BANNER_STYLES, type BannerStyle } from "./banner-styles.ts";
export { type CardContext, card, type DistractionMaker, disc } from "./card-html.ts";
export { encodeClip, readClip, readLabels } from "./encode.ts";
export { generateClip } from "./generate.ts";
// What clips are made of
export { type Pieces, piecesOf } from "./pieces.ts";
export { planClips } from "./plan.ts";
export type { PackedFrame } from "./raster.ts";
export type { PageContext } from "./scene-html.ts";
export { gameScene, pans, roams, type SceneKind, still, videoScene, zooms } from "./scenes.ts";
export type { CardLabel, ClipSet, ClipSpec, EventSpec, FrameLabels, Motion } from "./spec.ts";
// Pictures
export { openSprites, renderSprites, requestsOf, type SpriteStore } from "./sprites.ts";
export type { Words } from "./texts.ts";
