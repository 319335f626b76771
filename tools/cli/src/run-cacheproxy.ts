import { cacheproxyPart } from "@kagami/cacheproxy";
import { runPart } from "@kagami/kit";
import type { CommandContext } from "./commands.ts";

/** `kagami cacheproxy`. */
export async function runCacheproxy({ argv, env }: CommandContext): Promise<void> {
  await runPart({ ...cacheproxyPart, argv, env });
}
