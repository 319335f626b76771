import { runTool } from "@kagami/testkit";
import { cpuMs } from "../src/process-sample.ts";
import { type Figure, plainFigure } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { type Contender, type Pair, withClient } from "./contenders.ts";
import type { Command } from "./redis-client.ts";

const CONNECTIONS = 50;
/** A first run that warms up and tells how many requests fill the time. */
const TRIAL_REQUESTS = 4_000;

/** What redis-benchmark sends to a server. `__rand_int__` becomes 12 digits below `keyCount`. */
export interface LoadCase {
  readonly name: string;
  readonly pipeline: number;
  readonly keyCount: number;
  readonly command: Command;
  /** Instead of `command` for the reference, where it has another one for the same. */
  readonly redisCommand?: Command;
  /** At least so many times the reference's requests per second. */
  readonly limit?: number;
}

/** What a server did under a load. */
export interface LoadResult {
  readonly perSecond: number;
  /** CPU time of the server for each request. */
  readonly cpuUs: number;
}

export interface LoadPlan {
  readonly rounds: number;
  readonly seconds: number;
  readonly progress: (text: string) => void;
}

/** redis-benchmark with 50 connections. @throws Error if it says nothing that can be read. */
async function runLoad(server: Contender, load: LoadCase, requests: number): Promise<LoadResult> {
  const command = (server.name === "redis" ? load.redisCommand : undefined) ?? load.command;
  const before = cpuMs(server.pid);
  const { stdout } = await runTool("redis-benchmark", [
    ...["-h", "127.0.0.1", "-p", String(server.port), "-c", String(CONNECTIONS), "-P", String(load.pipeline)],
    ...["-n", String(requests), "-r", String(load.keyCount), "--csv", "-e", ...command.map(String)],
  ]);
  const used = cpuMs(server.pid) - before;
  const perSecond = Number(/^"[^"\n]*","([\d.]+)",/m.exec(stdout)?.[1]);
  if (!(perSecond > 0)) throw new Error(`redis-benchmark said of ${server.name}: ${stdout}`);
  return { perSecond, cpuUs: (used * 1_000) / requests };
}

/** Runs a case on both in turn and gives the figures: requests per second with the bar, CPU time per request. */
export async function comparePair(pair: Pair, load: LoadCase, plan: LoadPlan): Promise<Figure[]> {
  const contenders = [pair.redis, pair.kagami];
  const taken = new Map<Contender, LoadResult[]>(contenders.map((contender) => [contender, []]));
  const requests = new Map<Contender, number>();
  for (const contender of contenders) {
    const { perSecond } = await runLoad(contender, load, TRIAL_REQUESTS);
    requests.set(contender, Math.max(TRIAL_REQUESTS, Math.round(perSecond * plan.seconds)));
  }
  for (let round = 0; round < plan.rounds; round++) {
    // Who goes first changes, so that what one leaves to the other is shared out.
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const result = await runLoad(contender, load, requests.get(contender) ?? TRIAL_REQUESTS);
      taken.get(contender)?.push(result);
    }
  }
  const of = (contender: Contender, pick: (result: LoadResult) => number) =>
    median((taken.get(contender) ?? []).map(pick));
  const name = `${load.name}-pipeline-${load.pipeline}`;
  const [reference, own] = contenders.map((contender) => of(contender, ({ perSecond }) => perSecond));
  const [referenceUs, ownUs] = contenders.map((contender) => of(contender, ({ cpuUs }) => cpuUs));
  if (!reference || !own || !referenceUs || !ownUs) throw new Error(`${name} gave no figures`);
  plan.progress(
    `${name}: ${own.toFixed(0)}/s beside ${reference.toFixed(0)}/s of redis, ${(own / reference).toFixed(2)}x`,
  );
  return [
    plainFigure("redis", `${name}-requests`, reference, "1/s"),
    atLeastFigure(`${name}-requests`, own, "1/s", own / reference, load.limit),
    plainFigure("redis", `${name}-cpu`, referenceUs, "us"),
    { ...plainFigure("kagami", `${name}-cpu`, ownUs, "us"), ratio: ownUs / referenceUs },
  ];
}

/** A figure of ours that has to be at least `limit` times the reference's. */
export function atLeastFigure(figure: string, value: number, unit: string, ratio: number, limit?: number): Figure {
  const plain = { ...plainFigure("kagami", figure, value, unit), ratio };
  return limit === undefined ? plain : { ...plain, bar: `ratio >= ${limit}`, pass: ratio >= limit };
}

const BATCH = 200;

/** Sends `count` commands, pipelined. @throws Error at the first that is refused. */
export async function fill(server: Contender, count: number, commandOf: (index: number) => Command): Promise<void> {
  await withClient(server, async (client) => {
    for (let first = 0; first < count; first += BATCH) {
      const size = Math.min(BATCH, count - first);
      const replies = await client.sendAll(Array.from({ length: size }, (_, i) => commandOf(first + i)));
      const refused = replies.find((reply) => reply instanceof Error);
      if (refused) throw refused;
    }
  });
}

const MEMBERS_AT_ONCE = 50;

/** Fills a sorted set with members of a prefix and 12 digits. */
export function fillSortedSet(server: Contender, key: string, count: number, prefix = "member:"): Promise<void> {
  return fill(server, Math.ceil(count / MEMBERS_AT_ONCE), (index) => {
    const first = index * MEMBERS_AT_ONCE;
    const size = Math.min(MEMBERS_AT_ONCE, count - first);
    // Scores in no order: 7,919 and the count have no common divisor where it matters.
    const pairs = Array.from({ length: size }, (_, i) => [
      ((first + i) * 7_919) % count,
      `${prefix}${digits(first + i)}`,
    ]);
    return ["ZADD", key, ...pairs.flat()];
  });
}

/** As redis-benchmark writes `__rand_int__`. */
export function digits(value: number): string {
  return String(value).padStart(12, "0");
}
