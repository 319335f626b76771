import { expect, test, vi } from "vitest";
import type { FileLog } from "../../src/storage/file-log.ts";
import { openSealedLog } from "../../src/storage/log-cursor.ts";
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from "../../src/storage/log-format.ts";
import { appendUpTo, batchAt, DIRECTORY, makeWorld, readAll } from "../support/log-world.ts";

const append = (log: FileLog, ...bytes: number[]): number => log.append(Uint8Array.from(bytes), 0, bytes.length);

test("positions count from 1, and a turn is one write", () => {
  const { disk, open } = makeWorld(1);
  const log = open();
  const writeCount = disk.writeCount;
  expect([append(log, 1), append(log, 2), append(log, 3)]).toEqual([1, 2, 3]);
  expect(log.lastPosition).toBe(0);
  log.flush();
  expect(log.lastPosition).toBe(3);
  expect(disk.writeCount - writeCount).toBe(1);
  log.flush();
  expect(disk.writeCount - writeCount).toBe(1);
});

test("always: positions are accepted when they are synced, and what comes meanwhile shares the next sync", () => {
  const { disk, open } = makeWorld(1);
  const onAccepted = vi.fn();
  const log = open({ observer: { onAccepted } });
  appendUpTo(log, 1);
  appendUpTo(log, 2);
  appendUpTo(log, 3);
  expect(disk.pendingSyncCount).toBe(1);
  expect(log.acceptedPosition).toBe(0);
  disk.finishSync();
  expect(log.acceptedPosition).toBe(1);
  disk.finishSync();
  expect(onAccepted.mock.calls).toEqual([[1], [3]]);
  expect(disk.pendingSyncCount).toBe(0);
  expect(log.statistics.syncCount).toBe(2);
});

test("everysec: positions are accepted when written, and synced once a second and never twice at once", () => {
  const { disk, clock, open } = makeWorld(1);
  const onDurable = vi.fn();
  const log = open({ policy: "everysec", observer: { onDurable } });
  appendUpTo(log, 1);
  expect(log.acceptedPosition).toBe(1);
  clock.advance(0);
  expect(disk.pendingSyncCount).toBe(1);
  for (let position = 2; position <= 40; position++) {
    clock.advance(100);
    appendUpTo(log, position);
    expect(disk.pendingSyncCount).toBe(1);
  }
  disk.finishSync();
  clock.advance(1);
  expect(log.statistics.syncCount).toBe(2);
  disk.finishSync();
  expect(onDurable.mock.calls).toEqual([[1], [40]]);
  appendUpTo(log, 41);
  clock.advance(998);
  expect(log.statistics.syncCount).toBe(2);
  clock.advance(2);
  expect(log.statistics.syncCount).toBe(3);
});

test("no: nothing is synced until the end", async () => {
  const { disk, clock, open } = makeWorld(1);
  const log = open({ policy: "no" });
  appendUpTo(log, 5);
  clock.advance(10_000);
  expect(log.statistics.syncCount).toBe(0);
  expect(log.acceptedPosition).toBe(5);
  const closed = log.close();
  disk.finishSyncs();
  await closed;
  expect(disk.openCount).toBe(0);
  expect(clock.pendingCount).toBe(0);
});

test("a sync that takes more than two seconds is told once", () => {
  const { disk, clock, open } = makeWorld(1);
  const onSlowSync = vi.fn();
  const log = open({ observer: { onSlowSync } });
  appendUpTo(log, 1);
  clock.advance(1_500);
  disk.finishSync();
  appendUpTo(log, 2);
  clock.advance(1_999);
  expect(onSlowSync).not.toHaveBeenCalled();
  clock.advance(10_000);
  expect(onSlowSync.mock.calls).toEqual([[2_000]]);
  expect(log.statistics.slowSyncCount).toBe(1);
});

test("segments are begun at the size that was set, and get their final name when the one before is synced", () => {
  const { disk, open } = makeWorld(1);
  const log = open({ segmentBytes: 1_000 });
  for (let position = 1; position <= 30; position++) appendUpTo(log, position);
  expect(disk.list(DIRECTORY).filter((name) => name.endsWith(".new")).length).toBeGreaterThan(1);
  disk.finishSyncs();
  const names = disk.list(DIRECTORY);
  expect(names.length).toBeGreaterThan(3);
  expect(names.every((name) => /^log-\d{16}\.kgl$/.test(name))).toBe(true);
  for (const name of names) expect(disk.contents(`${DIRECTORY}/${name}`).length).toBeLessThanOrEqual(1_000);
  expect(readAll(disk, 1, 30)).toEqual(Array.from({ length: 30 }, (_, i) => batchAt(i + 1)));
});

test("a batch bigger than a segment has one of its own, and the buffer shrinks again", () => {
  const { disk, open } = makeWorld(1);
  const log = open({ segmentBytes: 1_000 });
  appendUpTo(log, 1);
  const big = new Uint8Array(9 * 1_048_576).fill(7);
  log.append(big, 0, big.length);
  log.flush();
  appendUpTo(log, 3);
  disk.finishSyncs();
  expect(log.statistics.segmentCount).toBe(3);
  expect(readAll(disk, 2, 2)[0]?.length).toBe(big.length);
});

test("what is appended in one long turn is written before its end", () => {
  const { open } = makeWorld(1);
  const log = open();
  const chunk = new Uint8Array(1_048_576);
  for (let i = 0; i < 12; i++) log.append(chunk, 0, chunk.length);
  expect(log.lastPosition).toBeGreaterThan(0);
  expect(log.statistics.pendingBytes).toBeLessThan(6 * 1_048_576);
});

test.each([
  { start: 0, end: 0, why: "nothing" },
  { start: 3, end: 2, why: "less than nothing" },
  { start: -1, end: 2, why: "before the beginning" },
  { start: 0, end: 5, why: "beyond the end" },
  { start: 0, end: Number.NaN, why: "no number" },
])("a range of bytes that is $why is refused, and the log goes on", ({ start, end }) => {
  const log = makeWorld(1).open();
  expect(() => log.append(new Uint8Array(4), start, end)).toThrow(RangeError);
  expect(log.append(new Uint8Array(4), 0, 4)).toBe(1);
});

test("a full disk keeps every batch, says so, and takes them in order when there is room", async () => {
  const { disk, clock, open } = makeWorld(3, { capacityBytes: 500 });
  const onState = vi.fn();
  const log = open({ policy: "everysec", observer: { onState } });
  appendUpTo(log, 40);
  expect(log.state).toBe("full");
  expect(log.problem).toMatchObject({ code: "STORAGE_FULL" });
  expect(log.lastPosition).toBe(0);
  expect(disk.contents(`${DIRECTORY}/log-0000000000000001.kgl`).length).toBe(SEGMENT_HEADER_BYTES);
  append(log, 9); // the rest of the turn in which it became full
  log.flush();
  const barrier = log.barrier();
  clock.advance(1_000);
  expect(log.state).toBe("full");
  disk.faults.capacityBytes = 1_000_000;
  clock.advance(250);
  expect(log.state).toBe("ok");
  expect(log.problem).toBeUndefined();
  expect(await barrier).toBe(41);
  expect(onState.mock.calls.map(([state]) => state)).toEqual(["full", "ok"]);
  expect(log.statistics.fullCount).toBe(1);
  expect(readAll(disk, 1, 41).slice(0, 40)).toEqual(Array.from({ length: 40 }, (_, i) => batchAt(i + 1)));
});

test("a full disk is not waited for with more than 64 MiB of batches", () => {
  const { open } = makeWorld(3, { capacityBytes: 100 });
  const log = open();
  const chunk = new Uint8Array(16 * 1_048_576);
  log.append(chunk, 0, chunk.length);
  log.flush();
  for (let i = 0; i < 3; i++) log.append(chunk, 0, chunk.length);
  expect(() => log.append(chunk, 0, chunk.length)).toThrow(expect.objectContaining({ code: "STORAGE_FULL" }));
});

test("a failed sync is final: no second try, no acceptance, no appends, and who waits is told", async () => {
  const { disk, clock, open } = makeWorld(1);
  const onAccepted = vi.fn();
  const log = open({ observer: { onAccepted } });
  const onEnd = vi.fn();
  log.subscribe(1, { onBatch: () => undefined, onEnd });
  appendUpTo(log, 1);
  const barrier = log.barrier();
  disk.faults.syncError = 1;
  disk.finishSync();
  disk.faults.syncError = 0;
  await expect(barrier).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  await expect(log.barrier()).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  await expect(log.seal()).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  expect(log.state).toBe("failed");
  expect(() => append(log, 1)).toThrow(expect.objectContaining({ code: "STORAGE_FAILED" }));
  log.flush();
  clock.advance(10_000);
  expect(disk.pendingSyncCount).toBe(0);
  expect(onAccepted).not.toHaveBeenCalled();
  expect(onEnd.mock.calls).toEqual([[expect.objectContaining({ code: "STORAGE_FAILED" })]]);
  await expect(log.close()).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  expect(disk.openCount).toBe(0);
});

test("a write error other than a full disk is final too", () => {
  const { disk, open } = makeWorld(1);
  const log = open({ policy: "everysec" });
  disk.faults.writeError = 1;
  appendUpTo(log, 1);
  expect(log.state).toBe("failed");
  expect(log.acceptedPosition).toBe(0);
});

test("a segment that cannot be begun leaves the one before to go on", () => {
  const { disk, open } = makeWorld(1);
  const log = open({ segmentBytes: 200 });
  disk.faults.createError = 1;
  for (let position = 1; position <= 10; position++) appendUpTo(log, position);
  expect([log.state, log.lastPosition, log.statistics.segmentCount]).toEqual(["ok", 10, 1]);
  disk.faults.createError = 0;
  appendUpTo(log, 11);
  expect(log.statistics.segmentCount).toBe(2);
});

test("a subscription brings the old batches, then the live ones with their tickets, each once", () => {
  const { disk, clock, open } = makeWorld(1);
  const first = open({ segmentBytes: 500 });
  for (let position = 1; position <= 20; position++) appendUpTo(first, position);
  disk.finishSyncs();
  disk.kill();
  const log = open({ segmentBytes: 500 });
  const seen: [number, number][] = [];
  const subscription = log.subscribe(5, {
    onBatch: (position, bytes, start, end, ticket) => {
      expect(bytes.slice(start, end)).toEqual(batchAt(position));
      seen.push([position, ticket]);
    },
    onEnd: (error) => expect.fail(error.message),
  });
  appendUpTo(log, 22);
  expect(seen).toEqual([]);
  clock.advance(1);
  appendUpTo(log, 24);
  expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => [i + 5, i + 5 > 20 ? i + 5 : 0]));
  expect(subscription.nextPosition).toBe(25);
  subscription.cancel();
  appendUpTo(log, 25);
  expect(seen).toHaveLength(20);
});

test("a subscriber that appends while it is given a batch sees its own one last", () => {
  const { clock, open } = makeWorld(1);
  const log = open();
  const seen: number[] = [];
  log.subscribe(1, {
    onBatch: (position) => {
      seen.push(position);
      if (position > 2) return;
      append(log, position);
      log.flush();
    },
    onEnd: (error) => expect.fail(error.message),
  });
  clock.advance(0);
  append(log, 1);
  append(log, 2);
  log.flush();
  expect(seen).toEqual([1, 2, 3, 4]);
});

test("a subscription from the future is silent until then", () => {
  const { clock, open } = makeWorld(1);
  const log = open();
  const seen: number[] = [];
  log.subscribe(3, { onBatch: (position) => seen.push(position), onEnd: (error) => expect.fail(error.message) });
  clock.advance(0);
  appendUpTo(log, 4);
  expect(seen).toEqual([3, 4]);
});

test("trim deletes whole segments below the position, never the last", () => {
  const { disk, open } = makeWorld(1);
  const log = open({ segmentBytes: 300 });
  for (let position = 1; position <= 30; position++) appendUpTo(log, position);
  disk.finishSyncs();
  log.trim(15);
  expect(log.firstPosition).toBeGreaterThan(1);
  expect(log.firstPosition).toBeLessThanOrEqual(16);
  expect(readAll(disk, 16, 30)).toHaveLength(15);
  log.trim(1_000);
  expect(log.statistics.segmentCount).toBe(1);
  expect(disk.list(DIRECTORY)).toHaveLength(1);
  appendUpTo(log, 31);
  expect(log.lastPosition).toBe(31);
});

test("who reads while it is trimmed reads the open segment to its end and is told then", () => {
  const { disk, open } = makeWorld(1);
  const log = open({ segmentBytes: 300 });
  for (let position = 1; position <= 30; position++) appendUpTo(log, position);
  disk.finishSyncs();
  const cursor = openSealedLog(disk, DIRECTORY, 1);
  expect(cursor.next(30)).toBe(true);
  log.trim(30);
  let position = 1;
  expect(() => {
    while (cursor.next(30)) expect(cursor.bytes.slice(cursor.start, cursor.end)).toEqual(batchAt(++position));
  }).toThrow(expect.objectContaining({ code: "STORAGE_FAILED" }));
});

test("a subscription to what is trimmed ends with LOG_TRIMMED, at the beginning or on the way", () => {
  const { disk, clock, open } = makeWorld(1);
  const log = open({ segmentBytes: 2_000_000 });
  const chunk = new Uint8Array(900_000);
  for (let i = 0; i < 10; i++) {
    log.append(chunk, 0, chunk.length);
    log.flush();
  }
  disk.finishSyncs();
  const seen: number[] = [];
  const onEnd = vi.fn();
  log.subscribe(1, { onBatch: (position) => seen.push(position), onEnd });
  clock.runNext(); // one slice
  log.trim(8);
  clock.advance(10);
  expect(onEnd.mock.calls).toEqual([[expect.objectContaining({ code: "LOG_TRIMMED" })]]);
  expect(seen).toEqual([1, 2]);
  log.subscribe(1, { onBatch: () => expect.fail("read"), onEnd });
  clock.advance(10);
  expect(onEnd).toHaveBeenCalledTimes(2);
  expect(disk.openCount).toBe(1);
});

test("seal gives the position up to which another process can read, when that is synced", async () => {
  const { disk, open } = makeWorld(1);
  const log = open({ policy: "no" });
  appendUpTo(log, 7);
  const sealed = log.seal();
  appendUpTo(log, 9);
  disk.finishSyncs();
  expect(await sealed).toBe(7);
  expect(disk.list(DIRECTORY)).toEqual(["log-0000000000000001.kgl", "log-0000000000000008.kgl"]);
  expect(readAll(disk, 1, 7)).toHaveLength(7);
  const again = log.seal();
  disk.finishSyncs();
  expect(await again).toBe(9);
  const third = log.seal();
  disk.finishSyncs();
  expect(await third).toBe(9);
  expect(log.statistics.segmentCount).toBe(3);
});

test("seal tells that the disk is full", async () => {
  const { disk, open } = makeWorld(1);
  const log = open({ policy: "no" });
  appendUpTo(log, 2);
  disk.faults.capacityBytes = 0;
  await expect(log.seal()).rejects.toMatchObject({ code: "STORAGE_FULL" });
});

test("the log of a closed file takes nothing more", async () => {
  const { disk, open } = makeWorld(1);
  const log = open();
  append(log, 1);
  const closed = log.close();
  disk.finishSyncs();
  await closed;
  await log.close();
  expect(() => append(log, 2)).toThrow(expect.objectContaining({ code: "STORAGE_FAILED" }));
  expect(disk.contents(`${DIRECTORY}/log-0000000000000001.kgl`).length).toBe(
    SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + 1,
  );
});
