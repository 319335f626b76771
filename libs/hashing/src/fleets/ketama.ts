import { HashRing, type RingPoints } from "../hash-ring.ts";
import { oneAtATime } from "../key-hashes/jenkins.ts";
import type { KeyHash } from "../key-hashes/key-hash.ts";
import { md5Words } from "../key-hashes/md5.ts";

/** One server of a ring: the text that is hashed with a number to get its points. */
export interface RingServer {
  readonly ringName: string;
  readonly weight: number;
}

/** Points a server of average weight has; four come from each MD5. */
const POINTS_PER_SERVER = 160;
const POINTS_PER_DIGEST = 4;
const CONSISTENT_POINTS_PER_SERVER = 100;

/** The points of weighted ketama, as libmemcached, twemproxy and weighted spymemcached make them. */
export function weightedKetamaPoints(servers: readonly RingServer[]): RingPoints {
  const weights = servers.reduce((sum, { weight }) => sum + weight, 0);
  return md5Points(servers, ({ weight }) => {
    // In C all this is done in 32-bit floats, and what they lose decides: weights 1, 2, 3, 5 give 632 points, not 640.
    const share = Math.fround(weight / weights);
    const perServer = Math.fround(Math.fround(share * POINTS_PER_SERVER) / POINTS_PER_DIGEST);
    return Math.floor(Math.fround(Math.fround(perServer * servers.length) + 1e-10));
  });
}

/** The points of ketama without weights: 160 of each server. */
export function plainKetamaPoints(servers: readonly RingServer[]): RingPoints {
  return md5Points(servers, () => POINTS_PER_SERVER / POINTS_PER_DIGEST);
}

/** libmemcached's `DISTRIBUTION_CONSISTENT`: 100 points of each server, of one-at-a-time. */
export function consistentRing(servers: readonly RingServer[], keyHash: KeyHash): HashRing {
  const ring: RingPoints = { points: [], owners: [] };
  for (const [position, { ringName }] of servers.entries()) {
    for (let k = 0; k < CONSISTENT_POINTS_PER_SERVER; k++) {
      const text = encoder.encode(`${ringName}-${k}`);
      ring.points.push(oneAtATime(text, 0, text.length));
      ring.owners.push(position);
    }
  }
  return new HashRing(servers.length, keyHash, ring);
}

const encoder = new TextEncoder();

/** Four points for each MD5 of `ringName-k`, `k` from 0 to `digestCount - 1`. */
export function md5Points(servers: readonly RingServer[], digestCount: (server: RingServer) => number): RingPoints {
  const ring: RingPoints = { points: [], owners: [] };
  for (const [position, server] of servers.entries()) {
    const count = digestCount(server);
    for (let k = 0; k < count; k++) {
      const text = encoder.encode(`${server.ringName}-${k}`);
      for (const point of md5Words(text, 0, text.length)) {
        ring.points.push(point);
        ring.owners.push(position);
      }
    }
  }
  return ring;
}
