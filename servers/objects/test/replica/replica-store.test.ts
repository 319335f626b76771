import { expect, test } from "vitest";
import { ReplicaStore } from "../../src/replica/replica-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";

const READS = {
  head: (store: ReplicaStore) => store.head("b", "k"),
  open: (store: ReplicaStore) => store.open("b", "k"),
  list: (store: ReplicaStore) => store.list({} as never),
  upload: (store: ReplicaStore) => store.upload("b", "k", "1"),
  listParts: (store: ReplicaStore) => store.listParts("b", "k", "1", 0, 1),
  listUploads: (store: ReplicaStore) => store.listUploads({} as never),
};

test.each(Object.entries(READS))(
  "a copy is not left while %s reads from it, and left when it has failed",
  async (name, read) => {
    const shown = new ReplicaStore("https://source");
    let fail: ((error: Error) => void) | undefined;
    const pending = new Promise<never>((_, reject) => {
      fail = reject;
    });
    await shown.show({ [name]: () => pending } as unknown as ShardStore);
    const reading = read(shown);
    let isLeft = false;
    const leaving = shown.show(undefined).then(() => {
      isLeft = true;
    });
    await new Promise(setImmediate);
    expect(isLeft).toBe(false);
    fail?.(new Error("it cannot be read"));
    await expect(reading).rejects.toThrow("it cannot be read");
    await leaving;
  },
);
