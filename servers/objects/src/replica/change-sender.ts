import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Timer, TimerClock } from "@kagami/clock";
import { crc32c } from "@node-rs/crc32";
import {
  encodeFrameHeader,
  encodeMessage,
  encodeWireRecord,
  FRAME_KINDS,
  type FrameKind,
  MAX_DAMAGED_TOLD,
} from "../protocol/replica/index.ts";
import { type ChangeBatch, ChangeReader } from "../storage/change-reader.ts";
import type { ShardState } from "../storage/shard-state.ts";
import { StoreError } from "../store/object-store.ts";
import type { FollowerLink } from "./follower-link.ts";
import { Packer } from "./packer.ts";

/** A batch ends at so many bytes; one record may be more. A follower's stream holds one in memory. */
const BATCH_BYTES = 1 << 20;
/** At the end, how often is looked for something new: what comes meanwhile shares a batch. */
const TAIL_MS = 50;
/** Something is said at least so often. */
const HEARTBEAT_MS = 5_000;

export interface ChangeSenderParts {
  readonly state: ShardState;
  readonly link: FollowerLink;
  readonly response: ServerResponse;
  readonly clock: TimerClock;
  /** Waits for the budget of a tier's disk. */
  readonly takeIo: (bytes: number, place: string) => Promise<void>;
  readonly usersGeneration: () => number;
}

/** Sends the changes behind a position to one follower, for as long as it listens. */
export class ChangeSender {
  readonly #parts: ChangeSenderParts;
  readonly #reader: ChangeReader;
  #after: number;
  #drops: number;
  #saidAtMs = 0;
  #isEnded = false;
  readonly #packer = new Packer();
  #wake: (() => void) | undefined;

  constructor(parts: ChangeSenderParts, position: { readonly after: number; readonly drops: number }) {
    this.#parts = parts;
    this.#reader = new ChangeReader(parts.state, {
      pay: async (bytes, place) => {
        await parts.takeIo(bytes, place);
        await nextTurn();
      },
    });
    this.#after = position.after;
    this.#drops = position.drops;
  }

  /** Ends it soon; {@link ChangeSender.run} then resolves. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  /** Resolves when the follower has left or was told that it must begin anew. @throws an error of the disk */
  async run(): Promise<void> {
    const { state } = this.#parts;
    const { storeId, epochs } = state.identity;
    const hello = encodeMessage({ storeId, epochs, appliedSequence: state.appliedSequence });
    if (!(await this.#say(FRAME_KINDS.hello, [hello]))) return;
    let knownApplied: number | undefined;
    while (!this.#isEnded) {
      const { appliedSequence } = state;
      if (appliedSequence === knownApplied) {
        if (!(await this.#rest())) return;
        continue;
      }
      const batch = await this.#read();
      if (batch === undefined || this.#isEnded) return;
      const isFirst = knownApplied === undefined;
      knownApplied = batch.isEnd ? appliedSequence : -1;
      const isNews = batch.nextAfter > this.#after || batch.damagedSequences.length + batch.damagedBytes > 0;
      if ((isNews || isFirst) && !(await this.#sendBatch(batch))) return;
    }
  }

  /** Undefined if the follower must begin anew, which it was told. */
  async #read(): Promise<ChangeBatch | undefined> {
    try {
      return await this.#speakDuring(this.#reader.read(this.#after, BATCH_BYTES, this.#drops));
    } catch (error) {
      // Trimmed, closing, or a tier that is away: the follower is told which.
      if (!(error instanceof StoreError)) throw error;
      await this.#say(FRAME_KINDS.end, [encodeMessage({ code: error.code, message: error.message })]);
      return undefined;
    }
  }

  /**
   * Says now and then that it is there until the work is done: a small budget or a slow disk may take longer than a follower
   * bears silence, and one that comes back asks for the same batch again.
   */
  async #speakDuring<Result>(work: Promise<Result>): Promise<Result> {
    const { clock, response } = this.#parts;
    const done = work.then(isDone, isDone);
    for (;;) {
      let timer: Timer | undefined;
      const late = new Promise<false>((resolve) => {
        timer = clock.after(HEARTBEAT_MS, () => resolve(false));
      });
      const isOver = await Promise.race([done, late]);
      timer?.cancel();
      if (isOver || this.#isEnded || response.destroyed) return await work;
      await this.#beat();
    }
  }

  async #sendBatch(batch: ChangeBatch): Promise<boolean> {
    const { state, usersGeneration } = this.#parts;
    const { changes, nextAfter, isEnd, horizon, drops, damagedSequences, damagedBytes } = batch;
    this.#drops = drops;
    for (const change of changes) {
      this.#add(FRAME_KINDS.record, encodeWireRecord(change, state.identity.seed));
      if (this.#packer.isFull && !(await this.#flush())) return false;
    }
    const end = {
      ...{ nextAfter, isEnd, horizon, drops, damagedBytes, appliedSequence: state.appliedSequence },
      ...{ damagedSequences: damagedSequences.slice(0, MAX_DAMAGED_TOLD), usersGeneration: usersGeneration() },
    };
    this.#after = nextAfter;
    return await this.#say(FRAME_KINDS.batchEnd, [encodeMessage(end)]);
  }

  /** Waits a little, and says that it is there if it was silent for long. False if the follower has left. */
  async #rest(): Promise<boolean> {
    const { clock, response } = this.#parts;
    await new Promise<void>((resolve) => {
      const timer = clock.after(TAIL_MS, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#wake = undefined;
    if (response.destroyed) return false;
    return clock.monotonicMs() - this.#saidAtMs < HEARTBEAT_MS || (await this.#beat());
  }

  #beat(): Promise<boolean> | boolean {
    const { state, usersGeneration } = this.#parts;
    const heartbeat = { appliedSequence: state.appliedSequence, usersGeneration: usersGeneration() };
    return this.#say(FRAME_KINDS.heartbeat, [encodeMessage(heartbeat)]);
  }

  #say(kind: FrameKind, payload: readonly Uint8Array[]): Promise<boolean> | boolean {
    this.#add(kind, payload);
    return this.#flush();
  }

  #add(kind: FrameKind, payload: readonly Uint8Array[]): void {
    this.#packer.add(encodeFrameHeader(kind, payload, crc32c));
    for (const piece of payload) this.#packer.add(piece);
  }

  #flush(): Promise<boolean> | boolean {
    const { link, response, clock } = this.#parts;
    const { pieces, onSent } = this.#packer.take();
    this.#saidAtMs = clock.monotonicMs();
    return link.send(response, pieces, onSent);
  }
}

function isDone(): true {
  return true;
}
