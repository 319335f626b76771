import { parentPort } from "node:worker_threads";
import { type HashStream, openHashes } from "./body-hashes.ts";
import type { HashAnswer, HashOrder } from "./hash-messages.ts";

interface OpenStream {
  readonly stream: HashStream;
  readonly memory: SharedArrayBuffer;
}

const streams = new Map<number, OpenStream>();
/** Orders are obeyed one after another: opening a stream waits for its WASM. */
let working: Promise<void> = Promise.resolve();

function answer(message: HashAnswer): void {
  parentPort?.postMessage(message);
}

async function obey(order: HashOrder): Promise<void> {
  if (order.kind === "begin") {
    streams.set(order.id, { stream: await openHashes(order.request), memory: order.memory });
    return;
  }
  const open = streams.get(order.id);
  if (!open) return;
  if (order.kind === "update") {
    open.stream.update(new Uint8Array(open.memory, order.offset, order.length));
    answer({ kind: "taken", id: order.id });
    return;
  }
  streams.delete(order.id);
  if (order.kind === "drop") open.stream.drop();
  else answer({ kind: "hashes", id: order.id, hashes: open.stream.digest() });
}

parentPort?.on("message", (order: HashOrder) => {
  working = working.then(() => obey(order));
});
