import { withTempDir } from "@kagami/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { IndexEngine } from "./index-engine.ts";
import { LevelIndex } from "./level-index.ts";
import { MemoryIndex } from "./memory-index.ts";
import { RocksIndex } from "./rocks-index.ts";

const engines: { name: string; open: (dir: string) => Promise<IndexEngine> }[] = [
  { name: "the sorted array", open: async () => new MemoryIndex() },
  { name: "rocksdb-native", open: (dir) => RocksIndex.open(dir) },
  { name: "classic-level", open: (dir) => LevelIndex.open(dir) },
];
const key = (text: string): Uint8Array => Buffer.from(text, "latin1");
const END = key("\xff");

async function all(index: IndexEngine): Promise<string[]> {
  const rows = await index.scan(key("\x00"), END, 1_000);
  return rows.map((row) => `${Buffer.from(row.key).toString("latin1")}=${Buffer.from(row.value).toString("latin1")}`);
}

test.each(engines)("rows come in the order of bytes, in ranges and up to a limit, from $name", async ({ open }) => {
  await withTempDir(async (dir) => {
    const index = await open(dir);
    const names = ["b", "a", "a\x00", "a\xfe", "ab", "c"];
    await index.write(names.map((name) => ({ kind: "put", key: key(name), value: key(`v${name}`) })));
    expect(await all(index)).toEqual(["a=va", "a\x00=va\x00", "ab=vab", "a\xfe=va\xfe", "b=vb", "c=vc"]);
    expect(await index.scan(key("a\x00"), key("b"), 2)).toHaveLength(2);
    expect(await index.scan(key("c"), key("a"), 2)).toEqual([]);
    const values = await index.get([key("zz"), key("ab"), key("b")]);
    expect(values.map((value) => value && Buffer.from(value).toString("latin1"))).toEqual([undefined, "vab", "vb"]);
    expect(await index.get([])).toEqual([]);
    await index.close();
  });
});

test.each(engines)("a snapshot sees no later write, from $name", async ({ open }) => {
  await withTempDir(async (dir) => {
    const index = await open(dir);
    await index.write([{ kind: "put", key: key("a"), value: key("1") }]);
    const snapshot = index.snapshot();
    await index.write([
      { kind: "put", key: key("a"), value: key("2") },
      { kind: "put", key: key("b"), value: key("3") },
    ]);
    expect(Buffer.from((await snapshot.get([key("a")]))[0]!).toString()).toBe("1");
    expect(await snapshot.scan(key("a"), END, 10)).toHaveLength(1);
    await snapshot.close();
    expect(await all(index)).toEqual(["a=2", "b=3"]);
    await index.close();
  });
});

test.each(engines.slice(1))("what was written is there after it is opened again, from $name", async ({ open }) => {
  await withTempDir(async (dir) => {
    const first = await open(dir);
    await first.write([{ kind: "put", key: key("a"), value: key("1") }]);
    await first.flush();
    await first.close();
    const second = await open(dir);
    expect(await all(second)).toEqual(["a=1"]);
    await second.close();
  });
});

test("all engines hold the same after the same batches", async () => {
  const name = fc.constantFrom("a", "b", "b\x00", "c", "d", "e");
  const change = fc.oneof(
    fc.record({ kind: fc.constant("put" as const), key: name.map(key), value: fc.uint8Array({ maxLength: 3 }) }),
    fc.record({ kind: fc.constant("delete" as const), key: name.map(key) }),
  );
  const range = fc.record({ kind: fc.constant("deleteRange" as const), from: name.map(key), to: name.map(key) });
  const batch = fc.oneof(
    fc.array(change, { maxLength: 6 }),
    range.filter(({ from, to }) => Buffer.compare(from, to) < 0).map((one) => [one]),
  );
  await withTempDir(async (dir) => {
    const opened = await Promise.all(engines.map(({ open }, i) => open(`${dir}/${i}`)));
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 8 }), async (batches) => {
        for (const index of opened) {
          await index.write([{ kind: "deleteRange", from: key("\x00"), to: END }]);
          for (const changes of batches) await index.write(changes);
        }
        const [memory, ...others] = await Promise.all(opened.map(all));
        for (const rows of others) expect(rows).toEqual(memory);
      }),
      { numRuns: 40 },
    );
    for (const index of opened) await index.close();
  });
});
