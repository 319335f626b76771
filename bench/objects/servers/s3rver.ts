import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { startReference } from "@kagami/testkit";
import type { LocalPeer } from "./peer.ts";

/** s3rver of npm, on the same Node; it never syncs. */
export async function startS3rver(): Promise<LocalPeer> {
  const manifest = createRequire(import.meta.url).resolve("s3rver/package.json");
  const { version } = createRequire(import.meta.url)("s3rver/package.json") as { version: string };
  const script = join(dirname(manifest), "bin", "s3rver.js");
  const server = await startReference({
    command: process.execPath,
    args: (port, { dir }) => [script, "-a", "127.0.0.1", "-p", String(port), "-d", dir, "-s"],
    ready: "tcp",
  });
  return {
    name: "s3rver",
    endpoint: `http://127.0.0.1:${server.port}`,
    credentials: { accessKey: "S3RVER", secretKey: "S3RVER" },
    pids: [server.pid],
    version: `s3rver ${version}`,
    stop: () => server.stop(),
  };
}
