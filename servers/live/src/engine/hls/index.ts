export { HlsWindow, type MediaAnswer } from "./window.ts";
