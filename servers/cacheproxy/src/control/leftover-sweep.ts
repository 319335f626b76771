import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Placement, ServerSpec } from "../engine/cluster.ts";
import { isLeftover } from "../engine/policies/leftovers.ts";
import { PlacementCache } from "../engine/policies/placement-cache.ts";
import { serverTlsOptions } from "../server-tls.ts";
import type { ConnectionSettings } from "./memcached-connection.ts";

/** How a sweep of one server went. */
export interface SweepResult {
  readonly keyCount: number;
  readonly removedCount: number;
}

const LINE_LIMIT_CHARACTERS = 4_096;
const BATCH_KEYS = 64;
const ESCAPE = /%[0-9A-Fa-f]{2}/g;

/**
 * Removes from a server the keys that another server owns: leftovers of a time when this one owned them. Streams the
 * server's own list of its keys (`lru_crawler metadump all`), so it holds no more than a batch of them.
 *
 * The caller sees to it that nobody reads or stores such keys there meanwhile; see isLeftover.
 *
 * @throws Error if the server cannot be reached, falls silent for the timeout, or lists no keys (`no_lru_crawler`)
 */
export async function sweepLeftovers(
  server: ServerSpec,
  from: Placement,
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<SweepResult> {
  const listing = open(server, settings, signal);
  const removing = open(server, settings, signal);
  const placements = new PlacementCache();
  let [keyCount, removedCount] = [0, 0];
  let batch: Buffer[] = [];
  const remove = async (): Promise<void> => {
    if (batch.length === 0) return;
    const commands = batch.map((key) => `md ${key.toString("base64")} b q\r\n`).join("");
    removedCount += batch.length;
    batch = [];
    removing.write(`${commands}mn\r\n`);
    for await (const line of linesOf(removing)) if (line === "MN") return;
    throw new Error("the server closed the connection");
  };
  try {
    listing.write("lru_crawler metadump all\r\n");
    for await (const line of linesOf(listing)) {
      if (line === "END") {
        await remove();
        return { keyCount, removedCount };
      }
      const key = keyOf(line);
      keyCount++;
      if (isLeftover(placements, from, server, key)) batch.push(key);
      if (batch.length >= BATCH_KEYS) await remove();
    }
    throw new Error("the server closed the connection");
  } finally {
    listing.destroy();
    removing.destroy();
  }
}

function open({ host, port, tls }: ServerSpec, settings: ConnectionSettings, signal: AbortSignal): Socket {
  const socket = tls ? connectTls({ ...serverTlsOptions(settings.tls, host), port }) : connect({ host, port });
  socket.setTimeout(settings.timeoutMs, () => socket.destroy(new Error(`no answer within ${settings.timeoutMs} ms`)));
  const onAbort = (): void => void socket.destroy(new Error("the sweep was given up"));
  signal.addEventListener("abort", onAbort, { once: true });
  socket.on("close", () => signal.removeEventListener("abort", onAbort));
  socket.on("error", () => undefined); // whoever reads the socket is told
  return socket;
}

/** Lines without their ends; both `\n` (of the list) and `\r\n`. The socket can be read on afterwards. */
async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    const lines = (rest + (chunk as Buffer).toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_LIMIT_CHARACTERS) throw new Error("a line is longer than any of memcached's");
    for (const line of lines) yield line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}

/** @throws Error if the line is not of a list of keys */
function keyOf(line: string): Buffer {
  const encoded = /^key=(\S{1,750}) /.exec(line)?.[1];
  if (encoded === undefined) throw new Error(`it does not list its keys: ${line.slice(0, 80)}`);
  const text = encoded.replace(ESCAPE, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
  return Buffer.from(text, "latin1");
}
