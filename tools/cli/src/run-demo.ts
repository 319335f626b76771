import { demoPart } from "@kagami/demo";
import { runPart } from "@kagami/kit";
import type { CommandContext } from "./commands.ts";

/** `kagami demo`: publishes the generated broadcast until it is stopped. */
export async function runDemo({ argv, env }: CommandContext): Promise<void> {
  await runPart({ ...demoPart, argv, env });
}
