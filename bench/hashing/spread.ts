import { selectorFactories } from "@kagami/hashing";
import { type Figure, plainFigure, type Scenario } from "../src/scenario.ts";
import { breathe, chosenPeers, makeKeys, nodesOf, ownersOf, peerTable } from "./fleets.ts";

interface Spread {
  /** Standard deviation of the nodes' shares, against the mean share. */
  readonly deviation: number;
  /** The largest share, against the mean share. */
  readonly peak: number;
}

/** How evenly keys are spread over nodes of equal weight. */
export const spread: Scenario = {
  name: "spread",
  summary: "How evenly keys are spread over nodes of equal weight",
  async run(context) {
    const { isSmoke, settings, progress } = context;
    const keys = makeKeys(isSmoke ? 5_000 : 400_000);
    const keyCount = keys.starts.length - 1;
    const nodeCounts = isSmoke ? [10, 20] : [10, 100, 1_000];
    const fleetsOf = (nodeCount: number) => (isSmoke ? 1 : (settings.rounds ?? (nodeCount === 1_000 ? 1 : 5)));
    const figures: Figure[] = [];
    const rows: { peer: string; cells: string[] }[] = [];
    const add = (peer: string, spreads: readonly Spread[], dice: readonly Spread[]) => {
      for (const [i, { deviation, peak }] of spreads.entries()) {
        const ratio = deviation / (dice[i]?.deviation ?? deviation);
        figures.push({ ...plainFigure(peer, `deviation-${nodeCounts[i]}`, deviation * 100, "%"), ratio });
        figures.push(plainFigure(peer, `peak-${nodeCounts[i]}`, peak, "1"));
      }
      const cells = spreads.flatMap(({ deviation, peak }) => [`${(deviation * 100).toFixed(1)} %`, peak.toFixed(2)]);
      rows.push({ peer, cells });
    };
    const dice = nodeCounts.map((nodeCount) => diceSpread(nodeCount, keyCount));
    add("dice", dice, dice);
    for (const peer of chosenPeers(context)) {
      const spreads: Spread[] = [];
      for (const nodeCount of nodeCounts) {
        const measured: Spread[] = [];
        for (let fleet = 0; fleet < fleetsOf(nodeCount); fleet++) {
          const selector = selectorFactories[peer](nodesOf(nodeCount, fleet));
          measured.push(spreadOf(ownersOf(selector, keys), nodeCount));
          await breathe();
        }
        spreads.push(meanOf(measured));
      }
      progress(`${peer}: ${spreads.map(({ deviation }) => `${(deviation * 100).toFixed(1)} %`).join(", ")}`);
      add(peer, spreads, dice);
    }
    const columns = ["", ...nodeCounts.flatMap((count) => [`sd/mean, ${count} nodes`, "max/mean"])];
    return {
      figures,
      overview: peerTable(columns, rows),
      notes: [
        `${keyCount} keys; means over ${fleetsOf(10)} fleets of different names, at 1,000 nodes ${fleetsOf(1_000)}.`,
        "`dice` is what throwing a fair die for each key gives; nothing that hashes keys can be more even. `ratio` is against it.",
      ],
    };
  },
};

function spreadOf(owners: Uint16Array, nodeCount: number): Spread {
  const counts = new Float64Array(nodeCount);
  for (const owner of owners) counts[owner] = (counts[owner] as number) + 1;
  const mean = owners.length / nodeCount;
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / nodeCount;
  return { deviation: Math.sqrt(variance) / mean, peak: Math.max(...counts) / mean };
}

/** From a seed, so that it is always the same. */
function diceSpread(nodeCount: number, keyCount: number): Spread {
  const owners = new Uint16Array(keyCount);
  let state = 88_172_645;
  for (let i = 0; i < keyCount; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    owners[i] = Math.floor(((state >>> 0) / 2 ** 32) * nodeCount);
  }
  return spreadOf(owners, nodeCount);
}

function meanOf(spreads: readonly Spread[]): Spread {
  const mean = (read: (spread: Spread) => number) => spreads.reduce((sum, one) => sum + read(one), 0) / spreads.length;
  return { deviation: mean(({ deviation }) => deviation), peak: mean(({ peak }) => peak) };
}
