import { createHash } from "node:crypto";
import { type KeyHash, keySlotHash, LIBMEMCACHED_HASHES, TWEMPROXY_HASHES } from "@kagami/hashing";
import { type Figure, plainFigure, type Scenario } from "../src/scenario.ts";
import { peerTable } from "./fleets.ts";

const KEY_COUNT = 1_024;

/** How long hashing a key takes. */
export const keyHashes: Scenario = {
  name: "key-hashes",
  summary: "Time for hashing a key, by its length",
  async run({ isSmoke, settings, progress }) {
    const lengths = [10, 25, 50, 250];
    const rounds = isSmoke ? 1 : (settings.rounds ?? 40);
    const hashes: Record<string, KeyHash> = {
      "slot hash": keySlotHash,
      ...TWEMPROXY_HASHES,
      murmur3: LIBMEMCACHED_HASHES.murmur3 ?? keySlotHash,
      "md5 of node:crypto": (bytes, start, end) =>
        createHash("md5").update(bytes.subarray(start, end)).digest().readUInt32LE(0),
    };
    const { only } = settings;
    const figures: Figure[] = [];
    const rows: { peer: string; cells: string[] }[] = [];
    // One call site sees them all, so all are called in the same way: what comes first must not be the only one it knows.
    for (const hash of Object.values(hashes)) hashNs(hash, 25, 1, 1);
    for (const [peer, hash] of Object.entries(hashes)) {
      if (only && !only.some((part) => peer.includes(part))) continue;
      const timesNs = lengths.map((length) => hashNs(hash, length, rounds, isSmoke ? 1 : 2));
      for (const [i, ns] of timesNs.entries()) figures.push(plainFigure(peer, `hash-${lengths[i]}`, ns, "ns"));
      rows.push({ peer, cells: timesNs.map((ns) => ns.toFixed(0)) });
      progress(`${peer}: ${timesNs.map((ns) => ns.toFixed(0)).join(", ")} ns`);
    }
    return {
      figures,
      overview: peerTable(["", ...lengths.map((length) => `ns, ${length} bytes`)], rows),
      notes: [`The best of ${rounds} rounds, ${KEY_COUNT} different keys in turn.`],
    };
  },
};

function hashNs(hash: KeyHash, length: number, rounds: number, roundMs: number): number {
  const bytes = Uint8Array.from(
    { length: KEY_COUNT * length },
    (_, i) => 33 + ((Math.imul(i, 0x9e3779b1) >>> 24) % 90),
  );
  let best = Number.POSITIVE_INFINITY;
  let check = 0;
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    let passes = 0;
    do {
      for (let start = 0; start < bytes.length; start += length) check ^= hash(bytes, start, start + length);
      passes++;
    } while (performance.now() - startMs < roundMs);
    best = Math.min(best, ((performance.now() - startMs) * 1e6) / (passes * KEY_COUNT));
  }
  if (!Number.isInteger(check)) throw new Error("A hash is no integer: it may have been optimised away");
  return best;
}
