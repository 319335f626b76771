// Writes objects for a slow tier and moves their volumes, until it is killed: `node move-child.ts DIRECTORY HDD ROUND`.
// Each line that it writes is a key whose put was acknowledged.
import { writeSync } from "node:fs";
import { openStore } from "../../src/storage/open-store.ts";
import { TierWork } from "../../src/storage/tiers/tier-work.ts";
import { MOVE_STORE_OPTIONS, moveBody } from "./move-store.ts";

const [directory = "", hdd = "", round = "0"] = process.argv.slice(2);
const tiers = [{ name: "hdd", storageClass: "GLACIER_IR", directory: hdd }];
const store = await openStore({ ...MOVE_STORE_OPTIONS, directory, tiers });
if (store.bucket("b") === undefined) await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
/** Every key with a "d" is due at once, so that volumes are divided, too. */
const rules = {
  version: 1,
  youngestMs: 0,
  dueOf: (_bucket: string, { key }: { readonly key: string }) =>
    key.includes("d") ? { tier: "hdd", sinceMs: 0, nextMs: undefined } : undefined,
};
const options = { coldAfterMs: 0, coldTier: "hdd", gatherMs: 1 };
const work = new TierWork({ store, rules, options, nowMs: Date.now });

async function put(key: string, storageClass: string | undefined): Promise<void> {
  const body = moveBody(key);
  const metadata = { user: {}, tags: {}, ...(storageClass === undefined ? {} : { storageClass }) };
  const writer = store.put({ bucket: "b", key, metadata, retention: undefined, conditions: {} }, body.length);
  await writer.write(body);
  await writer.commit({ etag: key, checksum: undefined });
  // Not a stream's: what is acknowledged is told before anything else happens.
  writeSync(1, `${key}\n`);
}

for (let batch = 0; ; batch++) {
  const keys = Array.from({ length: 12 }, (_, i) => `${round}-${batch}-${i}${i % 3 === 0 ? "d" : "s"}`);
  await Promise.all(keys.map((key, i) => put(key, i % 4 === 1 ? "GLACIER_IR" : undefined)));
  for (let event = await work.step(async () => undefined, 0); event !== undefined; ) {
    event = await work.step(async () => undefined, 0);
  }
}
