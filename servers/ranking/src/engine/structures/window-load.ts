import type { Container } from "../container.ts";
import { CommandError } from "../replies.ts";
import type { Store } from "../store.ts";
import { BAD_BLOB, BlobReader, BlobWriter, textBytes } from "./blob.ts";
import { EventWindow } from "./window.ts";
import { RateLimiter } from "./window-limiter.ts";
import { forEachBlob, readPart, readPlan, WindowPart } from "./window-parts.ts";

/** Emits `WIN.LOAD key blob` commands that make an equal window. */
export function rebuildWindow(window: EventWindow, key: Uint8Array, emit: (args: readonly Uint8Array[]) => void): void {
  forEachBlob(window, (blob) => emit([textBytes("WIN.LOAD"), key, blob]));
}

/** As {@link rebuildWindow}, for a limiter. */
export function rebuildLimiter(
  limiter: RateLimiter,
  key: Uint8Array,
  emit: (args: readonly Uint8Array[]) => void,
): void {
  const blob = new BlobWriter().byte(WindowPart.limiter);
  for (const number of limiter.state) blob.double(number);
  emit([textBytes("WIN.LOAD"), key, blob.take()]);
}

/**
 * Adds what a blob has to a value that is being rebuilt, or begins one.
 *
 * @throws CommandError if the blob is none, or not one that can come here. A part of it may have been read by then.
 */
export function loadWindowBlob(
  value: Container | undefined,
  bytes: Uint8Array,
  { heap, hashSeed, zones }: Store,
): EventWindow | RateLimiter {
  const blob = new BlobReader(bytes);
  if (value === undefined) {
    const part = blob.byte();
    if (part === WindowPart.plan) {
      const { plan, lateEvents, firstBucket } = readPlan(blob, zones);
      const window = new EventWindow(heap, hashSeed, plan, 0, firstBucket);
      window.lateEvents = lateEvents;
      return window;
    }
    if (part !== WindowPart.limiter) throw new CommandError(BAD_BLOB);
    const limiter = new RateLimiter();
    const largest = Number.MAX_SAFE_INTEGER;
    limiter.state = [blob.whole(0, largest), blob.whole(1, largest), blob.whole(0, largest)];
    return limiter;
  }
  if (!(value instanceof EventWindow) || !readPart(value, blob)) throw new CommandError(BAD_BLOB);
  return value;
}
