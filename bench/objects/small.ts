import { createRandom } from "@kagami/clock";
import { type Figure, limitedFigure, plainFigure, type Scenario } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { atLeast } from "./bars.ts";
import type { LocalPeer } from "./servers/peer.ts";
import { type Peers, presignedPaths, storeAll, withPeers } from "./servers/peers.ts";
import { runWrk, type WrkResult } from "./wrk.ts";

const BUCKET = "small";
const SIZE_BYTES = 10_000;
const CONNECTIONS = 32;

type Method = "GET" | "PUT";

/** What ours is measured against: a peer, and how many times its rate ours has to be. */
const BARS: readonly { readonly method: Method; readonly peer: string; readonly limit: number }[] = [
  { method: "PUT", peer: "s3rver", limit: 6 },
  { method: "PUT", peer: "rgw", limit: 10 },
  { method: "GET", peer: "s3rver", limit: 8 },
  { method: "GET", peer: "nginx", limit: 0.55 },
];

/** Requests per second and CPU time of small objects beside the peers. */
export const small: Scenario = {
  name: "small",
  summary: "PUT (synced) and GET of 10 KB over 32 connections beside s3rver, Ceph RGW and nginx",
  run: ({ isSmoke, settings, progress }) =>
    withPeers(!isSmoke && (settings.only?.includes("rgw") ?? true), async (peers) => {
      const keys = Array.from({ length: isSmoke ? 50 : 2_000 }, (_, i) => `objects/${i}`);
      const plan = { rounds: settings.rounds ?? (isSmoke ? 1 : 3), seconds: settings.seconds ?? (isSmoke ? 1 : 5) };
      const body = createRandom(1).bytes(SIZE_BYTES);
      const all = present(peers);
      for (const peer of all) await storeAll(peer, BUCKET, keys, body);
      progress(`${keys.length} objects stored on ${all.map(({ name }) => name).join(", ")}`);
      const results = new Map<string, WrkResult[]>();
      for (let round = 0; round < plan.rounds; round++) {
        for (const method of ["PUT", "GET"] as const) {
          // Who goes first changes, so that what one leaves to the next is shared out.
          for (const peer of round % 2 === 0 ? all : all.toReversed()) {
            if (method === "PUT" && peer.name === "nginx") continue;
            const result = await measure(peer, method, keys, body, plan.seconds);
            progress(`${peer.name} ${method}: ${result.perSecond.toFixed(0)}/s, ${result.cpuUs.toFixed(0)} us`);
            const name = `${peer.name} ${method}`;
            results.set(name, [...(results.get(name) ?? []), result]);
          }
        }
      }
      return { figures: figuresOf(results), notes: peers.notes };
    }),
};

function present({ kagami, s3rver, nginx, rgw }: Peers): LocalPeer[] {
  return [nginx, s3rver, kagami, ...(rgw ? [rgw] : [])];
}

function measure(peer: LocalPeer, method: Method, keys: readonly string[], body: Uint8Array, seconds: number) {
  const paths = presignedPaths(peer, method, BUCKET, keys);
  const text = Buffer.from(body).toString("latin1");
  const sent = method === "PUT" ? { body: text } : {};
  return runWrk(peer, { method, paths, connections: CONNECTIONS, seconds, ...sent });
}

function figuresOf(results: ReadonlyMap<string, readonly WrkResult[]>): Figure[] {
  const of = (peer: string, method: Method) => results.get(`${peer} ${method}`) ?? [];
  const plain = [...results].flatMap(([name, all]) => {
    const [peer = "", method = ""] = name.toLowerCase().split(" ");
    const middle = (pick: (result: WrkResult) => number) => median(all.map(pick));
    return [
      plainFigure(
        peer,
        `${method}-requests`,
        middle(({ perSecond }) => perSecond),
        "1/s",
      ),
      plainFigure(
        peer,
        `${method}-cpu`,
        middle(({ cpuUs }) => cpuUs),
        "us",
      ),
      plainFigure(
        peer,
        `${method}-p50`,
        middle(({ p50Ms }) => p50Ms),
        "ms",
      ),
      plainFigure(
        peer,
        `${method}-p99`,
        middle(({ p99Ms }) => p99Ms),
        "ms",
      ),
      peer === "kagami"
        ? limitedFigure(
            peer,
            `${method}-errors`,
            all.reduce((sum, { errors }) => sum + errors, 0),
            "1",
            0,
          )
        : plainFigure(
            peer,
            `${method}-errors`,
            all.reduce((sum, { errors }) => sum + errors, 0),
            "1",
          ),
    ];
  });
  const bars = BARS.flatMap(({ method, peer, limit }) => {
    const [own, others] = [of("kagami", method), of(peer, method)];
    if (others.length === 0) return [];
    // A ratio is taken within its round, so that what else the machine did cancels out.
    const ratio = median(own.map(({ perSecond }, round) => perSecond / (others[round]?.perSecond ?? Number.NaN)));
    const rate = median(own.map(({ perSecond }) => perSecond));
    return [atLeast(`${method.toLowerCase()}-beside-${peer}`, rate, "1/s", ratio, limit)];
  });
  return [...plain, ...bars];
}
