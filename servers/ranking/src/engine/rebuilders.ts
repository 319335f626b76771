import type { Rebuilders } from "./rebuild.ts";

/** How each type of container is made anew. */
export const REBUILDERS: Rebuilders = {};
