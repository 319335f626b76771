import type { ServerResponse } from "node:http";
import type { Random, TimerClock } from "@kagami/clock";
import { crc32c } from "@node-rs/crc32";
import { BatchDecoder } from "../../src/protocol/replica/index.ts";
import { ChangeSender } from "../../src/replica/change-sender.ts";
import { FollowerLink } from "../../src/replica/follower-link.ts";
import type { ChangeBatch } from "../../src/storage/change-reader.ts";
import { areChecksumsGood } from "../../src/storage/checksums.ts";
import { seedOf } from "../../src/storage/open-store.ts";
import type { ShardState } from "../../src/storage/shard-state.ts";

interface LateWrite {
  readonly bytes: Uint8Array;
  readonly onSent: (() => void) | undefined;
}

/** Bytes leave so many writes later than they were written. */
const LATE_WRITES = 3;

/**
 * An answer whose bytes are kept as they are when they leave, some writes later: who changes them before is found out. It
 * takes all at once, or nothing any more behind `limit` writes.
 */
export class KeptResponse {
  readonly #limit: number;
  readonly #left: Uint8Array[] = [];
  readonly #late: LateWrite[] = [];
  readonly destroyed = false;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** All that was written. */
  get chunks(): readonly Uint8Array[] {
    while (this.#late.length > 0) this.#leave();
    return this.#left;
  }

  write(bytes: Uint8Array, onSent?: () => void): boolean {
    this.#late.push({ bytes, onSent });
    if (this.#late.length > LATE_WRITES) this.#leave();
    return this.#left.length + this.#late.length < this.#limit;
  }

  #leave(): void {
    const first = this.#late.shift();
    if (first === undefined) return;
    this.#left.push(Buffer.from(first.bytes));
    first.onSent?.();
  }

  on(): this {
    return this;
  }

  off(): this {
    return this;
  }
}

/** Who waits for something new looks again sooner than this. */
const LONG_MS = 1_000;

/** A clock that stands, and calls back when somebody begins to wait for something new. */
function standingClock(onWait: () => void): TimerClock {
  return {
    wallMs: () => 0,
    monotonicMs: () => 0,
    after: (delayMs) => {
      if (delayMs < LONG_MS) queueMicrotask(onWait);
      return { cancel: () => undefined };
    },
  };
}

/**
 * A sender of the changes behind a position, to a response that is only kept.
 *
 * @param beside The clock, else it ends when nothing is new; and what reading waits for.
 */
export function senderTo(
  response: KeptResponse,
  state: ShardState,
  position: { readonly after: number; readonly drops: number },
  beside: { readonly clock?: TimerClock; readonly takeIo?: () => Promise<void> } = {},
): ChangeSender {
  const { clock = standingClock(() => sender.end()), takeIo = async () => undefined } = beside;
  const sender: ChangeSender = new ChangeSender(
    {
      ...{ state, clock, link: new FollowerLink("sim", clock), response: response as unknown as ServerResponse },
      ...{ takeIo, usersGeneration: () => 0 },
    },
    position,
  );
  return sender;
}

/** What goes wrong on the way: nothing, the rest is lost, a byte is another one, or somebody else's bytes come. */
const FAULTS = ["none", "none", "cut", "flip", "garbage"] as const;

/**
 * The batches that arrive of one connection: all that the source has behind a position, through a network that cuts it
 * anywhere. @throws ReplicaStreamError, an Error with the code that the source has sent, or CUT
 */
export async function* wireBatches(
  state: ShardState,
  position: { readonly after: number; readonly drops: number },
  random: Random,
): AsyncGenerator<ChangeBatch> {
  const response = new KeptResponse();
  await senderTo(response, state, position).run();
  const bytes = Buffer.concat(response.chunks);
  const fault = random.pick(FAULTS);
  const at = random.int(0, bytes.length - 1);
  if (fault === "flip") bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(0, 7));
  if (fault === "garbage") bytes.set(random.bytes(Math.min(500, bytes.length - at)), at);
  const decoder = new BatchDecoder({ crc32c, seedOf, after: position.after });
  const end = fault === "cut" ? at : bytes.length;
  for (let from = 0; from < end; ) {
    const to = Math.min(end, from + random.pick([1, 100, 5_000, 65_536]));
    decoder.push(bytes.subarray(from, to));
    from = to;
    for (let event = decoder.next(); event !== undefined; event = decoder.next()) {
      if (event.kind === "end") throw Object.assign(new Error(event.end.message), { code: event.end.code });
      if (event.kind !== "batch") continue;
      for (const { head, rest } of event.records) {
        if (!areChecksumsGood(rest, head.storedBytes))
          throw Object.assign(new Error("A body is wrong"), { code: "CUT" });
      }
      yield { ...event.end, changes: event.records };
    }
  }
  if (fault !== "none") throw Object.assign(new Error("The connection was cut"), { code: "CUT" });
}
