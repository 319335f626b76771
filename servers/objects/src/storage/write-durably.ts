import { renameSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes a small file, whole or not at all; its name is durable, too. @throws the system's error */
export async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(`${path}.new`, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  renameSync(`${path}.new`, path);
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
