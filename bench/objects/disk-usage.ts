import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Bytes that the files below a directory take on the disk; what is not there takes none. */
export async function diskUsage(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  let bytes = 0;
  for (const name of names) {
    // Files come and go under a running server.
    const found = await stat(join(directory, name)).catch(() => undefined);
    if (found?.isFile()) bytes += found.blocks * 512;
  }
  return bytes;
}

/**
 * What the indexes of a store take: what is below each folder of that name. A fresh one takes tens of MB, since its log is
 * laid out ahead.
 */
export async function indexUsage(data: string): Promise<number> {
  const names = await readdir(data, { recursive: true });
  const folders = names.filter((name) => name.split("/").at(-1) === "index");
  const sizes = await Promise.all(folders.map((name) => diskUsage(join(data, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
