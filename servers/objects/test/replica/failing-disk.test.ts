import { rename } from "node:fs/promises";
import { join } from "node:path";
import { createRandom, FakeClock } from "@kagami/clock";
import { systemClock } from "@kagami/kit";
import { eventually, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { Copies } from "../../src/replica/copies.ts";
import { Replica, type ReplicaParts } from "../../src/replica/replica.ts";
import { ReplicaStore } from "../../src/replica/replica-store.ts";
import { MemoryIndex } from "../../src/storage/index/memory-index.ts";
import { DEFAULT_MAINTENANCE } from "../../src/storage/maintenance.ts";
import { startShard } from "../../src/storage/open-store.ts";
import { putBody } from "../support/damaged-store.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { KeptResponse, senderTo } from "../support/sim-wire.ts";

const NOW = 1_000_000;

/** A store in memory, and a client that brings what it has, once each time it is asked. */
async function makeSource() {
  const disk = new SimDisk(createRandom(1));
  const parts = {
    disk,
    index: new MemoryIndex(),
    storeId: "s",
    nowMs: () => NOW,
    options: { reserveBytes: 0, blobFromBytes: 1_000 },
  };
  const store = await startShard(parts);
  await store.createBucket({ name: "media", owner: "admin", nowMs: NOW });
  const client = {
    changes: async (position: { after: number; drops: number }) => {
      const response = new KeptResponse();
      await senderTo(response, store.state, position).run();
      return (async function* () {
        for (const chunk of response.chunks) yield Buffer.from(chunk);
      })();
    },
    blob: async () => undefined,
    users: async () => "",
    progress: async () => undefined,
    close: () => undefined,
  };
  return { store, client };
}

/** A replica in a directory, on a clock of the test's. */
async function openReplica(directory: string, client: ReplicaParts["client"]) {
  const shown = new ReplicaStore("https://source");
  const clock = new FakeClock();
  const open = async (reserveBytes: number) => {
    const copies = await Copies.open({
      ...{ directory, source: "https://source", shown, clock: systemClock },
      store: { reserveBytes },
      maintenance: { ...DEFAULT_MAINTENANCE, isReplica: true },
      onMaintenance: () => undefined,
    });
    const replica = new Replica({
      ...{ copies, client, clock, random: () => 0, goesPastDamage: false },
      ...{ onUsers: async () => undefined, onEvent: () => undefined },
    });
    const end = async (): Promise<void> => {
      await replica.close();
      await copies.close();
    };
    return { copies, replica, end };
  };
  /** Lets the waits between two tries pass. */
  const until = (what: () => unknown) =>
    eventually(() => {
      clock.advance(30_000);
      return what();
    });
  return { shown, open, until };
}

test("a replica whose disk has no room left keeps what it has, and goes on when there is room", async () => {
  await withTempDir(async (directory) => {
    const { store, client } = await makeSource();
    const { shown, open, until } = await openReplica(directory, client);
    const first = await open(0);
    await until(() => shown.shown?.bucket("media"));
    await first.end();

    await store.createBucket({ name: "more", owner: "admin", nowMs: NOW });
    const full = await open(2 ** 50);
    await until(() => full.replica.status.lastFailure?.code === "DISK_FULL");
    expect(shown.buckets().map(({ name }) => name)).toEqual(["media"]);
    await full.end();

    const roomy = await open(0);
    await until(() => shown.buckets().length === 2);
    expect(roomy.replica.status.lagSequences).toBe(0);
    await roomy.end();
    await store.close();
  });
});

test("a replica whose write has failed opens its copy anew and goes on from where it stood", async () => {
  await withTempDir(async (directory) => {
    const { store, client } = await makeSource();
    const { shown, open, until } = await openReplica(directory, client);
    const { copies, replica, end } = await open(0);
    await until(() => copies.isWhole);
    const broken = copies.followed?.follower ?? expect.unreachable();
    broken.store.state.index.write = async () => {
      throw Object.assign(new Error("EIO: the disk fails"), { code: "EIO" });
    };
    await store.createBucket({ name: "more", owner: "admin", nowMs: NOW });
    await until(() => shown.shown !== undefined && shown.buckets().length === 2);
    expect(broken.isBroken).toBe(true);
    expect(copies.followed?.follower).not.toBe(broken);
    expect(replica.status).toMatchObject({ fromNothingCount: 0, lagSequences: 0 });
    await end();
    await store.close();
  });
});

test("a replica whose whole copy is gone does not start as an empty store", async () => {
  await withTempDir(async (directory) => {
    const { store, client } = await makeSource();
    const { open, until } = await openReplica(directory, client);
    const first = await open(0);
    await until(() => first.copies.isWhole);
    await first.end();
    await rename(join(directory, "copy-1"), join(directory, "away"));
    await expect(open(0)).rejects.toMatchObject({ code: "STORE_UNREADABLE" });
    await rename(join(directory, "away"), join(directory, "copy-1"));
    const again = await open(0);
    expect(again.copies.storeId).toBe("s");
    await again.end();
    await store.close();
  });
});

test("a replica that cannot make a file for a large body does not ask for its bytes", async () => {
  await withTempDir(async (directory) => {
    const { store, client } = await makeSource();
    let askedCount = 0;
    const askBlob = async () => {
      askedCount++;
      return (async function* () {
        yield new Uint8Array(2_000);
      })();
    };
    const { open, until } = await openReplica(directory, { ...client, blob: askBlob });
    const { copies, replica, end } = await open(0);
    await until(() => copies.isWhole);
    const { blobs } = copies.followed?.follower.store.state ?? expect.unreachable();
    const createAs = blobs.createAs.bind(blobs);
    blobs.createAs = () => {
      throw Object.assign(new Error("ENOSPC: no room for a name"), { code: "ENOSPC" });
    };
    await store.createBucket({ name: "b", owner: "admin", nowMs: NOW });
    await putBody(store, "large", new Uint8Array(2_000));
    await until(() => replica.status.lastFailure?.code === "DISK_FULL");
    expect(askedCount).toBe(0);
    blobs.createAs = createAs;
    await until(() => askedCount > 0 && replica.status.lagSequences === 0);
    expect(askedCount).toBe(1);
    await end();
    await store.close();
  });
});
