import { type HashNode, selectorFactories } from "@kagami/hashing";
import { lineChart } from "../src/chart.ts";
import { type Figure, limitedFigure, plainFigure, type Scenario, type ScenarioContext } from "../src/scenario.ts";
import {
  breathe,
  changed,
  chosenPeers,
  type KeySet,
  makeKeys,
  nodesOf,
  ownersOf,
  type PeerName,
  peerTable,
} from "./fleets.ts";

/** Shares of all keys that moved. */
interface Moved {
  readonly all: number;
  /** Between two nodes that were there before and after. */
  readonly needless: number;
}

const newNode: HashNode = { name: "new", weight: 1 };

const changes = {
  add: (nodes: HashNode[]) => [...nodes, newNode],
  "remove-last": (nodes: HashNode[]) => nodes.slice(0, -1),
  "remove-middle": (nodes: HashNode[]) => nodes.toSpliced(nodes.length / 2, 1),
  replace: (nodes: HashNode[]) => nodes.toSpliced(nodes.length / 2, 1, newNode),
} as const;
type ChangeName = keyof typeof changes;
const changeNames = Object.keys(changes) as ChangeName[];

/** Which keys move when the fleet changes. */
export const moves: Scenario = {
  name: "moves",
  summary: "How many keys move when a node is added, removed or replaced",
  async run(context) {
    const { isSmoke, progress } = context;
    const keys = makeKeys(isSmoke ? 5_000 : 200_000);
    const nodeCounts = isSmoke ? [10, 20] : [10, 100, 1_000];
    const figures: Figure[] = [];
    const rows = nodeCounts.map((nodeCount) => idealRow(nodeCount));
    const removals = new Map<PeerName, { x: number; y: number }[]>();
    for (const peer of chosenPeers(context)) {
      for (const nodeCount of nodeCounts) {
        const moved = await movedBy(peer, nodeCount, keys, fleetCount(context, nodeCount));
        const cells = changeNames.map((change) => cellOf(moved[change]));
        rows.push({ peer: `${peer}, ${nodeCount} nodes`, cells });
        for (const change of changeNames) figures.push(...figuresOf(peer, `${change}-${nodeCount}`, moved[change]));
        removals.set(peer, [...(removals.get(peer) ?? []), { x: nodeCount, y: moved["remove-middle"].all * 100 }]);
      }
      progress(`${peer} done`);
    }
    const ideal = nodeCounts.map((x) => ({ x, y: 100 / x }));
    const chart = lineChart({
      title: "Keys that move when a node in the middle goes",
      xLabel: "nodes",
      yLabel: "% of the keys",
      yScale: "logarithmic",
      series: [{ name: "ideal", points: ideal }, ...[...removals].map(([name, points]) => ({ name, points }))],
    });
    return {
      figures,
      charts: [{ fileName: "hashing-moves.svg", title: "Keys that move when a node in the middle goes", svg: chart }],
      overview: peerTable(["", "add", "remove last", "remove middle", "replace"], rows),
      notes: [
        `% of ${keys.starts.length - 1} keys that move; in brackets those that move needlessly, between two nodes that were there before and after.`,
        "replace: another node, of another name, at the same position in the list. Algorithms that hash names then move the old node's keys to everyone, and the new node's from everyone. Keep the name, and none of them moves a key.",
        "anchor, memento and slots derive the new placement from the old one, the others are built anew.",
      ],
    };
  },
};

function fleetCount({ isSmoke, settings }: ScenarioContext, nodeCount: number): number {
  return isSmoke ? 1 : (settings.rounds ?? (nodeCount === 1_000 ? 1 : 5));
}

function idealRow(nodeCount: number) {
  const shares = [1 / (nodeCount + 1), 1 / nodeCount, 1 / nodeCount, 1 / nodeCount];
  return { peer: `ideal, ${nodeCount} nodes`, cells: shares.map((share) => percent(share)) };
}

/** Means over several fleets. */
async function movedBy(
  peer: PeerName,
  nodeCount: number,
  keys: KeySet,
  fleets: number,
): Promise<Record<ChangeName, Moved>> {
  const sums = Object.fromEntries(changeNames.map((name) => [name, { all: 0, needless: 0 }])) as Record<
    ChangeName,
    { all: number; needless: number }
  >;
  for (let fleet = 0; fleet < fleets; fleet++) {
    const nodes = nodesOf(nodeCount, fleet);
    const before = selectorFactories[peer](nodes);
    const owners = ownersOf(before, keys);
    for (const change of changeNames) {
      const after = changes[change](nodes);
      const { all, needless } = movedBetween(owners, nodes, ownersOf(changed(peer, before, after), keys), after);
      sums[change].all += all / fleets;
      sums[change].needless += needless / fleets;
      await breathe();
    }
  }
  return sums;
}

function movedBetween(
  from: Uint16Array,
  before: readonly HashNode[],
  to: Uint16Array,
  after: readonly HashNode[],
): Moved {
  const newPositions = new Map(after.map(({ name }, position) => [name, position]));
  const oldPositions = new Map(before.map(({ name }, position) => [name, position]));
  const toNew = Int32Array.from(before, ({ name }) => newPositions.get(name) ?? -1);
  const isOld = Uint8Array.from(after, ({ name }) => Number(oldPositions.has(name)));
  let all = 0;
  let needless = 0;
  for (let i = 0; i < from.length; i++) {
    const expected = toNew[from[i] as number] as number;
    const found = to[i] as number;
    if (expected === found) continue;
    all++;
    if (expected !== -1 && isOld[found] === 1) needless++;
  }
  return { all: all / from.length, needless: needless / from.length };
}

function figuresOf(peer: PeerName, name: string, { all, needless }: Moved): Figure[] {
  const figure = `needless-${name}`;
  return [
    plainFigure(peer, `moved-${name}`, all * 100, "%"),
    peer === "slots"
      ? limitedFigure(peer, figure, needless * 100, "%", 0)
      : plainFigure(peer, figure, needless * 100, "%"),
  ];
}

function cellOf({ all, needless }: Moved): string {
  return needless === 0 ? percent(all) : `${percent(all)} (${percent(needless)})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
}
