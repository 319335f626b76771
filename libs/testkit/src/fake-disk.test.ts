import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { type Disk, FakeDisk } from "./fake-disk.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);

async function synced(disk: Disk, path: string, content: string): Promise<void> {
  await disk.append(path, bytes(content));
  await disk.fdatasync(path);
  await disk.syncNames();
}

test("without faults it is a file system", async () => {
  const disk = new FakeDisk(createRandom(1));
  await disk.append("a/log", bytes("one"));
  await disk.append("a/log", bytes("two"));
  await disk.append("b", bytes("x"));
  expect(text(await disk.read("a/log"))).toBe("onetwo");
  expect(text(await disk.read("a/log", 2, 2))).toBe("et");
  expect(await disk.size("a/log")).toBe(6);
  await disk.truncate("a/log", 2);
  await disk.rename("a/log", "b");
  expect(text(await disk.read("b"))).toBe("on");
  expect(await disk.list()).toEqual(["b"]);
  await disk.unlink("b");
  expect(await disk.list()).toEqual([]);
});

test.each(["read", "size", "fdatasync", "unlink"] as const)(
  "%s of a file that is not there fails",
  async (operation) => {
    await expect(new FakeDisk(createRandom(1))[operation]("nothing")).rejects.toMatchObject({ code: "ENOENT" });
  },
);

test.each(seeds(100))("a crash keeps what was synced and a beginning of the rest, seed %i", async (seed) => {
  const disk = new FakeDisk(createRandom(seed));
  await synced(disk, "log", "durable");
  await disk.append("log", bytes("+volatile"));
  disk.crash();
  await expect(disk.read("log")).rejects.toMatchObject({ code: "CRASHED" });
  disk.restart();
  const left = text(await disk.read("log"));
  expect("durable+volatile".startsWith(left) && left.length >= 7, left).toBe(true);
});

test("crashes with torn writes damage unsynced bytes on some seeds and synced ones on none", async () => {
  let damagedCount = 0;
  for (const seed of seeds(200)) {
    const disk = new FakeDisk(createRandom(seed), { tornWrite: 0.5 });
    await synced(disk, "log", "durable");
    await disk.append("log", bytes("+volatile"));
    disk.restart();
    const left = text(await disk.read("log"));
    expect(left.startsWith("durable"), `seed ${seed}: ${left}`).toBe(true);
    if (!"durable+volatile".startsWith(left)) damagedCount++;
  }
  expect(damagedCount).toBeGreaterThan(20);
  expect(damagedCount).toBeLessThan(150);
});

test("a new name and a rename are lost on some seeds until names are synced, and never half done", async () => {
  const outcomes = new Map<string, number>();
  for (const seed of seeds(100)) {
    const disk = new FakeDisk(createRandom(seed));
    await synced(disk, "data", "old");
    await disk.append("data.tmp", bytes("new"));
    await disk.fdatasync("data.tmp");
    await disk.rename("data.tmp", "data");
    disk.restart();
    const outcome = `${(await disk.list()).join()}: ${text(await disk.read("data"))}`;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect([...outcomes.keys()].sort()).toEqual(["data,data.tmp: old", "data: new", "data: old"]);
});

test("a rename outlives every crash once names are synced", async () => {
  for (const seed of seeds(50)) {
    const disk = new FakeDisk(createRandom(seed));
    await synced(disk, "data", "old");
    await synced(disk, "data.tmp", "new");
    await disk.rename("data.tmp", "data");
    await disk.syncNames();
    disk.restart();
    expect(text(await disk.read("data"))).toBe("new");
  }
});

test("a full disk takes a part of the append and says so", async () => {
  const disk = new FakeDisk(createRandom(1), { capacityBytes: 10 });
  await disk.append("a", bytes("12345678"));
  await expect(disk.append("b", bytes("abcdef"))).rejects.toMatchObject({ code: "ENOSPC" });
  expect(await disk.size("b")).toBeLessThanOrEqual(2);
  await disk.unlink("a");
  await disk.append("b", bytes("abc"));
});

test("data whose sync failed is gone after a crash, though a later sync succeeded", async () => {
  let checkedCount = 0;
  for (const seed of seeds(100)) {
    const disk = new FakeDisk(createRandom(seed), { ioError: 0.3 });
    const attempts: string[] = [];
    const attempt = async (name: string, run: () => Promise<unknown>): Promise<void> => {
      const outcome = await run().then(
        () => "ok",
        () => "failed",
      );
      attempts.push(`${name} ${outcome}`);
    };
    await attempt("append", () => disk.append("log", bytes("abc")));
    await attempt("sync", () => disk.fdatasync("log"));
    await attempt("sync", () => disk.fdatasync("log"));
    await attempt("names", () => disk.syncNames());
    if (attempts.join() !== "append ok,sync failed,sync ok,names ok") continue;
    checkedCount++;
    disk.restart();
    const left = await disk.read("log").catch(() => Uint8Array.of(0, 0, 0)); // this read may draw a fault of its own
    expect([...left], `seed ${seed}`).toEqual([0, 0, 0]);
  }
  expect(checkedCount).toBeGreaterThan(2);
});

test("crashing at each operation in turn reaches every one of them", async () => {
  const work = async (disk: FakeDisk): Promise<void> => {
    await synced(disk, "log", "a");
    await disk.rename("log", "log.1");
  };
  const whole = new FakeDisk(createRandom(1));
  await work(whole);
  expect(whole.operationCount).toBe(4);
  for (let operation = 1; operation <= 4; operation++) {
    const disk = new FakeDisk(createRandom(operation));
    disk.crashAt(operation);
    await expect(work(disk)).rejects.toMatchObject({ code: "CRASHED" });
    expect(disk.operationCount).toBe(operation);
    disk.restart();
    await disk.list();
  }
});
