import type { Timer, TimerClock } from "@kagami/clock";
import { crc32c } from "@node-rs/crc32";
import { backoffMs } from "../engine/replica/backoff.ts";
import { currentEpoch, epochOfSequence, hasEpochsOf } from "../engine/replica/epochs.ts";
import {
  BatchDecoder,
  type BatchEnd,
  type ReplicaHello,
  type StreamEvent,
  type WireRecord,
} from "../protocol/replica/index.ts";
import { areChecksumsGood } from "../storage/checksums.ts";
import { NO_PAST } from "../storage/follower.ts";
import { seedOf } from "../storage/open-store.ts";
import type { Copies } from "./copies.ts";
import type { Copy } from "./copy.ts";
import { type SourceClient, SourceError } from "./source-client.ts";

/** A small record costs the processor more than the disk. */
const MIN_RECORD_COST_BYTES = 4_096;
/** The source is told so often how far the copy is. */
const PROGRESS_MS = 1_000;
/** What the source says when the copy cannot go on from where it stands. */
const ANEW_CODES: ReadonlySet<string> = new Set(["CHANGES_TRIMMED", "DIVERGED"]);

export interface ReplicaParts {
  readonly copies: Copies;
  readonly client: Pick<SourceClient, "changes" | "blob" | "users" | "progress" | "close">;
  readonly clock: TimerClock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Goes on behind records that the source itself cannot read. */
  readonly goesPastDamage: boolean;
  /** Takes the text of the source's users. */
  readonly onUsers: (text: string) => Promise<void>;
  readonly onEvent: (event: ReplicaFollowEvent) => void;
}

/** What happened, for the log. */
export type ReplicaFollowEvent =
  | { readonly kind: "following"; readonly storeId: string; readonly epoch: number; readonly after: number }
  | { readonly kind: "failed"; readonly code: string; readonly error: unknown }
  | { readonly kind: "from-nothing"; readonly code: string }
  | { readonly kind: "whole"; readonly after: number }
  | { readonly kind: "damage-passed"; readonly sequences: readonly number[]; readonly bytes: number };

/** How the replica stands, as its admin API shows it. */
export interface ReplicaFollowStatus {
  readonly isConnected: boolean;
  readonly isWhole: boolean;
  readonly isMakingNext: boolean;
  readonly storeId: string | null;
  readonly epoch: number;
  readonly after: number;
  /** Changes that the source has and the copy does not, as far as it said. */
  readonly lagSequences: number;
  readonly receivedBytes: number;
  readonly connectCount: number;
  readonly fromNothingCount: number;
  readonly lastFailure: { readonly code: string; readonly message: string } | null;
}

/**
 * Keeps a copy of another store up to date for as long as it runs: connects, applies what comes, and after any failure
 * waits a while and goes on from where the copy stands.
 */
export class Replica {
  readonly #parts: ReplicaParts;
  #isClosed = false;
  #isConnected = false;
  #failureCount = 0;
  #sourceApplied = 0;
  #receivedBytes = 0;
  #connectCount = 0;
  #fromNothingCount = 0;
  #lastFailure: ReplicaFollowStatus["lastFailure"] = null;
  #usersGeneration: number | undefined;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #toldAfter = -1;
  #telling: Promise<void> | undefined;
  #tellTimer: Timer | undefined;
  #wake: (() => void) | undefined;
  readonly #running: Promise<void>;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    this.#running = this.#run();
  }

  get status(): ReplicaFollowStatus {
    const { copies } = this.#parts;
    const after = copies.followed?.follower.after ?? 0;
    return {
      isConnected: this.#isConnected,
      isWhole: copies.isWhole,
      isMakingNext: copies.isMakingNext,
      storeId: copies.storeId ?? null,
      epoch: currentEpoch(copies.epochs),
      after,
      lagSequences: Math.max(0, this.#sourceApplied - after),
      receivedBytes: this.#receivedBytes,
      connectCount: this.#connectCount,
      fromNothingCount: this.#fromNothingCount,
      lastFailure: this.#lastFailure,
    };
  }

  /** Stops following; the copies stay open. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#parts.client.close();
    this.#wake?.();
    this.#tellTimer?.cancel();
    await this.#running;
    await this.#telling;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#follow();
        this.#fail(new SourceError("SOURCE_CUT", "The source has ended the stream"));
      } catch (error) {
        this.#fail(error);
        await this.#recover(error);
      }
      this.#isConnected = false;
      if (this.#isClosed) return;
      await this.#pause(backoffMs(this.#failureCount, this.#parts.random()));
    }
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.#failureCount++;
    const code = String((error as { code?: unknown }).code ?? "UNKNOWN");
    this.#lastFailure = { code, message: error instanceof Error ? error.message : String(error) };
    this.#parts.onEvent({ kind: "failed", code, error });
  }

  /** Makes the next try possible. It never throws: what fails here fails again there. */
  async #recover(error: unknown): Promise<void> {
    if (this.#isClosed) return;
    const { copies, onEvent } = this.#parts;
    try {
      if (error instanceof SourceError && ANEW_CODES.has(error.code)) {
        this.#fromNothingCount++;
        onEvent({ kind: "from-nothing", code: error.code });
        await copies.startFromNothing();
      } else if (copies.followed?.follower.isBroken) await copies.reopen();
    } catch (failure) {
      this.#fail(failure);
    }
  }

  async #follow(): Promise<void> {
    const { copies, client } = this.#parts;
    const copy = copies.followed;
    // Broken and not to be opened: the disk is full, or fails.
    if (copy?.follower.isBroken) await copies.reopen();
    const follower = copies.followed?.follower;
    const { after = 0, past: { drops } = NO_PAST } = follower ?? {};
    const position = { storeId: copies.storeId ?? "", epoch: currentEpoch(copies.epochs), after, drops };
    const stream = await client.changes(position);
    const decoder = new BatchDecoder({ crc32c, seedOf, after });
    this.#usersGeneration = undefined;
    for await (const chunk of stream) {
      this.#receivedBytes += chunk.length;
      decoder.push(chunk);
      for (let event = decoder.next(); event !== undefined; event = decoder.next()) {
        if (this.#isClosed) return;
        await this.#take(event);
      }
    }
  }

  async #take(event: StreamEvent): Promise<void> {
    switch (event.kind) {
      case "hello":
        return await this.#greet(event.hello);
      case "batch":
        return await this.#apply(event.records, event.end);
      case "heartbeat":
        this.#sourceApplied = event.heartbeat.appliedSequence;
        this.#tell();
        return await this.#takeUsers(event.heartbeat.usersGeneration);
      case "end":
        throw new SourceError(event.end.code, event.end.message);
      default:
        event satisfies never;
    }
  }

  async #greet({ storeId, epochs, appliedSequence }: ReplicaHello): Promise<void> {
    const { copies, onEvent } = this.#parts;
    if (copies.storeId !== undefined && copies.storeId !== storeId) {
      throw new SourceError("STORE_MISMATCH", `The source is store ${storeId}, the copy is of ${copies.storeId}`);
    }
    if (currentEpoch(epochs) < currentEpoch(copies.epochs)) {
      throw new SourceError(
        "EPOCH_OLD",
        "The source is of an older epoch than the copy: another one was promoted since",
      );
    }
    if (copies.followed !== undefined && !hasEpochsOf(epochs, copies.epochs)) {
      const message =
        "The source and the store that was followed before were promoted apart: they share no more than a past";
      throw new SourceError("DIVERGED", message);
    }
    const copy = copies.followed ?? (await copies.begin(storeId, epochs));
    if (currentEpoch(epochs) > currentEpoch(copy.epochs)) await copy.setEpochs(epochs);
    this.#sourceApplied = appliedSequence;
    this.#isConnected = true;
    this.#connectCount++;
    onEvent({ kind: "following", storeId, epoch: currentEpoch(epochs), after: copy.follower.after });
  }

  async #apply(records: readonly WireRecord[], end: BatchEnd): Promise<void> {
    const { copies, client } = this.#parts;
    const copy = copies.followed;
    if (copy === undefined) return;
    for (const record of records) checkRecord(record, copy);
    this.#checkDamage(end);
    if (records.length > 0) copy.checkRoom();
    const bytes = records.reduce((sum, { rest }) => sum + rest.length, 0);
    const take = (count: number) => copy.maintenance.take(count, "replication");
    if (records.length > 0) await take(Math.max(bytes, records.length * MIN_RECORD_COST_BYTES));
    await copy.follower.apply({ ...end, changes: records }, async (blobId) => {
      const pieces = await client.blob(blobId, copy.name.storeId);
      return pieces && this.#paced(pieces, take);
    });
    this.#failureCount = 0;
    this.#lastFailure = null;
    this.#sourceApplied = end.appliedSequence;
    await this.#takeUsers(end.usersGeneration);
    if (copies.isMakingNext) {
      if (end.isEnd) await copies.exchange();
      else await copies.keepPast();
      if (end.isEnd) this.#parts.onEvent({ kind: "whole", after: copy.follower.after });
    }
    this.#tell();
  }

  async *#paced(pieces: AsyncIterable<Uint8Array>, take: (bytes: number) => Promise<void>) {
    for await (const piece of pieces) {
      await take(piece.length);
      this.#receivedBytes += piece.length;
      yield piece;
    }
  }

  /** What the source cannot read is missing here, and an older version would be shown in its place. */
  #checkDamage({ damagedSequences, damagedBytes }: BatchEnd): void {
    if (damagedSequences.length === 0 && damagedBytes === 0) return;
    if (this.#parts.goesPastDamage) {
      this.#parts.onEvent({ kind: "damage-passed", sequences: damagedSequences, bytes: damagedBytes });
      return;
    }
    const what = `Records ${damagedSequences.slice(0, 5).join(", ") || `in ${damagedBytes} bytes`} are damaged at the source`;
    throw new SourceError("SOURCE_DAMAGED", `${what}. Repair it, or go on without them by followPastDamage`);
  }

  async #takeUsers(generation: number): Promise<void> {
    if (generation === this.#usersGeneration) return;
    await this.#parts.onUsers(await this.#parts.client.users());
    this.#usersGeneration = generation;
  }

  /** Tells the source how far the copy is: now and then, and without waiting. */
  #tell(): void {
    const { clock, client, copies } = this.#parts;
    const after = copies.followed?.follower.after ?? 0;
    if (this.#telling !== undefined || after === this.#toldAfter) return;
    const nowMs = clock.monotonicMs();
    const waitMs = this.#toldAtMs + PROGRESS_MS - nowMs;
    if (waitMs > 0) {
      this.#tellTimer ??= clock.after(waitMs, () => {
        this.#tellTimer = undefined;
        if (!this.#isClosed) this.#tell();
      });
      return;
    }
    this.#toldAtMs = nowMs;
    this.#toldAfter = after;
    this.#telling = client
      .progress(after)
      // The stream fails as well then, and says why.
      .catch(() => undefined)
      .finally(() => {
        this.#telling = undefined;
        if (!this.#isClosed) this.#tell();
      });
  }

  async #pause(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#parts.clock.after(delayMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
      if (this.#isClosed) this.#wake();
    });
    this.#wake = undefined;
  }
}

/** @throws SourceError */
function checkRecord({ head, rest }: WireRecord, copy: Copy): void {
  if (!areChecksumsGood(rest, head.storedBytes)) {
    throw new SourceError("STREAM_INVALID", `The body of record ${head.sequence} fails its checksums`);
  }
  const epoch = epochOfSequence(copy.epochs, head.sequence);
  if (head.fencingEpoch >= epoch) return;
  const message = `Record ${head.sequence} is of epoch ${head.fencingEpoch}, not ${epoch}: who wrote it is no writer any more`;
  throw new SourceError("EPOCH_OLD", message);
}
