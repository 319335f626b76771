import { once } from "node:events";
import { createServer } from "node:net";

/** `127.0.0.1:port`; with port 0, which is any free one, if somebody listens there. */
export async function usualOrFree(port: number): Promise<string> {
  const probe = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (!isFree) return "127.0.0.1:0";
  probe.close();
  await once(probe, "close");
  return `127.0.0.1:${port}`;
}
