import { cpuMs } from "../src/process-sample.ts";
import { comparedFigure, type Figure, plainFigure, type Scenario, type ScenarioContext } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { Load, preload } from "./load.ts";
import type { LoadRequest } from "./load-protocol.ts";
import { type Subject, withSubjects } from "./subjects.ts";

const CONNECTIONS = 50;
const KEY_COUNT = 20_000;

/** What is measured, and how much of nutcracker's CPU time an operation may take. */
const CASES = [
  { pipeline: 1, valueBytes: 100, limit: 1.2 },
  { pipeline: 1, valueBytes: 1_024, limit: 1.2 },
  { pipeline: 16, valueBytes: 100, limit: 0.5 },
  { pipeline: 16, valueBytes: 1_024, limit: 0.5 },
];

interface Round {
  readonly cpuUs: number;
  readonly perSecond: number;
  readonly loadShare: number;
}

/** CPU time of a proxy for each operation, as the kernel's scheduler counts it, beside nutcracker's in turn. */
export const cpu: Scenario = {
  name: "cpu",
  summary: "CPU time per operation beside nutcracker, 50 connections, 10 % sets, 3 memcached behind",
  run: (context) => withSubjects((subjects) => measure(context, subjects)),
};

async function measure(context: ScenarioContext, subjects: Parameters<Parameters<typeof withSubjects>[0]>[0]) {
  const { isSmoke, settings, progress } = context;
  const rounds = settings.rounds ?? (isSmoke ? 1 : 9);
  const milliseconds = (settings.seconds ?? (isSmoke ? 0.3 : 1.5)) * 1_000;
  const peers = [subjects.nutcracker, subjects.kagami, subjects.direct];
  const figures: Figure[] = [];
  const load = new Load();
  try {
    for (const { pipeline, valueBytes, limit } of CASES) {
      const request = { connections: CONNECTIONS, pipeline, valueBytes, keyCount: KEY_COUNT, perSecond: 0 };
      for (const { ports } of peers) for (const port of ports) await preload(port, KEY_COUNT, valueBytes);
      const taken = new Map<Subject, Round[]>(peers.map((peer) => [peer, []]));
      // The first round warms both up and does not count.
      for (let round = isSmoke ? 1 : 0; round <= rounds; round++) {
        for (const [peer, results] of taken) {
          const result = await measureOnce(load, peer, { ...request, ports: peer.ports, milliseconds });
          if (round > 0) results.push(result);
        }
      }
      const name = `pipeline-${pipeline}-${valueBytes}-bytes`;
      const of = (peer: Subject, pick: (round: Round) => number) => median((taken.get(peer) ?? []).map(pick));
      const reference = of(subjects.nutcracker, ({ cpuUs }) => cpuUs);
      const own = of(subjects.kagami, ({ cpuUs }) => cpuUs);
      progress(`${name}: ${own.toFixed(2)} us beside ${reference.toFixed(2)} us of nutcracker`);
      figures.push(
        plainFigure("nutcracker", `cpu-per-operation-${name}`, reference, "us"),
        comparedFigure("kagami", `cpu-per-operation-${name}`, own, "us", own / reference, limit),
        ...peers.map((peer) =>
          plainFigure(
            peer.name,
            `operations-${name}`,
            of(peer, (round) => round.perSecond),
            "1/s",
          ),
        ),
        ...peers.map((peer) =>
          plainFigure(
            peer.name,
            `load-core-${name}`,
            of(peer, (round) => round.loadShare),
            "1",
          ),
        ),
      );
    }
  } finally {
    await load.stop();
  }
  const notes = [
    subjects.versions,
    "load-core is the share of a core that the load itself took; proxies, servers and load share the machine's cores",
  ];
  return { figures, notes };
}

async function measureOnce(load: Load, { name, pid }: Subject, request: LoadRequest): Promise<Round> {
  const before = pid === 0 ? 0 : cpuMs(pid);
  const { operations, errors, misses, milliseconds, loadCpuMs } = await load.run(request);
  if (errors > 0 || misses > operations / 100) {
    throw new Error(`${name} answered ${errors} errors and ${misses} misses of ${operations} requests`);
  }
  return {
    cpuUs: pid === 0 ? 0 : ((cpuMs(pid) - before) * 1_000) / operations,
    perSecond: (operations * 1_000) / milliseconds,
    loadShare: loadCpuMs / milliseconds,
  };
}
