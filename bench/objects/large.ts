import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "@kagami/clock";
import { cpuMs } from "../src/process-sample.ts";
import { type Figure, plainFigure, type Scenario } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { atLeast } from "./bars.ts";
import { getRate, putRate } from "./large-transfer.ts";
import type { LocalPeer } from "./servers/peer.ts";
import { storeAll, withPeers } from "./servers/peers.ts";

const BUCKET = "large";
const KEY = "object";
const HASH_BLOCK_BYTES = 65_536;

/** Rates of one round. */
interface Round {
  readonly get: ReadonlyMap<string, number>;
  readonly put: ReadonlyMap<string, number>;
  readonly getCpu: ReadonlyMap<string, number>;
  readonly md5: number;
  readonly disk: number;
}

/** Rates of large objects beside the peers, and beside what MD5 and the disk would allow. */
export const large: Scenario = {
  name: "large",
  summary: "64 MB GET beside nginx, and PUT beside MD5 and the disk alone",
  run: ({ isSmoke, settings, progress }) =>
    withPeers(!isSmoke && (settings.only?.includes("rgw") ?? true), async ({ kagami, s3rver, nginx, rgw, notes }) => {
      const body = createRandom(2).bytes(isSmoke ? 9_000_000 : 64_000_000);
      const load = { connections: 2, seconds: settings.seconds ?? (isSmoke ? 0.3 : 4) };
      const others = [s3rver, ...(rgw ? [rgw] : [])];
      for (const peer of [nginx, kagami, ...others]) await storeAll(peer, BUCKET, [KEY], body);
      const rounds: Round[] = [];
      for (let round = 0; round < (settings.rounds ?? (isSmoke ? 1 : 3)); round++) {
        const order = [nginx, kagami, ...others];
        const get = new Map<string, number>();
        const getCpu = new Map<string, number>();
        for (const peer of round % 2 === 0 ? order : order.toReversed()) {
          const before = usedMs(peer);
          const rate = await getRate(peer, BUCKET, KEY, body.length, load);
          get.set(peer.name, rate);
          getCpu.set(peer.name, ((usedMs(peer) - before) * 1_000) / (rate * load.seconds));
        }
        const put = new Map<string, number>();
        for (const peer of [kagami, ...others]) put.set(peer.name, await putRate(peer, BUCKET, KEY, body));
        rounds.push({ get, getCpu, put, md5: md5Rate(body), disk: await diskRate(body) });
        progress(`round ${round + 1}: GET ${text(get)}; PUT ${text(put)} MB/s`);
      }
      return { figures: figuresOf(rounds), notes };
    }),
};

function usedMs({ pids }: LocalPeer): number {
  return pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
}

function md5Rate(body: Uint8Array): number {
  const startedAtMs = performance.now();
  const hash = createHash("md5");
  for (let at = 0; at < body.length; at += HASH_BLOCK_BYTES) hash.update(body.subarray(at, at + HASH_BLOCK_BYTES));
  hash.digest();
  return body.length / 1_000 / (performance.now() - startedAtMs);
}

/** Where the servers' data lies, too. */
async function diskRate(body: Uint8Array): Promise<number> {
  const path = join(tmpdir(), `kagami-bench-disk-${process.pid}`);
  const startedAtMs = performance.now();
  const file = await open(path, "w");
  try {
    await file.write(body);
    await file.datasync();
    return body.length / 1_000 / (performance.now() - startedAtMs);
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

function figuresOf(rounds: readonly Round[]): Figure[] {
  const middle = (pick: (round: Round) => number) => median(rounds.map(pick));
  const of = (map: ReadonlyMap<string, number>, name: string) => map.get(name) ?? Number.NaN;
  const peers = [...(rounds[0]?.get.keys() ?? [])];
  const plain = peers.flatMap((name) => [
    plainFigure(
      name,
      "get-rate",
      middle(({ get }) => of(get, name)),
      "MB/s",
    ),
    plainFigure(
      name,
      "get-cpu",
      middle(({ getCpu }) => of(getCpu, name)),
      "ms/GB",
    ),
    ...(name === "nginx"
      ? []
      : [
          plainFigure(
            name,
            "put-rate",
            middle(({ put }) => of(put, name)),
            "MB/s",
          ),
        ]),
  ]);
  const getRatio = middle(({ get }) => of(get, "kagami") / of(get, "nginx"));
  const putRatio = middle(({ put, md5, disk }) => of(put, "kagami") / Math.min(md5, disk));
  return [
    ...plain,
    plainFigure(
      "md5",
      "put-rate",
      middle(({ md5 }) => md5),
      "MB/s",
    ),
    plainFigure(
      "disk",
      "put-rate",
      middle(({ disk }) => disk),
      "MB/s",
    ),
    atLeast(
      "get-beside-nginx",
      middle(({ get }) => of(get, "kagami")),
      "MB/s",
      getRatio,
      0.7,
    ),
    atLeast(
      "put-beside-md5-or-disk",
      middle(({ put }) => of(put, "kagami")),
      "MB/s",
      putRatio,
      0.85,
    ),
  ];
}

function text(rates: ReadonlyMap<string, number>): string {
  return [...rates].map(([name, rate]) => `${name} ${rate.toFixed(0)}`).join(", ");
}
