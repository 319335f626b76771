import type { DesiredCluster } from "../engine/cluster-desired.ts";
import type { AgreedState } from "../engine/cluster-state.ts";
import { EMPTY_STATE, fingerprint } from "../engine/cluster-state.ts";

/**
 * Name of the file in which a proxy that was started with `--servers` keeps its state, so that two on one machine have
 * one each.
 *
 * @param listen As in the configuration.
 * @returns `undefined` if the system chooses the port: the next start is not the same proxy then.
 */
export function quickStateName(listen: string): string | undefined {
  if (/:0$/.test(listen)) return undefined;
  return `servers-${listen.replaceAll(/[^\w.-]+/g, "-")}.json`;
}

/**
 * What a proxy with `--servers` goes on from. If they are others than when it stopped, they are a pool of its own, whose
 * servers are used as they are; but one that was out of use then is still, until it was emptied.
 */
export function quickState(stored: AgreedState | undefined, desired: DesiredCluster): AgreedState {
  if (!stored) return EMPTY_STATE;
  const [before] = stored.cluster.config.pools;
  const [now] = desired.pools;
  const basis = stored.overrides[0]?.basis ?? fingerprint(before?.placement);
  if (basis === fingerprint(now?.placement)) return stored;
  const { flaps, lastEjectionMs } = stored;
  const ejected = stored.ejected.map(
    // Nobody uses any server yet, so there is nothing to fence.
    (entry) =>
      ({ ...entry, stage: "down", stageEpoch: 0, reason: entry.reason === "hand" ? "hand" : "votes" }) as const,
  );
  return { ...EMPTY_STATE, ejected, flaps, lastEjectionMs };
}

/** Whether a state says more than `--servers` does, and so has to be kept. */
export function isWorthKeeping({ cluster, ejected }: AgreedState): boolean {
  return cluster.epoch > 1 || ejected.length > 0;
}
