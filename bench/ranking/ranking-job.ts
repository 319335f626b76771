import { createRandom } from "@kagami/clock";
import { cpuMs } from "../src/process-sample.ts";
import { plainFigure, type Scenario } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { type Contender, withPair } from "./contenders.ts";
import { atLeastFigure, digits, fill, fillSortedSet } from "./load.ts";
import { type Command, RedisClient } from "./redis-client.ts";

const BOARDS = ["stream", "today", "week", "campaign"] as const;
const CONNECTIONS = 50;
const PIPELINE = 4;
const LIMIT = 4;

/**
 * The best script we know: one call for all boards; the score comes with the write, and the five around are one range.
 */
const SCRIPT = `local replies = {}
for i = 1, #KEYS do
  local score = redis.call('ZINCRBY', KEYS[i], ARGV[2], ARGV[1])
  local rank = redis.call('ZREVRANK', KEYS[i], ARGV[1])
  local first = rank - 2
  if first < 0 then first = 0 end
  replies[i] = {score, rank, redis.call('ZREVRANGE', KEYS[i], first, first + 4, 'WITHSCORES')}
end
return replies`;

/** One way to do the job. Each event gets all its replies before the connection sends the next ones. */
interface Way {
  readonly name: "kagami" | "redis-script" | "redis-multi";
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
    return BOARDS.map((board, i) => {
      const first = Math.max(0, Number(results[2 * i + 1]) - 2);
      return ["ZREVRANGE", board, first, first + 4, "WITHSCORES"];
    });
  },
};

function scriptWay(sha: string): Way {
  return { name: "redis-script", first: (member) => [["EVALSHA", sha, BOARDS.length, ...BOARDS, member, 1]] };
}

interface Result {
  readonly perSecond: number;
  readonly cpuUs: number;
}

/** One event into four boards, with rank and neighbours as the answer. */
export const rankingJob: Scenario = {
  name: "ranking",
  summary: "One event into four boards with rank and around-me of five, beside redis-server by script and by MULTI",
  run: ({ isSmoke, settings, progress }) =>
    withPair({}, async ({ redis, kagami, versions }) => {
      const memberCount = isSmoke ? 500 : 100_000;
      const rounds = settings.rounds ?? (isSmoke ? 1 : 5);
      const milliseconds = (settings.seconds ?? (isSmoke ? 0.1 : 2)) * 1_000;
      for (const board of BOARDS) await fillSortedSet(redis, board, memberCount);
      await fill(kagami, memberCount, (i) => {
        return ["RANK.ADD", memberOf(i), (i * 7_919) % memberCount, "BOARDS", BOARDS.length, ...BOARDS];
      });
      progress(`four boards of ${memberCount} members are there`);
      const ways: (readonly [Contender, Way])[] = [
        [redis, scriptWay(await loadScript(redis))],
        [redis, MULTI],
        [kagami, KAGAMI],
      ];
      const taken = new Map<Way["name"], Result[]>();
      // The first round warms up and does not count.
      for (let round = isSmoke ? 1 : 0; round <= rounds; round++) {
        for (const [server, way] of ways) {
          const result = await runWay(server, way, { milliseconds, memberCount, seed: round });
          if (round > 0) taken.set(way.name, [...(taken.get(way.name) ?? []), result]);
        }
      }
      const perSecond = (name: Way["name"]) => median((taken.get(name) ?? []).map((result) => result.perSecond));
      const best = Math.max(perSecond("redis-script"), perSecond("redis-multi"));
      const figures = ways.flatMap(([, { name }]) => [
        name === "kagami"
          ? atLeastFigure("events", perSecond(name), "1/s", perSecond(name) / best, LIMIT)
          : plainFigure(name, "events", perSecond(name), "1/s"),
        plainFigure(name, "cpu-per-event", median((taken.get(name) ?? []).map(({ cpuUs }) => cpuUs)), "us"),
      ]);
      const notes = [
        versions,
        `${CONNECTIONS} connections, ${PIPELINE} events at once on each; the load is one process of Node`,
        "The ratio is to the better of the two ways of redis; MULTI needs a second trip for the neighbours",
      ];
      return { figures, notes };
    }),
};

async function loadScript({ port }: Contender): Promise<string> {
  const client = await RedisClient.connect(port);
  const sha = await client.ask("SCRIPT", "LOAD", SCRIPT);
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
