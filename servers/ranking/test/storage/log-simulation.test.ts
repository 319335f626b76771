import { equalBytes } from "@kagami/bytes";
import { createRandom, FakeClock, type Random, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { RankingError } from "../../src/errors.ts";
import type { FileLog } from "../../src/storage/file-log.ts";
import type { SyncPolicy } from "../../src/storage/log-syncer.ts";
import { DIRECTORY, type LogWorld, makeWorld, readAll } from "../support/log-world.ts";

/**
 * One server that is started again and again on a bad disk. What it may have written is remembered; after each crash the
 * log must hold a beginning of that, at least as long as was promised, and no other byte.
 */
class Simulation {
  readonly #random: Random;
  readonly #world: LogWorld;
  readonly #policy: SyncPolicy;
  #log: FileLog | undefined;
  /** Of the running process: its timers die with it. */
  #clock = new FakeClock();
  readonly #appended: Uint8Array[] = [];
  #trimmedTo = 0;
  /** Positions that the log promised to keep: through a loss of power, and through the death of the process. */
  #durable = 0;
  #accepted = 0;
  /** What the next start must find. */
  #promised = 0;
  #live: number[] = [];
  recoveredCount = 0;
  acceptedCount = 0;

  readonly #inlineSyncMs: number;

  constructor(seed: number, policy: SyncPolicy, inlineSyncMs = 0) {
    this.#inlineSyncMs = inlineSyncMs;
    this.#random = createRandom(seed);
    this.#world = makeWorld(seed, { shortWrite: 0.05 });
    this.#policy = policy;
  }

  run(stepCount: number): void {
    for (let step = 0; step < stepCount; step++) {
      if (!this.#log) this.#start();
      else this.#step(this.#log);
    }
  }

  #step(log: FileLog): void {
    const { disk } = this.#world;
    const choice = this.#random.int(0, 99);
    try {
      if (choice < 45) this.#append(log);
      else if (choice < 60) disk.finishSync();
      else if (choice < 75) this.#clock.advance(this.#random.int(0, 700));
      else if (choice < 79) log.seal().catch(() => undefined);
      else if (choice < 82) this.#trim(log);
      else if (choice < 85) this.#squeeze();
      else if (choice < 88) disk.crashAtCall(this.#random.int(1, 6));
      else if (choice < 91) disk.faults.syncError = this.#random.pick([0, 0, 0, 0.3]);
      else if (choice < 94) this.#stop(() => disk.kill(), this.#accepted);
      else if (choice < 97) this.#stop(() => disk.crash(), this.#durable);
      if (!this.#log) return;
    } catch (error) {
      if ((error as { code?: string }).code !== "CRASHED") throw error;
    }
    const cause = log.problem?.cause as { code?: string; cause?: { code?: string } } | undefined;
    const hasCrashed = cause?.code === "CRASHED" || cause?.cause?.code === "CRASHED" || this.#isDead();
    if (hasCrashed) this.#stop(() => undefined, this.#durable);
    else if (log.state === "failed") this.#stop(() => disk.crash(), this.#durable);
  }

  /** A crash may have been met by a call whose failure nobody sees. */
  #isDead(): boolean {
    return this.#world.disk.openCount === 0;
  }

  #append(log: FileLog): void {
    try {
      for (let count = this.#random.int(1, 4); count > 0; count--) {
        const bytes = this.#random.bytes(this.#random.pick([1, 20, 63, 64, 65, 200, 500]));
        const position = log.append(bytes, 0, bytes.length);
        expect(position).toBe(this.#appended.length + 1);
        this.#appended.push(bytes);
      }
    } catch (error) {
      if (!(error instanceof RankingError)) throw error;
    }
    log.flush();
    if (this.#policy !== "always") this.#accepted = Math.max(this.#accepted, log.acceptedPosition);
  }

  #trim(log: FileLog): void {
    const position = this.#random.int(this.#trimmedTo, log.durablePosition);
    this.#trimmedTo = position;
    log.trim(position);
    expect(log.firstPosition).toBeLessThanOrEqual(position + 1);
  }

  #squeeze(): void {
    const { disk } = this.#world;
    const isFull = disk.faults.capacityBytes === undefined;
    if (isFull) disk.faults.capacityBytes = this.#random.int(200, 4_000);
    else delete disk.faults.capacityBytes;
  }

  #stop(stop: () => void, promised: number): void {
    stop();
    this.#log = undefined;
    this.#live = [];
    this.#promised = promised;
  }

  #start(): void {
    const { disk, open } = this.#world;
    this.#clock = new FakeClock();
    delete disk.faults.capacityBytes;
    disk.faults.syncError = 0;
    const firstNeededPosition = this.#trimmedTo + 1;
    const options = {
      clock: this.#clock,
      policy: this.#policy,
      inlineSyncMs: this.#inlineSyncMs,
      segmentBytes: 1_500,
      firstNeededPosition,
      observer: {
        onAccepted: (position: number) => {
          expect(position).toBeGreaterThanOrEqual(this.#accepted);
          this.#accepted = position;
          this.acceptedCount++;
        },
        onDurable: (position: number) => {
          this.#durable = position;
        },
      },
    };
    if (this.#random.chance(0.2)) disk.crashAtCall(this.#random.int(1, 30));
    let log: FileLog;
    try {
      log = open(options);
    } catch (error) {
      const { code, cause } = error as RankingError;
      if ((cause as { code?: string } | undefined)?.code === "CRASHED") {
        this.#promised = this.#durable;
        return;
      }
      // Without syncs a loss of power may look like damage; a person has to say that the log may be cut.
      if (this.#policy !== "no" || code !== "STORAGE_CORRUPT") throw error;
      disk.crashAtCall(Number.POSITIVE_INFINITY);
      log = open({ ...options, shouldRepair: true });
    }
    disk.crashAtCall(Number.POSITIVE_INFINITY);
    const recovered = log.lastPosition;
    expect(recovered, "a promised position is lost").toBeGreaterThanOrEqual(this.#promised);
    expect(recovered).toBeLessThanOrEqual(this.#appended.length);
    const batches = readAll(disk, firstNeededPosition, recovered);
    const expected = this.#appended.slice(firstNeededPosition - 1, recovered);
    expect(batches.length).toBe(expected.length);
    for (const [i, batch] of batches.entries()) expectSame(batch, expected[i]);
    this.#appended.length = recovered;
    this.#durable = recovered;
    this.#accepted = recovered;
    this.recoveredCount++;
    this.#log = log;
    const from = this.#random.int(firstNeededPosition, recovered + 1);
    log.subscribe(from, {
      onBatch: (position, bytes, start, end) => {
        expect(position).toBe(from + this.#live.length);
        expectSame(bytes.subarray(start, end), this.#appended[position - 1]);
        this.#live.push(position);
      },
      onEnd: (error) => expect(["LOG_TRIMMED", "STORAGE_FAILED"]).toContain(error.code),
    });
    this.#clock.advance(0);
    expect(disk.list(DIRECTORY).length).toBeGreaterThan(0);
  }
}

/** Much quicker than `toEqual`, which looks at each byte as a value. */
function expectSame(found: Uint8Array, expected: Uint8Array | undefined): void {
  if (!expected || !equalBytes(found, expected)) expect(found).toEqual(expected);
}

test.each(seeds(60))("no accepted batch is lost under always, seed %i", (seed) => {
  // Every other disk is quick now and then: its syncs are waited for.
  const simulation = new Simulation(seed, "always", seed % 2 === 0 ? 0 : 100);
  simulation.run(400);
  expect(simulation.recoveredCount).toBeGreaterThan(5);
  expect(simulation.acceptedCount).toBeGreaterThan(5);
});

test.each(seeds(30))(
  "everysec loses nothing to a killed process, and only unsynced batches to the power, seed %i",
  (seed) => {
    const simulation = new Simulation(seed, "everysec");
    simulation.run(400);
    expect(simulation.recoveredCount).toBeGreaterThan(5);
  },
);

test.each(seeds(30))("the policy no keeps what is synced by chance and never a wrong byte, seed %i", (seed) => {
  const simulation = new Simulation(seed, "no");
  simulation.run(400);
  expect(simulation.recoveredCount).toBeGreaterThan(5);
});
