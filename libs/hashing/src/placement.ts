import { checkNodes } from "./check-nodes.ts";
import { consistentRing, plainKetamaPoints, type RingServer, weightedKetamaPoints } from "./fleets/ketama.ts";
import { peclConsistent } from "./fleets/pecl-consistent.ts";
import { pymemcacheRendezvous } from "./fleets/pymemcache-rendezvous.ts";
import { HashRing } from "./hash-ring.ts";
import { crc32 } from "./key-hashes/crc.ts";
import { fnv1aOf32 } from "./key-hashes/fnv.ts";
import type { KeyHash } from "./key-hashes/key-hash.ts";
import { LIBMEMCACHED_HASHES, TWEMPROXY_HASHES } from "./key-hashes/key-hash-names.ts";
import { md5FirstWord } from "./key-hashes/md5.ts";
import type { Selector } from "./selector.ts";
import { moduloOf } from "./selectors/modulo.ts";
import { SlotTable } from "./slot-table.ts";

/**
 * How keys are laid out over servers: `slots` is our table of 65,536 slots ({@link SlotTable}); the others place every
 * key exactly where the clients of an existing fleet do.
 *
 * What each hashes of a server:
 * - `slots`: its name.
 * - `libmemcached-ketama` (also php-memcached with `OPT_LIBKETAMA_COMPATIBLE` and pylibmc with `ketama_weighted` and
 *   md5), `libmemcached-consistent` (`DISTRIBUTION_CONSISTENT`): `host`, and `:port` unless that is 11211.
 * - `libmemcached-modula` (libmemcached's default): nothing; the order of the servers is the placement.
 * - `twemproxy-ketama`: its name, as twemproxy does with the name behind a server; if the name is `host:port`, then
 *   `host`, and `:port` unless that is 11211, as twemproxy does without one.
 * - `twemproxy-modula`: nothing; the order of the servers is the placement.
 * - `spymemcached-ketama`: `host:port`; if the name contains a `/`, the name, because spymemcached hashes
 *   `name/ip:port` when it was given a name to resolve.
 * - `pecl-consistent`: `host:port`.
 * - `pymemcache-rendezvous`: `host:port`.
 */
export type PlacementKind =
  | "slots"
  | "libmemcached-ketama"
  | "libmemcached-consistent"
  | "libmemcached-modula"
  | "twemproxy-ketama"
  | "twemproxy-modula"
  | "spymemcached-ketama"
  | "pecl-consistent"
  | "pymemcache-rendezvous";

/** One server as placements see it. */
export interface PlacementServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** 1 to 1,000. libmemcached's modula and pymemcache have no weights and refuse others than 1. */
  readonly weight: number;
}

/** A layout and its servers, in the order the fleet's clients list them. */
export interface PlacementSpec {
  readonly kind: PlacementKind;
  /** Key hash, one of {@link keyHashNamesOf}; without it the first of them. */
  readonly hash?: string;
  readonly servers: readonly PlacementServer[];
}

const MAX_SERVERS = 4_096;
const DEFAULT_PORT = 11_211;

const PECL_HASHES: Readonly<Record<string, KeyHash>> = { crc32, fnv: fnv1aOf32 };

/** The first is what the fleet's clients use unless told otherwise. Kinds that are not here have no choice. */
const KEY_HASHES: Partial<Record<PlacementKind, readonly [string, Readonly<Record<string, KeyHash>>]>> = {
  "libmemcached-ketama": ["md5", LIBMEMCACHED_HASHES],
  "libmemcached-consistent": ["default", LIBMEMCACHED_HASHES],
  "libmemcached-modula": ["default", LIBMEMCACHED_HASHES],
  "twemproxy-ketama": ["fnv1a_64", TWEMPROXY_HASHES],
  "twemproxy-modula": ["fnv1a_64", TWEMPROXY_HASHES],
  "pecl-consistent": ["crc32", PECL_HASHES],
};

/** Names a placement of this kind takes as its `hash`, the usual one first; none if it has no choice. */
export function keyHashNamesOf(kind: PlacementKind): readonly string[] {
  const known = KEY_HASHES[kind];
  if (!known) return [];
  const [usual, hashes] = known;
  return [usual, ...Object.keys(hashes).filter((name) => name !== usual)];
}

/**
 * Builds what chooses a server for a key under a placement.
 *
 * @param previous The selector of the placement this one replaces, if any: a slot table is derived from it, in a
 *   fraction of the time.
 * @throws RangeError for no server, more than 4,096, names twice, a weight the kind cannot express, or a hash it does
 *   not know.
 */
export function selectorFor(placement: PlacementSpec, previous?: Selector): Selector {
  const { kind, servers } = placement;
  const weighted = kind !== "libmemcached-modula" && kind !== "pymemcache-rendezvous";
  checkNodes(servers, { maxNodes: MAX_SERVERS, weighted });
  const hash = keyHashOf(placement);
  switch (kind) {
    case "slots":
      return previous instanceof SlotTable ? previous.derive(servers) : SlotTable.build(servers);
    case "libmemcached-ketama":
      return new HashRing(servers.length, hash, weightedKetamaPoints(named(servers, hostUnlessDefaultPort)));
    case "libmemcached-consistent":
      return libmemcachedConsistent(named(servers, hostUnlessDefaultPort), hash);
    case "libmemcached-modula":
    case "twemproxy-modula":
      return moduloOf(
        servers.map(({ weight }) => weight),
        hash,
      );
    case "twemproxy-ketama":
      return new HashRing(servers.length, hash, weightedKetamaPoints(named(servers, labelOrHost)));
    case "spymemcached-ketama":
      return spymemcachedKetama(named(servers, resolvedOrAddress));
    case "pecl-consistent":
      return peclConsistent(named(servers, address), hash);
    case "pymemcache-rendezvous":
      return pymemcacheRendezvous(named(servers, address));
    default:
      return kind satisfies never;
  }
}

function keyHashOf({ kind, hash }: PlacementSpec): KeyHash {
  const known = KEY_HASHES[kind];
  if (!known) {
    if (hash !== undefined) throw new RangeError(`Cannot use key hash "${hash}": ${kind} has no choice, leave it out`);
    return md5FirstWord;
  }
  const [usual, hashes] = known;
  const name = hash ?? usual;
  const found = Object.hasOwn(hashes, name) ? hashes[name] : undefined;
  if (!found) {
    throw new RangeError(`Cannot use key hash "${name}": ${kind} knows ${keyHashNamesOf(kind).join(", ")}`);
  }
  return found;
}

function libmemcachedConsistent(servers: readonly RingServer[], hash: KeyHash): HashRing {
  // libmemcached changes to the other kind of ring as soon as one server is heavier; the key hash stays.
  const weighted = servers.some(({ weight }) => weight > 1);
  return weighted ? new HashRing(servers.length, hash, weightedKetamaPoints(servers)) : consistentRing(servers, hash);
}

function spymemcachedKetama(servers: readonly RingServer[]): HashRing {
  const weighted = servers.some(({ weight }) => weight > 1);
  const points = weighted ? weightedKetamaPoints(servers) : plainKetamaPoints(servers);
  return new HashRing(servers.length, md5FirstWord, points, "last");
}

function named(servers: readonly PlacementServer[], name: (server: PlacementServer) => string): RingServer[] {
  return servers.map((server) => ({ ringName: name(server), weight: server.weight }));
}

function address({ host, port }: PlacementServer): string {
  return `${host}:${port}`;
}

function hostUnlessDefaultPort(server: PlacementServer): string {
  return server.port === DEFAULT_PORT ? server.host : address(server);
}

function labelOrHost(server: PlacementServer): string {
  return server.name === address(server) ? hostUnlessDefaultPort(server) : server.name;
}

function resolvedOrAddress(server: PlacementServer): string {
  return server.name.includes("/") ? server.name : address(server);
}
