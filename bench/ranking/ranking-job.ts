import { createRandom } from "@kagami/clock";
import { cpuMs } from "../src/process-sample.ts";
import { plainFigure, type Scenario } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { type Contender, withPair } from "./contenders.ts";
import { atLeastFigure, comparePair, digits, fill, fillSortedSet, type LoadCase } from "./load.ts";
import { type Command, RedisClient } from "./redis-client.ts";

const BOARDS = ["stream", "today", "week", "campaign"] as const;
const CONNECTIONS = 50;
const PIPELINE = 4;
const LIMIT = 4;

/**
 * The best script we know that does all of it: the score comes with the write, and the five around are one range.
 */
const SCRIPT = `local call, member, by = redis.call, ARGV[1], ARGV[2]
local replies = {}
for i = 1, #KEYS do
  local key = KEYS[i]
  local score = call('ZINCRBY', key, by, member)
  local rank = call('ZREVRANK', key, member)
  local first = rank - 2
  if first < 0 then first = 0 end
  replies[i] = {score, rank, call('ZREVRANGE', key, first, first + 4, 'WITHSCORES')}
end
return replies`;

/** The same without those around, which a second trip asks for: rows cost much on their way through Lua. */
const RANK_SCRIPT = `local call, member, by = redis.call, ARGV[1], ARGV[2]
local replies = {}
for i = 1, #KEYS do
  local key = KEYS[i]
  replies[i] = {call('ZINCRBY', key, by, member), call('ZREVRANK', key, member)}
end
return replies`;

/** One way to do the job. Each event gets all its replies before the connection sends the next ones. */
interface Way {
  readonly name: "kagami" | "redis-script" | "redis-rank-script" | "redis-multi";
  /** Commands of the first trip, and of the one after it, which needs what the first replied. */
  first(member: string): readonly Command[];
  second?(replies: readonly unknown[]): readonly Command[];
}

const KAGAMI: Way = {
  name: "kagami",
  first: (member) => [["RANK.ADD", member, 1, "BOARDS", BOARDS.length, ...BOARDS, "WITH", "RANK", "AROUND", 5]],
};

const MULTI: Way = {
  name: "redis-multi",
  first: (member) => [
    ["MULTI"],
    ...BOARDS.flatMap((board): Command[] => [
      ["ZINCRBY", board, 1, member],
      ["ZREVRANK", board, member],
    ]),
    ["EXEC"],
  ],
  second: (replies) => {
    const results = replies.at(-1) as readonly unknown[];
    return aroundRanks(BOARDS.map((_, i) => results[2 * i + 1]));
  },
};

function scriptWay(sha: string): Way {
  return { name: "redis-script", first: scriptCall(sha) };
}

function rankScriptWay(sha: string): Way {
  return {
    name: "redis-rank-script",
    first: scriptCall(sha),
    second: (replies) => aroundRanks((replies[0] as readonly unknown[][]).map((pair) => pair[1])),
  };
}

function scriptCall(sha: string): Way["first"] {
  return (member) => [["EVALSHA", sha, BOARDS.length, ...BOARDS, member, 1]];
}

function aroundRanks(ranks: readonly unknown[]): readonly Command[] {
  return ranks.map((rank, i) => {
    const first = Math.max(0, Number(rank) - 2);
    return ["ZREVRANGE", BOARDS[i] as string, first, first + 4, "WITHSCORES"];
  });
}

interface Result {
  readonly perSecond: number;
  readonly cpuUs: number;
}

/** One event into four boards, with rank and neighbours as the answer. */
export const rankingJob: Scenario = {
  name: "ranking",
  summary: "One event into four boards with rank and around-me of five, beside redis-server by scripts and by MULTI",
  run: ({ isSmoke, settings, progress }) =>
    withPair({}, async (pair) => {
      const { redis, kagami, versions } = pair;
      const memberCount = isSmoke ? 500 : 100_000;
      const rounds = settings.rounds ?? (isSmoke ? 1 : 5);
      const seconds = settings.seconds ?? (isSmoke ? 0.1 : 2);
      for (const board of BOARDS) await fillSortedSet(redis, board, memberCount);
      await fill(kagami, memberCount, (i) => {
        return ["RANK.ADD", memberOf(i), (i * 7_919) % memberCount, "BOARDS", BOARDS.length, ...BOARDS];
      });
      progress(`four boards of ${memberCount} members are there`);
      const sha = await loadScript(redis, SCRIPT);
      const figures = await comparePair(pair, jobCase(sha, memberCount), { rounds, seconds, progress });
      const ways: (readonly [Contender, Way])[] = [
        [redis, scriptWay(sha)],
        [redis, rankScriptWay(await loadScript(redis, RANK_SCRIPT))],
        [redis, MULTI],
        [kagami, KAGAMI],
      ];
      const taken = new Map<Way["name"], Result[]>();
      // The first round warms up and does not count.
      for (let round = isSmoke ? 1 : 0; round <= rounds; round++) {
        for (const [server, way] of ways) {
          const result = await runWay(server, way, { milliseconds: 1_000 * seconds, memberCount, seed: round });
          if (round > 0) taken.set(way.name, [...(taken.get(way.name) ?? []), result]);
        }
      }
      const medianOf = (name: Way["name"], pick: (result: Result) => number) =>
        median((taken.get(name) ?? []).map(pick));
      const cpuOf = (name: Way["name"]) => medianOf(name, ({ cpuUs }) => cpuUs);
      const cheapest = Math.min(cpuOf("redis-script"), cpuOf("redis-rank-script"), cpuOf("redis-multi"));
      for (const [, { name }] of ways) {
        figures.push(
          plainFigure(
            name,
            "events",
            medianOf(name, ({ perSecond }) => perSecond),
            "1/s",
          ),
        );
        if (name !== "kagami") figures.push(plainFigure(name, "cpu-per-event", cpuOf(name), "us"));
        else figures.push(atLeastFigure("cpu-per-event", cpuOf(name), "us", cheapest / cpuOf(name), LIMIT));
      }
      const notes = [
        versions,
        `job: redis-benchmark, EVALSHA of the whole job beside RANK.ADD, ${PIPELINE} at once on each connection`,
        `events: ${CONNECTIONS} connections, ${PIPELINE} events at once on each; the load is one process of Node, which is what limits the rate`,
        "cpu-per-event is the server's; its ratio says how many of our events cost as much as one of the cheapest way of redis",
        "MULTI and the script that replies ranks only need a second trip for the neighbours, which may be others by then",
      ];
      return { figures, notes };
    }),
};

/** The job as one command, for redis-benchmark. */
function jobCase(sha: string, memberCount: number): LoadCase {
  return {
    name: "job",
    pipeline: PIPELINE,
    keyCount: memberCount,
    command: KAGAMI.first("member:__rand_int__")[0] as Command,
    redisCommand: scriptCall(sha)("member:__rand_int__")[0] as Command,
    limit: LIMIT,
  };
}

async function loadScript({ port }: Contender, text: string): Promise<string> {
  const client = await RedisClient.connect(port);
  const sha = await client.ask("SCRIPT", "LOAD", text);
  client.close();
  return String(sha);
}

async function runWay(
  server: Contender,
  way: Way,
  plan: { readonly milliseconds: number; readonly memberCount: number; readonly seed: number },
): Promise<Result> {
  const random = createRandom(plan.seed);
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => RedisClient.connect(server.port)));
  let events = 0;
  const cpuBefore = cpuMs(server.pid);
  const startedMs = performance.now();
  const work = async (client: RedisClient): Promise<void> => {
    while (performance.now() - startedMs < plan.milliseconds) {
      const commands: (readonly Command[])[] = Array.from({ length: PIPELINE }, () =>
        way.first(memberOf(Math.floor(random.float() * plan.memberCount))),
      );
      const replies = await client.sendAll(commands.flat());
      for (const reply of replies) if (reply instanceof Error) throw reply;
      if (way.second !== undefined) {
        const size = commands[0]?.length ?? 1;
        const more = commands.flatMap((_, i) => way.second?.(replies.slice(i * size, (i + 1) * size)) ?? []);
        for (const reply of await client.sendAll(more)) if (reply instanceof Error) throw reply;
      }
      events += PIPELINE;
    }
  };
  await Promise.all(clients.map(work));
  const tookMs = performance.now() - startedMs;
  const cpuUs = ((cpuMs(server.pid) - cpuBefore) * 1_000) / events;
  for (const client of clients) client.close();
  return { perSecond: (events * 1_000) / tookMs, cpuUs };
}

function memberOf(index: number): string {
  return `member:${digits(index)}`;
}
