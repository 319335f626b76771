import { createRandom } from "@kagami/clock";
import { expect, test } from "vitest";
import { putBody, readBody } from "../../../test/support/damaged-store.ts";
import { SimDisk } from "../../../test/support/sim-disk.ts";
import { blobPath } from "../disk.ts";
import { MemoryIndex } from "../index/memory-index.ts";
import { startShard } from "../open-store.ts";
import { moveVolume } from "./volume-move.ts";

const takeIo = async () => undefined;

async function setUp() {
  const [first, hdd, cold] = [1, 2, 3].map((seed) => new SimDisk(createRandom(seed))) as [SimDisk, SimDisk, SimDisk];
  const tiers = [
    { name: "hdd", storageClass: "STANDARD_IA", disk: hdd, missingBecause: undefined },
    { name: "cold", storageClass: "GLACIER_IR", disk: cold, missingBecause: undefined },
  ];
  const options = { volumeBytes: 60_000, blobFromBytes: 15_000, reserveBytes: 100 };
  const parts = { disk: first, index: new MemoryIndex(), storeId: "s", nowMs: () => 1_000, options, tiers };
  const store = await startShard(parts);
  await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
  const move = async (tier: string) => {
    const [volume] = store.state.volumes.all();
    if (volume === undefined) throw new Error("There is no volume");
    store.state.seal(volume);
    await store.assignTier(volume, tier);
    return await moveVolume(store.state, volume, takeIo, (work) => store.betweenCommits(work));
  };
  return { first, hdd, cold, store, move };
}

test.each([
  { on: "hdd", to: "cold", bodies: [0, 0, 1], why: "it was put for a faster tier than its volume goes to now" },
  { on: "cold", to: "cold", bodies: [0, 0, 1], why: "it is there already" },
  { on: "cold", to: "hdd", bodies: [0, 0, 1], why: "nothing goes back to a faster disk" },
] as const)(
  "of a volume that goes from the first disk to $to a large body on $on: $why",
  async ({ on, to, bodies }) => {
    const { first, hdd, cold, store, move } = await setUp();
    const body = Buffer.alloc(40_000, "x");
    await putBody(store, "k", body);
    const copy = { hdd, cold }[on].create(blobPath(1));
    await copy.append([await first.open(blobPath(1)).read(0, body.length)]);
    await copy.sync();
    first.unlink(blobPath(1));
    expect(await move(to)).toMatchObject({ from: "", to });
    const counts: number[] = [];
    for (const disk of [first, hdd, cold]) counts.push((await disk.list("blobs")).length);
    expect(counts).toEqual(bodies);
    expect(await readBody(store, "k")).toEqual(body);
  },
);
