import { runPart } from "@kagami/kit";
import { livePart } from "@kagami/live";
import type { CommandContext } from "./commands.ts";
import { builtWebApp } from "./web-app.ts";

/** `kagami live`: serves the built web app unless another one, or none, is asked for. */
export async function runLive({ argv, env }: CommandContext): Promise<void> {
  const webRoot = builtWebApp();
  const withWeb = webRoot === undefined ? env : { KAGAMI_LIVE_WEB_ROOT: webRoot, ...env };
  await runPart({ ...livePart, argv, env: withWeb });
}
