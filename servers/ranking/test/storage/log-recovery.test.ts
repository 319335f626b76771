import { expect, test } from "vitest";
import { encodeSegmentHeader, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from "../../src/storage/log-format.ts";
import { appendUpTo, batchAt, DIRECTORY, type LogWorld, makeWorld, readAll } from "../support/log-world.ts";

const FIRST = `${DIRECTORY}/log-0000000000000001.kgl`;

/** A world whose log has these positions, each synced by itself, and no process. */
function worldWith(lastPosition: number, segmentBytes = 1_000_000): LogWorld {
  const world = makeWorld(1);
  const log = world.open({ segmentBytes });
  for (let position = 1; position <= lastPosition; position++) {
    appendUpTo(log, position);
    world.disk.finishSyncs();
  }
  world.disk.kill();
  return world;
}

const batches = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => batchAt(i + 1));
const segmentPaths = ({ disk }: LogWorld): string[] => disk.list(DIRECTORY).map((name) => `${DIRECTORY}/${name}`);

test("a log cut at every byte opens with the records that are whole, and goes on", () => {
  const whole = worldWith(6).disk.contents(FIRST);
  const ends = [SEGMENT_HEADER_BYTES];
  for (let position = 1; position <= 6; position++) {
    ends.push((ends.at(-1) as number) + RECORD_HEADER_BYTES + batchAt(position).length);
  }
  expect(whole.length).toBe(ends.at(-1));
  for (let cut = SEGMENT_HEADER_BYTES; cut <= whole.length; cut++) {
    const { disk, events, open } = makeWorld(2);
    disk.put(FIRST, whole.subarray(0, cut));
    const log = open();
    const wholeCount = ends.filter((end) => end <= cut).length - 1;
    expect(log.lastPosition, `cut at ${cut}`).toBe(wholeCount);
    expect(events).toEqual(ends.includes(cut) ? [] : ["log.tail_cut"]);
    expect(disk.contents(FIRST).length).toBe(ends[wholeCount]);
    appendUpTo(log, wholeCount + 1);
    disk.finishSyncs();
    disk.crash();
    expect(readAll(disk, 1, wholeCount + 1)).toEqual(batches(wholeCount + 1));
  }
});

test("a log whose end was never written over shows zeros or anything at every byte, and opens with what is whole", () => {
  const whole = worldWith(4).disk.contents(FIRST);
  const lastAt = whole.length - RECORD_HEADER_BYTES - batchAt(4).length;
  for (let from = lastAt; from < whole.length; from++) {
    for (const filler of [0x00, 0xff]) {
      const { disk, open } = makeWorld(2);
      const damaged = new Uint8Array(whole.length + 4_096).fill(filler);
      damaged.set(whole.subarray(0, from));
      disk.put(FIRST, damaged);
      const { lastPosition } = open();
      expect(readAll(disk, 1, lastPosition)).toEqual(batches(lastPosition));
      // One byte in 256 of the last record is the filler anyway.
      expect(lastPosition).toBe(
        damaged.subarray(lastAt, whole.length).every((b, i) => b === whole[lastAt + i]) ? 4 : 3,
      );
    }
  }
});

test("every damaged byte before the last record is refused with path and offset, and nothing is changed", () => {
  const world = worldWith(5);
  const whole = world.disk.contents(FIRST);
  const lastAt = whole.length - RECORD_HEADER_BYTES - batchAt(5).length;
  for (let at = 0; at < lastAt; at++) {
    const { disk, open } = makeWorld(2);
    const damaged = whole.slice();
    damaged[at] = (damaged[at] as number) ^ 0x10;
    disk.put(FIRST, damaged);
    const message = expect.stringMatching(/^Cannot read \/data\/log-0000000000000001\.kgl: .*--repair/);
    expect(() => open(), `byte ${at}`).toThrow(expect.objectContaining({ code: "STORAGE_CORRUPT", message }));
    expect(disk.contents(FIRST)).toEqual(damaged);
    expect(disk.openCount).toBe(0);
  }
});

test("repair cuts at the damage, keeps what it cut, and keeps it again the next time", () => {
  const world = worldWith(5);
  const { disk, events, open } = world;
  const thirdAt = SEGMENT_HEADER_BYTES + 2 * RECORD_HEADER_BYTES + batchAt(1).length + batchAt(2).length;
  for (const [round, kept] of [`${FIRST}.cut`, `${FIRST}.2.cut`].entries()) {
    const damaged = disk.contents(FIRST);
    damaged[thirdAt + 5] = 0x77;
    disk.put(FIRST, damaged);
    expect(() => open()).toThrow(new RegExp(`byte ${thirdAt} \\(position 3\\)`));
    const log = open({ shouldRepair: true });
    expect(log.lastPosition).toBe(2);
    expect(disk.contents(kept)).toEqual(damaged.subarray(thirdAt));
    expect(events.filter((event) => event === "log.tail_cut")).toHaveLength(round + 1);
    for (let position = 3; position <= 5; position++) {
      appendUpTo(log, position);
      disk.finishSyncs();
    }
    disk.kill();
    expect(readAll(disk, 1, 5)).toEqual(batches(5));
  }
});

test("damage in an earlier segment is found by its reader, and repair sets the later segments aside", () => {
  const world = worldWith(30, 500);
  const paths = segmentPaths(world);
  expect(paths.length).toBeGreaterThan(5);
  const path = paths[1] as string;
  const damaged = world.disk.contents(path);
  damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1; // its last record: nothing sound is behind it in the file
  world.disk.put(path, damaged);
  expect(world.open().lastPosition).toBe(30);
  world.disk.kill();
  expect(() => readAll(world.disk, 1, 30)).toThrow(expect.objectContaining({ code: "STORAGE_CORRUPT" }));
  const log = world.open({ shouldRepair: true });
  expect(readAll(world.disk, 1, log.lastPosition)).toEqual(batches(log.lastPosition));
  const names = world.disk.list(DIRECTORY);
  expect(names.filter((name) => name.endsWith(".cut"))).toHaveLength(paths.length - 1);
  expect(log.statistics.segmentCount).toBe(2);
});

test("an earlier segment that lacks its last record is damage too", () => {
  const world = worldWith(30, 500);
  const path = segmentPaths(world)[1] as string;
  const first = Number(path.slice(-20, -4));
  const shortened = world.disk
    .contents(path)
    .slice(0, SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + batchAt(first).length);
  world.disk.put(path, shortened);
  world.open();
  world.disk.kill();
  expect(() => readAll(world.disk, 1, 30)).toThrow(/it ends before position/);
  expect(world.open({ shouldRepair: true }).lastPosition).toBe(first);
});

test("a missing segment between others is refused by name", () => {
  const world = worldWith(30, 500);
  const path = segmentPaths(world)[2] as string;
  world.disk.remove(path);
  expect(() => world.open()).toThrow(new RegExp(`${path.slice(DIRECTORY.length + 1)}, is missing`));
  const log = world.open({ shouldRepair: true });
  expect(readAll(world.disk, 1, log.lastPosition)).toEqual(batches(log.lastPosition));
});

test("a gap below the snapshot is the leftover of a trim, and is cleared away", () => {
  const world = worldWith(30, 500);
  const paths = segmentPaths(world);
  world.disk.remove(paths[1] as string);
  const third = Number((paths[2] as string).slice(-20, -4));
  const log = world.open({ firstNeededPosition: third });
  expect([log.firstPosition, log.lastPosition]).toEqual([third, 30]);
  expect(world.events).toEqual(["log.leftover_deleted"]);
});

test("a log that begins behind the snapshot is refused, repair or not", () => {
  const world = worldWith(30, 500);
  world.disk.remove(segmentPaths(world)[0] as string);
  for (const shouldRepair of [false, true]) {
    expect(() => world.open({ shouldRepair })).toThrow(/begins at position \d+, and 1 is needed/);
  }
});

test("a log that ends before the snapshot begins anew behind it, so that no position comes twice", () => {
  const world = worldWith(5);
  const log = world.open({ firstNeededPosition: 100 });
  expect([log.firstPosition, log.lastPosition]).toEqual([100, 99]);
  appendUpTo(log, 101);
  expect(world.disk.list(DIRECTORY)).toEqual(["log-0000000000000100.kgl"]);
  expect(world.events).toEqual(["log.behind_snapshot"]);
});

test("a second page kept and the first page lost of one unsynced write is no damage: it is cut and kept aside", () => {
  const { disk, events, open } = worldWith(3);
  const log = open();
  const syncedBytes = disk.contents(FIRST).length;
  appendUpTo(log, 8); // one write, no sync
  const lost = disk.contents(FIRST);
  lost.fill(0, syncedBytes, syncedBytes + 10);
  disk.kill();
  disk.put(FIRST, lost);
  expect(open().lastPosition).toBe(3);
  expect(events).toEqual(["log.tail_cut"]);
  expect(disk.contents(`${FIRST}.cut`)).toEqual(lost.subarray(syncedBytes));
});

test("without syncs nobody can know, so the same is refused under the policy no", () => {
  const { disk, open } = makeWorld(1);
  appendUpTo(open({ policy: "no" }), 8);
  const lost = disk.contents(FIRST);
  lost.fill(0, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 10);
  disk.kill();
  disk.put(FIRST, lost);
  expect(() => open()).toThrow(expect.objectContaining({ code: "STORAGE_CORRUPT" }));
});

test("a value that imitates a record does not make a torn end look like damage", () => {
  const { disk, open } = worldWith(5);
  const imitation = disk.contents(FIRST).slice(SEGMENT_HEADER_BYTES); // of another log, so of another salt
  const other = makeWorld(77);
  const log = other.open();
  for (const position of [1, 2]) {
    log.append(imitation, 0, imitation.length);
    log.flush();
    other.disk.finishSyncs();
    expect(log.durablePosition).toBe(position);
  }
  const contents = other.disk.contents(FIRST);
  disk.put(FIRST, contents.subarray(0, contents.length - 1));
  expect(open().lastPosition).toBe(1);
});

test.each([
  { makeIt: (whole: Uint8Array) => whole.subarray(0, 20), why: "a header cut off" },
  { makeIt: () => new Uint8Array(0), why: "nothing" },
  { makeIt: (whole: Uint8Array) => whole, why: "a sound header and no records, behind the end of the log" },
])("a new segment that a crash left with $why is cleared away", ({ makeIt }) => {
  const { disk, open } = worldWith(5);
  const header = { salt: 1, clusterId: new Uint8Array(16), firstPosition: 9, previousFirstPosition: 1 };
  disk.put(`${DIRECTORY}/log-0000000000000009.kgl.new`, makeIt(encodeSegmentHeader(header)));
  expect(open().lastPosition).toBe(5);
  expect(disk.list(DIRECTORY)).toEqual(["log-0000000000000001.kgl"]);
});

test("a crash before the first name of a log was synced leaves a directory that opens", () => {
  const { disk, open } = makeWorld(1);
  disk.put(`${DIRECTORY}/log-0000000000000001.kgl.new`, new Uint8Array(10));
  expect(open().lastPosition).toBe(0);
});

test("the cluster's id stays, and another cluster's log is refused", () => {
  const clusterId = new Uint8Array(16).fill(5);
  const { disk, open } = makeWorld(1);
  expect(open({ clusterId }).clusterId).toEqual(clusterId);
  disk.kill();
  expect(open().clusterId).toEqual(clusterId);
  disk.kill();
  expect(() => open({ clusterId: new Uint8Array(16).fill(6) })).toThrow(/belongs to the cluster 0505/);
  expect(() => open({ clusterId: new Uint8Array(3) })).toThrow(RangeError);
});

test("a newer version's log is refused, not cut", () => {
  const { disk, open } = worldWith(2);
  const log = disk.contents(FIRST);
  log[9] = 2;
  disk.put(FIRST, log);
  expect(() => open()).toThrow(expect.objectContaining({ code: "STORAGE_CORRUPT" }));
});
