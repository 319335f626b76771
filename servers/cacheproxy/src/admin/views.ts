import type { Clock } from "@kagami/clock";
import type { Agreement } from "../control/agreement.ts";
import type { ControlPlane } from "../control/control-plane.ts";
import type { Decider } from "../control/decider.ts";
import type { DesiredSource } from "../control/desired-source.ts";
import type { Prober } from "../control/prober.ts";
import type { Move, Placement, Pool, ServerSpec } from "../engine/cluster.ts";
import { serverAddress, serversOfPool } from "../engine/cluster-state.ts";
import type { MoveCoordinator, MoveProgress } from "../engine/policies/move-coordinator.ts";
import type { ReportedCounts } from "./reported-counts.ts";

/** What the admin API shows from. */
export interface AdminParts {
  readonly plane: ControlPlane;
  readonly agreement: Agreement;
  readonly source: DesiredSource;
  readonly prober: Prober;
  readonly decider: Decider;
  readonly counts: ReportedCounts;
  readonly moves: MoveCoordinator;
  readonly clock: Clock;
}

/** The overview; API.md describes it. */
export function describeStatus(parts: AdminParts) {
  const { plane, agreement, source, decider, counts } = parts;
  const { current } = plane;
  return {
    proxyId: plane.proxyId,
    epoch: current.epoch,
    isLeader: agreement.isLeader,
    members: agreement.isLeader ? describeMembers(parts) : undefined,
    agreementTrouble: agreement.trouble,
    configProblem: source.problem,
    pending: decider.pending,
    workers: counts.workers,
    pools: current.config.pools.map((pool) => describePool(pool, parts)),
    routes: current.config.routes.map((route) => ({ ...route, recent: counts.routeRates(route.pool, route.prefix) })),
    moves: current.moves.map((move) => describeMove(move, parts)),
  };
}

function describeMembers({ plane, agreement, prober, counts }: AdminParts) {
  const appliedEpoch = Math.min(plane.current.epoch, ...counts.workers.map((worker) => worker.epoch));
  const own = { id: plane.proxyId, appliedEpoch, votes: prober.votes() };
  return [own, ...agreement.others.map(({ id, appliedEpoch: epoch, votes }) => ({ id, appliedEpoch: epoch, votes }))];
}

export function describePool(pool: Pool, parts: AdminParts) {
  const { plane, counts } = parts;
  const servers = serversOfPool(plane.current, pool);
  return {
    name: pool.name,
    placement: pool.placement.kind,
    hash: pool.placement.hash,
    options: pool.options,
    isMoving: plane.current.moves.some((move) => move.pool === pool.name),
    servers: servers.map((server) => describeServer(server, parts)),
    topKeys: counts.topKeys(pool.name).slice(0, 5).map(describeKey),
  };
}

function describeServer(server: ServerSpec, { plane, prober, counts }: AdminParts) {
  const address = serverAddress(server);
  const ejected = plane.state.ejected.find((entry) => entry.address === address);
  const flaps = plane.state.flaps.find((flap) => flap.address === address);
  const view = prober.view(address);
  return {
    name: server.name,
    address,
    weight: server.weight,
    tls: server.tls,
    state: ejected?.stage ?? "in use",
    ejectedSinceMs: ejected?.sinceMs,
    ejectedBecause: ejected?.reason,
    recentEjections: flaps?.count ?? 0,
    vote: view?.vote ?? "unknown",
    probeMs: view?.roundTripMs,
    probeFailure: view?.lastFailure,
    now: counts.serverNow(address),
    recent: counts.serverRates(address),
  };
}

export function describeMove(move: Move, { plane, agreement, moves, clock }: AdminParts) {
  const { pool, doneBelow, movingBelow, windowSinceMs } = move;
  const isPaused = plane.state.pausedMoves.includes(pool);
  const out = new Set(plane.state.ejected.map((entry) => entry.address));
  const waitsFor = [...move.from.servers, ...move.to.servers].map(serverAddress).filter((address) => out.has(address));
  return {
    pool,
    from: describePlacement(move.from),
    to: describePlacement(move.to),
    doneSlots: doneBelow,
    movingSlots: movingBelow - doneBelow,
    totalSlots: 65_536,
    windowSinceMs,
    isPaused,
    waitsFor: [...new Set(waitsFor)],
    isAborted: plane.state.abortedMoves.includes(pool),
    // Only the leader gathers the reads of all proxies.
    ...(agreement.isLeader ? forecast(moves.progress(move, clock.wallMs())) : {}),
  };
}

function forecast({ hitsFromShare, remainingMs }: MoveProgress) {
  return { hitsFromShare, remainingMs };
}

function describePlacement({ kind, hash, servers }: Placement) {
  return { placement: kind, hash, servers: servers.map(({ name, weight }) => ({ name, weight })) };
}

/** A key for people: as text if it is any, else in base64 too. */
export function describeKey({ keyBase64, perSecond }: { readonly keyBase64: string; readonly perSecond: number }) {
  const bytes = Buffer.from(keyBase64, "base64");
  const text = bytes.toString("utf8");
  const isText = Buffer.from(text).equals(bytes);
  return { key: isText ? text : undefined, keyBase64, perSecond };
}
