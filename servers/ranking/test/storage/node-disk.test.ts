import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@kagami/kit";
import { withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { FileLog } from "../../src/storage/file-log.ts";
import { openSealedLog } from "../../src/storage/log-cursor.ts";
import { nodeDisk } from "../../src/storage/node-disk.ts";
import { SnapshotStore } from "../../src/storage/snapshot-store.ts";
import { appendUpTo, batchAt } from "../support/log-world.ts";

const journal = { info: () => undefined, warn: () => undefined };

test.each(["always", "everysec", "no"] as const)(
  "on a real disk a log under %s is written, sealed, torn and read again",
  (policy) =>
    withTempDir(async (directory) => {
      const options = { directory, clock: systemClock, journal, policy, segmentBytes: 2_000 };
      const log = FileLog.open(options);
      for (let position = 1; position <= 60; position++) appendUpTo(log, position);
      expect(await log.barrier()).toBe(60);
      expect(await log.seal()).toBe(60);
      appendUpTo(log, 70);
      await log.close();
      const names = readdirSync(directory).sort();
      expect(names.length).toBeGreaterThan(3);
      expect(names.every((name) => name.endsWith(".kgl"))).toBe(true);
      appendFileSync(join(directory, names.at(-1) as string), "torn");
      const again = FileLog.open(options);
      expect(again.lastPosition).toBe(70);
      expect(again.clusterId).toEqual(log.clusterId);
      const cursor = openSealedLog(nodeDisk, directory, 5);
      for (let position = 5; cursor.next(70); position++) {
        expect(cursor.bytes.slice(cursor.start, cursor.end)).toEqual(batchAt(position));
      }
      expect(cursor.nextPosition).toBe(71);
      cursor.close();
      again.trim(60);
      expect(again.firstPosition).toBeGreaterThan(50);
      await again.close();
    }),
);

test("on a real disk a snapshot is written and read again", () =>
  withTempDir((directory) => {
    const store = new SnapshotStore(directory, journal);
    const writer = store.write(new Uint8Array(16), 7, Uint8Array.of(1));
    for (let position = 1; position <= 9; position++) writer.write(batchAt(position), 0, batchAt(position).length);
    writer.finish();
    const chunks = store.restore(1, undefined, (reader) => Array.from(reader.chunks(), (chunk) => chunk.slice()));
    expect(chunks).toEqual(Array.from({ length: 9 }, (_, i) => batchAt(i + 1)));
    expect(readdirSync(directory)).toEqual(["snapshot-0000000000000007.kgs"]);
  }));
