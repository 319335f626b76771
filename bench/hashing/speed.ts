import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { lineChart } from "../src/chart.ts";
import { type ChartFile, type Figure, limitedFigure, plainFigure, type Scenario } from "../src/scenario.ts";
import { chosenPeers, type PeerName, peerTable } from "./fleets.ts";
import type { SpeedQuestion, SpeedResult } from "./speed-worker.ts";

const LOOKUP_LIMIT_NS = 5;

/** How long a lookup and a build take, and how much memory is kept. */
export const speed: Scenario = {
  name: "speed",
  summary: "Time for a lookup and for building, and memory, by the number of nodes",
  async run(context) {
    const { isSmoke, settings, progress } = context;
    const nodeCounts = isSmoke ? [10, 20] : [10, 20, 50, 100, 200, 500, 1_000];
    const shown = isSmoke ? nodeCounts : [10, 100, 1_000];
    const rounds = isSmoke ? 1 : (settings.rounds ?? 5);
    const figures: Figure[] = [];
    const rows: { peer: string; cells: string[] }[] = [];
    const all = new Map<PeerName, SpeedResult[]>();
    for (const peer of chosenPeers(context)) {
      const results: SpeedResult[] = [];
      for (const nodeCount of nodeCounts) {
        const result = await measure({ peer, nodeCount, rounds, roundMs: isSmoke ? 1 : 2 });
        results.push(result);
        figures.push(...figuresOf(peer, nodeCount, result));
      }
      all.set(peer, results);
      rows.push({ peer, cells: cellsOf(results.filter((_, i) => shown.includes(nodeCounts[i] ?? 0))) });
      progress(`${peer}: ${results.map(({ lookupNs }) => lookupNs.toFixed(1)).join(", ")} ns`);
    }
    const columns = [
      "",
      ...shown.map((count) => `ns, ${count} nodes`),
      ...shown.map((count) => `build ms, ${count}`),
      `derive ms, ${shown.at(-1)}`,
      `KB, ${shown.at(-1)}`,
    ];
    return {
      figures,
      overview: peerTable(columns, rows),
      charts: [
        chart("lookup", "Choosing a node, without the key hash", "ns", nodeCounts, all, ({ lookupNs }) => lookupNs),
        chart("build", "Building the placement", "ms", nodeCounts, all, ({ buildMs }) => buildMs),
      ],
      notes: [
        "All are the best of the rounds. ns: a lookup less the key hash, which is the same for all, over 4,096 keys in turn, every algorithm in a thread of its own, so that none slows another's compiled code.",
        "derive: one node added, for algorithms that can make the new placement from the old. KB: what is kept after a garbage collection.",
      ],
    };
  },
};

function chart(
  name: string,
  title: string,
  yLabel: string,
  nodeCounts: readonly number[],
  results: ReadonlyMap<PeerName, readonly SpeedResult[]>,
  read: (result: SpeedResult) => number,
): ChartFile {
  const series = [...results].map(([peer, ofPeer]) => ({
    name: peer,
    points: ofPeer.map((result, i) => ({ x: nodeCounts[i] ?? 0, y: read(result) })),
  }));
  const svg = lineChart({ title, xLabel: "nodes", yLabel, yScale: "logarithmic", series });
  return { fileName: `hashing-${name}.svg`, title, svg };
}

async function measure(question: SpeedQuestion): Promise<SpeedResult> {
  const worker = new Worker(new URL("./speed-worker.ts", import.meta.url), { workerData: question });
  try {
    const [result] = (await once(worker, "message")) as [SpeedResult];
    return result;
  } finally {
    await worker.terminate();
  }
}

function figuresOf(peer: PeerName, nodeCount: number, result: SpeedResult): Figure[] {
  const { lookupNs, keyHashNs, buildMs, deriveMs, memoryKb } = result;
  const lookup = `lookup-${nodeCount}`;
  return [
    peer === "slots"
      ? limitedFigure(peer, lookup, lookupNs, "ns", LOOKUP_LIMIT_NS)
      : plainFigure(peer, lookup, lookupNs, "ns"),
    plainFigure(peer, `key-hash-${nodeCount}`, keyHashNs, "ns"),
    plainFigure(peer, `build-${nodeCount}`, buildMs, "ms"),
    ...(deriveMs === undefined ? [] : [plainFigure(peer, `derive-${nodeCount}`, deriveMs, "ms")]),
    plainFigure(peer, `memory-${nodeCount}`, memoryKb, "KB"),
  ];
}

function cellsOf(results: readonly SpeedResult[]): string[] {
  const last = results.at(-1);
  return [
    ...results.map(({ lookupNs }) => (lookupNs < 1 ? "< 1" : digits(lookupNs))),
    ...results.map(({ buildMs }) => digits(buildMs)),
    last?.deriveMs === undefined ? "" : digits(last.deriveMs),
    digits(last?.memoryKb ?? 0),
  ];
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
