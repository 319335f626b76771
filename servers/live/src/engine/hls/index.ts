export type { HlsFragment, InitInfo } from "./fragment.ts";
export type { HlsLimits } from "./timing.ts";
export { DEFAULT_HLS_LIMITS } from "./timing.ts";
export type { MediaAnswer, PlaylistAnswer, PlaylistMoment } from "./window.ts";
export { HlsWindow } from "./window.ts";
