import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repositoryRoot = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Where the web app was built to, if it was. */
export function builtWebApp(): string | undefined {
  const directory = join(repositoryRoot, "web", "app", "dist");
  return existsSync(join(directory, "index.html")) ? directory : undefined;
}
