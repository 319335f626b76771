import { writeFile } from "node:fs/promises";
import { recordMachine } from "../src/machine.ts";
import { type Figure, plainFigure, type Scenario, type ScenarioContext } from "../src/scenario.ts";
import { histogramOf } from "./load/histogram.ts";
import { htmlReport } from "./load/html-report.ts";
import { parseKeyChooser } from "./load/keys.ts";
import type { LoadPlan, LoadReport } from "./load/load-plan.ts";
import { parseMix } from "./load/mix.ts";
import { runPlan } from "./load/run-plan.ts";
import { withObjects } from "./servers/kagami.ts";
import type { S3Peer } from "./servers/peer.ts";
import { createBucket } from "./servers/requests.ts";

const DEFAULT_MIX = "put:10KB@100/s,get:10KB@1000/s,head:10KB@50/s,list:100@5/s,delete@10/s";
const SMOKE_MIX = "put:1KB@50/s,get:1KB@100/s,head:1KB@20/s,copy:1KB@5/s,list:10@5/s,delete@10/s";
const CONNECTION_LIMIT = 4_096;
const KEY_LIMIT = 100_000_000;

/** Mixed load with exact rates against any S3 server; ours is started if no `--url` names another. */
export const mix: Scenario = {
  name: "mix",
  summary: "Mixed load of exact rates and sizes against any S3 server (--url, --mix), latency of each kind",
  run: async (context) => {
    const { flags = {} } = context.settings;
    const run = async (peer: S3Peer) => {
      const plan = planOf(peer, context);
      const machine = recordMachine("kagami bench objects mix");
      await createBucket(peer, plan.bucket);
      const report = await runPlan(plan, context.progress);
      if (flags.html !== undefined) {
        const head = { title: `Mixed load on ${peer.name}`, settings: settingsOf(plan), machine: machine() };
        await writeFile(flags.html, htmlReport(head, report));
        context.progress(`report written to ${flags.html}`);
      }
      return { figures: figuresOf(peer.name, report), notes: notesOf(plan, report) };
    };
    return flags.url === undefined ? withObjects({}, run) : run(foreignPeer(flags.url));
  },
};

function foreignPeer(url: string): S3Peer {
  const { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey, AWS_REGION: region } = process.env;
  if (accessKey === undefined || secretKey === undefined)
    throw new Error(`Cannot sign requests to ${url}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`);
  const { host, origin } = new URL(url);
  return { name: host, endpoint: origin, credentials: { accessKey, secretKey, ...(region ? { region } : {}) } };
}

function planOf(peer: S3Peer, { isSmoke, settings }: ScenarioContext): LoadPlan {
  const { flags = {} } = settings;
  const parsed = parseMix(flags.mix ?? (isSmoke ? SMOKE_MIX : DEFAULT_MIX));
  if (typeof parsed === "string") throw new Error(parsed);
  const keyCount = wholeNumber("objects", flags.objects ?? (isSmoke ? "20" : "1000"), KEY_LIMIT);
  const keys = flags.keys ?? "uniform";
  const chooser = parseKeyChooser(keys, keyCount);
  if (typeof chooser === "string") throw new Error(chooser);
  return {
    endpoint: peer.endpoint,
    credentials: peer.credentials,
    bucket: flags.bucket ?? "kagami-bench",
    signing: oneOf("signing", flags.signing ?? "header", ["header", "presigned"]),
    arrivals: oneOf("arrivals", flags.arrivals ?? "even", ["even", "poisson"]),
    ...parsed,
    connections: wholeNumber("connections", flags.connections ?? "32", CONNECTION_LIMIT),
    keyCount,
    keys,
    warmUpMs: 1_000 * Number(flags["warm-up"] ?? (isSmoke ? 0 : 2)),
    durationMs: 1_000 * (settings.seconds ?? (isSmoke ? 0.5 : 20)),
    seed: 1,
    prepares: flags.reuse === undefined,
    prepareFrom: 0,
  };
}

function wholeNumber(name: string, text: string, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new Error(`--${name} takes a whole number from 1 to ${most}, not "${text}"`);
}

function oneOf<Word extends string>(name: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new Error(`--${name} takes ${words.join(" or ")}, not "${text}"`);
}

/** Rates, latencies and errors of each kind of request. */
function figuresOf(peer: string, report: LoadReport): Figure[] {
  const all = report.entries.flatMap(({ name, wantedPerSecond, count, bytes, errors, latency, service }) => {
    const kind = name
      .replace(/[^\w.]+/g, "-")
      .replace(/-$/, "")
      .toLowerCase();
    const histogram = histogramOf(latency);
    const perSecond = (count * 1_000) / report.measuredMs;
    const ms = (share: number) => histogram.percentile(share) / 1_000;
    return [
      {
        ...plainFigure(peer, `${kind}-rate`, perSecond, "1/s"),
        ratio: wantedPerSecond > 0 ? perSecond / wantedPerSecond : null,
      },
      plainFigure(peer, `${kind}-throughput`, bytes / report.measuredMs / 1_000, "MB/s"),
      plainFigure(peer, `${kind}-p50`, ms(0.5), "ms"),
      plainFigure(peer, `${kind}-p99`, ms(0.99), "ms"),
      plainFigure(peer, `${kind}-p99.9`, ms(0.999), "ms"),
      plainFigure(peer, `${kind}-max`, histogram.maxUs / 1_000, "ms"),
      plainFigure(peer, `${kind}-service-p99`, histogramOf(service).percentile(0.99) / 1_000, "ms"),
      ...Object.entries(errors).map(([code, number]) => plainFigure(peer, `${kind}-error-${code}`, number, "1")),
    ];
  });
  return [...all, plainFigure(peer, "load-core", (100 * report.loadCpuMs) / report.measuredMs, "%")];
}

function notesOf({ loop, connections, keys, keyCount }: LoadPlan, { latestStartUs }: LoadReport): string[] {
  const how = loop === "open" ? "latency counts from the instant a request was due" : "latency counts from the sending";
  const late =
    loop === "open" ? [`the generator itself was never later than ${(latestStartUs / 1_000).toFixed(1)} ms`] : [];
  return [`${loop} loop over ${connections} connections, ${keyCount} objects of each size, ${keys}; ${how}`, ...late];
}

function settingsOf(plan: LoadPlan): [string, string][] {
  const { endpoint, loop, connections, keyCount, keys, arrivals, signing, warmUpMs, durationMs } = plan;
  return [
    ["server", endpoint],
    ["loop", loop === "open" ? `open, ${arrivals} arrivals` : "closed"],
    ["connections", String(connections)],
    ["objects of each size", `${keyCount}, ${keys}`],
    ["signatures", signing],
    ["warm-up, measured", `${warmUpMs / 1_000} s, ${durationMs / 1_000} s`],
  ];
}
