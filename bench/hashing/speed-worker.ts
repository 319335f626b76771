import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import { type DerivingSelector, keySlotHash, type Selector, selectorFactories } from "@kagami/hashing";
import { type KeySet, makeKeys, nodesOf, type PeerName } from "./fleets.ts";

/** What one thread measures. */
export interface SpeedQuestion {
  readonly peer: PeerName;
  readonly nodeCount: number;
  readonly rounds: number;
  /** How long one round takes at least. */
  readonly roundMs: number;
}

/** What it found; see the notes of the scenario. */
export interface SpeedResult {
  readonly lookupNs: number;
  readonly keyHashNs: number;
  readonly buildMs: number;
  readonly deriveMs: number | undefined;
  readonly memoryKb: number;
  /** So that nothing can be optimised away. */
  readonly check: number;
}

const KEY_COUNT = 4_096;
/** Lookups are timed in so many short rounds for each of the builds': the best ones were not interrupted. */
const SHORT_ROUNDS = 25;

parentPort?.postMessage(answer(workerData as SpeedQuestion));

function answer({ peer, nodeCount, rounds, roundMs }: SpeedQuestion): SpeedResult {
  const build = selectorFactories[peer];
  const keys = makeKeys(KEY_COUNT);
  const fleets = Array.from({ length: rounds }, (_, round) => nodesOf(nodeCount, round));
  let check = 0;
  // First, while there is no garbage of builds that a collection might free only later.
  const { selector, memoryKb } = kept(() => build(nodesOf(nodeCount, 0)));
  const buildMs = least(fleets.map((nodes) => elapsedMs(() => build(nodes))));
  const larger = nodesOf(nodeCount + 1, 0);
  const deriveMs =
    "derive" in selector
      ? least(fleets.map(() => elapsedMs(() => (selector as DerivingSelector).derive(larger))))
      : undefined;
  let both = Number.POSITIVE_INFINITY;
  let hashOnly = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds * SHORT_ROUNDS; round++) {
    both = Math.min(
      both,
      nsPerKey(roundMs, () => (check += selectAll(selector, keys))),
    );
    hashOnly = Math.min(
      hashOnly,
      nsPerKey(roundMs, () => (check += hashAll(keys))),
    );
  }
  return { lookupNs: Math.max(0, both - hashOnly), keyHashNs: hashOnly, buildMs, deriveMs, memoryKb, check };
}

function selectAll(selector: Selector, { bytes, starts }: KeySet): number {
  let sum = 0;
  for (let i = 0; i < KEY_COUNT; i++) sum += selector.select(bytes, starts[i] as number, starts[i + 1] as number);
  return sum;
}

function hashAll({ bytes, starts }: KeySet): number {
  let sum = 0;
  for (let i = 0; i < KEY_COUNT; i++) sum ^= keySlotHash(bytes, starts[i] as number, starts[i + 1] as number);
  return sum;
}

/** Goes through all keys again and again for a while. */
function nsPerKey(roundMs: number, goThrough: () => void): number {
  const startMs = performance.now();
  let passes = 0;
  let nowMs = startMs;
  while (nowMs - startMs < roundMs) {
    goThrough();
    passes++;
    nowMs = performance.now();
  }
  return ((nowMs - startMs) * 1e6) / (passes * KEY_COUNT);
}

function least(values: readonly number[]): number {
  return Math.min(...values);
}

function elapsedMs(make: () => Selector): number {
  const startMs = performance.now();
  const { nodeCount } = make();
  const elapsed = performance.now() - startMs;
  if (nodeCount < 1) throw new Error("Cannot measure: nothing was built");
  return elapsed;
}

function kept(make: () => Selector): { selector: Selector; memoryKb: number } {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const used = () => {
    for (let i = 0; i < 3; i++) collect(); // memory of typed arrays is freed by the collection after the one that finds it
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  const selector = make();
  return { selector, memoryKb: Math.max(0, used() - before) / 1_000 };
}
