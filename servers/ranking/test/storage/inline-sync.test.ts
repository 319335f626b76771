import { expect, test, vi } from "vitest";
import { appendUpTo, DIRECTORY, makeWorld } from "../support/log-world.ts";

test("always: a disk that proved quick is waited for, one that was slow no more until it is quick again", () => {
  const { disk, clock, open } = makeWorld(1);
  const log = open({ inlineSyncMs: 1 });
  const syncNowCount = disk.syncNowCount;
  const inline = (): number => disk.syncNowCount - syncNowCount;
  appendUpTo(log, 1);
  expect([inline(), disk.pendingSyncCount]).toEqual([0, 1]);
  clock.advance(0.5);
  disk.finishSync();
  disk.onSyncNow = () => clock.advance(0.25);
  appendUpTo(log, 2);
  expect([inline(), disk.pendingSyncCount, log.acceptedPosition]).toEqual([1, 0, 2]);
  disk.onSyncNow = () => clock.advance(50);
  appendUpTo(log, 3);
  expect([inline(), disk.pendingSyncCount, log.acceptedPosition]).toEqual([2, 0, 3]);
  let position = 4;
  for (appendUpTo(log, position); disk.pendingSyncCount > 0; appendUpTo(log, ++position)) {
    expect([inline(), log.acceptedPosition]).toEqual([2, position - 1]);
    clock.advance(0.125);
    disk.finishSync();
  }
  expect(position).toBeGreaterThan(10);
  expect([inline(), log.acceptedPosition, log.statistics.syncCount]).toEqual([3, position, position]);
});

test("always: a segment that has just been begun is synced off the thread, with the one before and its name", () => {
  const { disk, open } = makeWorld(1);
  const log = open({ inlineSyncMs: 1, segmentBytes: 200 });
  appendUpTo(log, 1);
  disk.finishSyncs();
  const [before, syncNowCount] = [log.statistics.segmentCount, disk.syncNowCount];
  let position = 1;
  while (log.statistics.segmentCount === before) appendUpTo(log, ++position);
  expect(disk.syncNowCount - syncNowCount).toBe(position - 2);
  expect([disk.pendingSyncCount, log.acceptedPosition]).toEqual([1, position - 1]);
  disk.finishSyncs();
  expect(log.acceptedPosition).toBe(position);
  expect(disk.list(DIRECTORY).filter((name) => name.endsWith(".new"))).toEqual([]);
});

test("always: a sync that is waited for and takes more than two seconds is told, one that fails is final", () => {
  const { disk, clock, open } = makeWorld(1);
  const [onSlowSync, onAccepted] = [vi.fn(), vi.fn()];
  const log = open({ inlineSyncMs: 1_000, observer: { onSlowSync, onAccepted } });
  appendUpTo(log, 1);
  disk.finishSync();
  disk.onSyncNow = () => clock.advance(2_500);
  appendUpTo(log, 2);
  expect(onSlowSync.mock.calls).toEqual([[2_500]]);
  expect(log.statistics.slowSyncCount).toBe(1);
  disk.onSyncNow = () => undefined;
  disk.faults.syncError = 1;
  appendUpTo(log, 3);
  expect([log.state, log.acceptedPosition]).toEqual(["failed", 2]);
  expect(onAccepted.mock.calls).toEqual([[1], [2]]);
  expect(() => log.append(Uint8Array.of(1), 0, 1)).toThrow(expect.objectContaining({ code: "STORAGE_FAILED" }));
  expect(disk.pendingSyncCount).toBe(0);
});
