import type { CommandContext } from "./commands.ts";

/** `kagami demo`: publishes the generated broadcast until it is stopped. */
export async function runDemo({ argv, env }: CommandContext): Promise<void> {
  const { runPart } = await import("@kagami/kit");
  const { demoPart } = await import("@kagami/demo");
  await runPart({ ...demoPart, argv, env });
}
