import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Makes a directory, gives it to `use`, and removes it with everything in it whatever happens. */
export async function withTempDir<T>(use: (dir: string) => Promise<T> | T): Promise<T> {
  const dir = await makeTempDir();
  try {
    return await use(dir);
  } finally {
    await removeTempDir(dir);
  }
}

/** Makes a directory of one's own below the system's place for temporary files. */
export async function makeTempDir(): Promise<string> {
  return await mkdtemp(join(tmpdir(), "kagami-test-"));
}

export async function removeTempDir(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true, maxRetries: 3 });
}
