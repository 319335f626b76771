import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import type { SnapshotReader } from "../../src/storage/snapshot-reader.ts";
import { SnapshotStore } from "../../src/storage/snapshot-store.ts";
import { FakeDisk } from "../support/fake-disk.ts";
import { DIRECTORY } from "../support/log-world.ts";

const CLUSTER = new Uint8Array(16).fill(9);
const METADATA = Uint8Array.from([1, 2, 3]);

function makeStore(seed = 1): { disk: FakeDisk; store: SnapshotStore; events: string[] } {
  const events: string[] = [];
  const journal = {
    info: (event: string) => void events.push(event),
    warn: (event: string) => void events.push(event),
  };
  const disk = new FakeDisk(createRandom(seed), { shortWrite: 0.2 });
  return { disk, store: new SnapshotStore(DIRECTORY, journal, disk), events };
}

function chunksOf(position: number): Uint8Array[] {
  const random = createRandom(position);
  return Array.from({ length: 4 }, () => random.bytes(random.int(1, 60)));
}

function writeSnapshot(store: SnapshotStore, position: number, chunks = chunksOf(position)): void {
  const writer = store.write(CLUSTER, position, METADATA);
  for (const chunk of chunks) writer.write(chunk, 0, chunk.length);
  writer.finish();
}

const pathOf = (position: number): string => `${DIRECTORY}/snapshot-${String(position).padStart(16, "0")}.kgs`;

/** What a server does: reads everything, and keeps it if no chunk threw. */
const build = (reader: SnapshotReader): { position: number; chunks: Uint8Array[] } => {
  const chunks = [...mapped(reader)];
  return { position: reader.header.position, chunks };
};

function* mapped(reader: SnapshotReader): Generator<Uint8Array> {
  for (const chunk of reader.chunks()) yield chunk.slice();
}

test("a snapshot gives back its chunks, its metadata and its position", () => {
  const { disk, store } = makeStore();
  writeSnapshot(store, 12);
  const found = store.restore(1, CLUSTER, (reader) => ({ ...build(reader), metadata: reader.header.metadata }));
  expect(found).toEqual({ position: 12, chunks: chunksOf(12), metadata: METADATA });
  expect(disk.openCount).toBe(0);
});

test("a snapshot of nothing, and one with chunks bigger than the buffers, are read back", () => {
  const { store } = makeStore();
  writeSnapshot(store, 1, []);
  expect(store.restore(1, CLUSTER, build)?.chunks).toEqual([]);
  const big = [new Uint8Array(5_000_000).fill(3), Uint8Array.of(4), new Uint8Array(3_000_000).fill(5)];
  writeSnapshot(store, 2, big);
  const sizes = store.restore(1, CLUSTER, (reader) => build(reader).chunks.map((c) => [c.length, c[0], c.at(-1)]));
  expect(sizes).toEqual([
    [5_000_000, 3, 3],
    [1, 4, 4],
    [3_000_000, 5, 5],
  ]);
});

test("without a snapshot there is nothing to restore", () => {
  expect(makeStore().store.restore(undefined, undefined, build)).toBeUndefined();
});

test("a snapshot cut at any byte, or damaged at any byte, or with a byte too many is refused with its path", () => {
  const { disk, store } = makeStore();
  writeSnapshot(store, 5);
  const whole = disk.contents(pathOf(5));
  const variants = [new Uint8Array([...whole, 0])];
  for (let at = 0; at < whole.length; at++) {
    variants.push(whole.slice(0, at));
    const damaged = whole.slice();
    damaged[at] = (damaged[at] as number) ^ 0x20;
    variants.push(damaged);
  }
  for (const [i, variant] of variants.entries()) {
    disk.put(pathOf(5), variant);
    const message = expect.stringMatching(/^Cannot read \/data\/snapshot-0000000000000005\.kgs: /);
    expect(() => store.restore(2, CLUSTER, build), `variant ${i}`).toThrow(
      expect.objectContaining({ code: "STORAGE_CORRUPT", message }),
    );
    expect(disk.contents(`${pathOf(5)}.damaged`)).toEqual(variant);
    expect(disk.openCount).toBe(0);
  }
});

test("a damaged snapshot gives way to the one before if the log reaches back to it", () => {
  for (const [logFirstPosition, expected] of [
    [1, 10],
    [11, 10],
    [12, undefined],
  ] as const) {
    const { disk, store, events } = makeStore();
    writeSnapshot(store, 10);
    writeSnapshot(store, 20);
    disk.put(pathOf(20), disk.contents(pathOf(20)).slice(0, -1));
    const restore = (): number | undefined => store.restore(logFirstPosition, CLUSTER, build)?.position;
    if (expected === undefined) expect(restore).toThrow(expect.objectContaining({ code: "STORAGE_CORRUPT" }));
    else expect(restore()).toBe(expected);
    expect(events).toEqual(["snapshot.damaged"]);
    expect(store.positions()).toEqual([10]);
  }
});

test("if every snapshot is damaged, a log from position 1 is enough", () => {
  const { disk, store } = makeStore();
  writeSnapshot(store, 10);
  disk.put(pathOf(10), new Uint8Array(5));
  expect(store.restore(1, CLUSTER, build)).toBeUndefined();
});

test("another cluster's snapshot, and a renamed one, are refused", () => {
  const { disk, store } = makeStore();
  writeSnapshot(store, 10);
  expect(() => store.restore(5, new Uint8Array(16), build)).toThrow(/belongs to the cluster 0909/);
  disk.put(pathOf(11), disk.contents(`${pathOf(10)}.damaged`));
  expect(() => store.restore(5, CLUSTER, build)).toThrow(/names position 10/);
});

test("what the builder throws for its own reasons condemns no snapshot", () => {
  const { disk, store } = makeStore();
  writeSnapshot(store, 10);
  const fail = (reader: SnapshotReader): never => {
    for (const _ of reader.chunks()) throw new Error("out of memory");
    throw new Error("no chunk");
  };
  expect(() => store.restore(1, CLUSTER, fail)).toThrow("out of memory");
  expect(store.positions()).toEqual([10]);
  expect(disk.openCount).toBe(0);
});

test("prune leaves the two newest, and the log may be trimmed to the older of them", () => {
  const { store } = makeStore();
  expect(store.trimPosition()).toBe(0);
  for (const position of [10, 20, 30, 40]) writeSnapshot(store, position);
  expect(store.prune()).toBe(2);
  expect(store.positions()).toEqual([40, 30]);
  expect(store.trimPosition()).toBe(30);
});

test("a full disk leaves no snapshot and no temporary, and says what to do", () => {
  const { disk, store } = makeStore();
  disk.faults.capacityBytes = 100;
  expect(() => writeSnapshot(store, 10)).toThrow(expect.objectContaining({ code: "STORAGE_FULL" }));
  expect(disk.list(DIRECTORY)).toEqual([]);
  expect(disk.openCount).toBe(0);
});

test("a chunk or metadata out of bounds is refused", () => {
  const { store } = makeStore();
  const writer = store.write(CLUSTER, 1, METADATA);
  expect(() => writer.write(METADATA, 1, 1)).toThrow(RangeError);
  expect(() => writer.write(METADATA, 0, 4)).toThrow(RangeError);
  writer.abort();
  expect(() => writer.finish()).toThrow(RangeError);
  expect(() => store.write(CLUSTER, 1, new Uint8Array(16_777_217))).toThrow(RangeError);
});

test.each(seeds(60))("a crash at any call leaves the old snapshot or the new one, whole, seed %i", (seed) => {
  const { disk, store } = makeStore(seed);
  writeSnapshot(store, 10);
  disk.crashAtCall(1 + (seed % 20));
  try {
    writeSnapshot(store, 20);
  } catch {
    // the crash
  }
  disk.crash();
  store.deleteTemporaries();
  const found = store.restore(11, CLUSTER, build);
  expect([10, 20]).toContain(found?.position);
  expect(found?.chunks).toEqual(chunksOf(found?.position as number));
  expect(disk.list(DIRECTORY).every((name) => name.endsWith(".kgs"))).toBe(true);
});
