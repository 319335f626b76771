import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Logger, Metrics } from "@kagami/kit";

/** How often to look, and how long to leave the collector alone after it was called, in milliseconds. */
const LOOK_INTERVAL_MS = 5_000;
const REST_MS = 30_000;

/** Buffers that nobody owns any more, beyond which they are worth a collection, in bytes. */
const UNOWNED_LIMIT_BYTES = 32 << 20;

/** What {@link isCollectionDue} goes by. */
export interface MemoryLook {
  readonly atMs: number;
  /** Bytes of all array buffers of the process, and of those that caches and queues account for. */
  readonly bufferBytes: number;
  readonly ownedBytes: number;
}

/**
 * Whether garbage should be collected now. V8 collects when it allocates; a server that has become idle allocates
 * nothing, and would keep the buffers of its busiest hour for days. Buffers that shrink by themselves are left alone.
 */
export function isCollectionDue(before: MemoryLook, now: MemoryLook, collectedAtMs: number): boolean {
  if (now.atMs - collectedAtMs < REST_MS) return false;
  const unownedBytes = now.bufferBytes - now.ownedBytes;
  return unownedBytes > UNOWNED_LIMIT_BYTES && now.bufferBytes >= before.bufferBytes * 0.9;
}

/** Gives memory back after a spike. Returns what ends it. */
export function keepMemory(metrics: Metrics, log: Logger): () => void {
  const collections = metrics.counter("kagami_live_idle_collections_total", "Garbage collections asked for").with();
  const collect = garbageCollector();
  const look = (): MemoryLook => {
    let ownedBytes = 0;
    for (const [owner, bytes] of metrics.readMemoryAccounts()) if (owner !== "viewer-sockets") ownedBytes += bytes;
    return { atMs: performance.now(), bufferBytes: process.memoryUsage().arrayBuffers, ownedBytes };
  };
  let before = look();
  let collectedAtMs = Number.NEGATIVE_INFINITY;
  const timer = setInterval(() => {
    const now = look();
    const isDue = isCollectionDue(before, now, collectedAtMs);
    before = now;
    if (!isDue) return;
    collectedAtMs = now.atMs;
    collections.inc();
    collect();
    const tookMs = Math.round(performance.now() - now.atMs);
    log.debug("memory.collected", { tookMs, bufferBytes: now.bufferBytes, ownedBytes: now.ownedBytes });
  }, LOOK_INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** V8 shows its collector only to contexts made after the flag was set. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
