import { residentMb } from "../src/process-sample.ts";
import { comparedFigure, type Figure, plainFigure, type Scenario } from "../src/scenario.ts";
import { type Contender, withClient, withPair } from "./contenders.ts";
import { digits, fill, fillSortedSet } from "./load.ts";

const LIMIT = 0.8;

interface Footprint {
  readonly rssBytes: number;
  readonly usedBytes: number;
}

const KINDS: readonly { readonly name: string; fill(server: Contender, count: number): Promise<void> }[] = [
  {
    name: "key",
    fill: (server, count) => fill(server, count, (index) => ["SET", `key:${digits(index)}`, `val:${digits(index)}`]),
  },
  // `member:` and 12 digits would be 19 bytes.
  { name: "member", fill: (server, count) => fillSortedSet(server, "board", count, "mem:") },
];

/** Memory per key and per member, as the kernel and as the servers count. */
export const memory: Scenario = {
  name: "memory",
  summary: "Bytes per key of 16 bytes with 16 bytes, and per sorted-set member of 16 bytes, beside redis-server",
  run: async ({ isSmoke, progress }) => {
    const count = isSmoke ? 50_000 : 1_000_000;
    const figures: Figure[] = [];
    let versions = "";
    for (const { name, fill: fillKind } of KINDS) {
      // New processes for each: what one kind leaves behind must not serve the next.
      await withPair({}, async (pair) => {
        versions = pair.versions;
        const redis = await growthOf(pair.redis, count, fillKind);
        const kagami = await growthOf(pair.kagami, count, fillKind);
        progress(`${name}: ${kagami.usedBytes.toFixed(1)} bytes beside ${redis.usedBytes.toFixed(1)} of redis`);
        for (const [figure, pick] of [
          [`rss-per-${name}`, (footprint: Footprint) => footprint.rssBytes],
          [`used-per-${name}`, (footprint: Footprint) => footprint.usedBytes],
        ] as const) {
          const [own, reference] = [pick(kagami), pick(redis)];
          figures.push(plainFigure("redis", figure, reference, "bytes"));
          figures.push(comparedFigure("kagami", figure, own, "bytes", own / reference, LIMIT));
        }
      });
    }
    return { figures, notes: [versions, `Growth by ${count} of them, in new processes that were warmed up`] };
  },
};

/** Growth of a server for each of `count` things. */
async function growthOf(
  server: Contender,
  count: number,
  fillKind: (server: Contender, count: number) => Promise<void>,
): Promise<Footprint> {
  // Compiled code and connection buffers are not memory of keys: a part goes in and out first.
  await fillKind(server, Math.min(count, 50_000));
  await withClient(server, (client) => client.ask("FLUSHALL"));
  const before = await footprintOf(server);
  await fillKind(server, count);
  const after = await footprintOf(server);
  return {
    rssBytes: (after.rssBytes - before.rssBytes) / count,
    usedBytes: (after.usedBytes - before.usedBytes) / count,
  };
}

async function footprintOf(server: Contender): Promise<Footprint> {
  return { rssBytes: residentMb(server.pid) * 1e6, usedBytes: await usedBytesOf(server) };
}

/** `used_memory` of INFO. */
export async function usedBytesOf(server: Contender): Promise<number> {
  const info = await withClient(server, (client) => client.ask("INFO", "memory"));
  return Number(/^used_memory:(\d+)/m.exec(String(info))?.[1]);
}
