import { createRandom, type Random } from "@kagami/clock";
import type { Contender } from "./contenders.ts";
import { type Command, RedisClient } from "./redis-client.ts";

const CONNECTIONS = 8;
const PIPELINE = 32;
/** Keys of each kind: few enough that all are met soon, so that the data set is as large as it gets after the warm-up. */
const KEYS = 400;
const MEMBERS = 300;

/** What the load has done in one window of time. */
export interface LoadSlice {
  readonly writes: number;
  /** Of one trip of 32 writes, in ms. */
  readonly latenciesMs: readonly number[];
}

/** Mixed writes at full speed over some connections, until it is stopped. Data come and go; there is never much. */
export class SoakLoad {
  readonly #clients: RedisClient[];
  readonly #work: Promise<void>;
  #isStopped = false;
  #writes = 0;
  #latenciesMs: number[] = [];

  private constructor(clients: RedisClient[], seed: number) {
    this.#clients = clients;
    this.#work = Promise.all(clients.map((client, i) => this.#run(client, createRandom(seed + i)))).then(
      () => undefined,
    );
    // Whoever stops it hears of a failure; until then it must not end the process.
    this.#work.catch(() => undefined);
  }

  static async start(server: Contender, seed: number): Promise<SoakLoad> {
    const connections = Array.from({ length: CONNECTIONS }, () => RedisClient.connect(server.port));
    return new SoakLoad(await Promise.all(connections), seed);
  }

  /** What was done since the last call. */
  take(): LoadSlice {
    const slice = { writes: this.#writes, latenciesMs: this.#latenciesMs };
    this.#writes = 0;
    this.#latenciesMs = [];
    return slice;
  }

  /** @throws Error of the first write that was refused. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    try {
      await this.#work;
    } finally {
      for (const client of this.#clients) client.close();
    }
  }

  async #run(client: RedisClient, random: Random): Promise<void> {
    while (!this.#isStopped) {
      const commands = Array.from({ length: PIPELINE }, () => commandOf(random));
      const startedMs = performance.now();
      const replies = await client.sendAll(commands);
      this.#latenciesMs.push(performance.now() - startedMs);
      for (const reply of replies) if (reply instanceof Error) throw reply;
      this.#writes += PIPELINE;
    }
  }
}

type Make = (random: Random, key: string, member: string) => Command;

/** Each kind grows and shrinks at about the same rate. */
const MAKERS: readonly Make[] = [
  (random, key) => ["SET", `s${key}`, "v".repeat(1 + below(random, 300))],
  (random, key) => ["SET", `x${key}`, "v".repeat(1 + below(random, 100)), "PX", 1 + below(random, 500)],
  (random, key) => ["SET", `L${key.slice(-1)}`, "v".repeat(5_000 + below(random, 20_000))],
  (random, key) => ["APPEND", `a${key}`, "v".repeat(below(random, 30))],
  (_, key) => ["DEL", `a${key}`],
  (_, key) => ["DEL", `s${key}`, `x${key}`],
  (random, key) => ["PEXPIRE", `s${key}`, 1 + below(random, 1_000)],
  (random, key, member) => ["RPUSH", `l${key}`, member, "v".repeat(below(random, 100))],
  (_, key) => ["LTRIM", `l${key}`, -50, -1],
  (random, key, member) => ["HSET", `h${key}`, member, "v".repeat(below(random, 80))],
  (_, key, member) => ["HDEL", `h${key}`, member],
  (_, key, member) => ["SADD", `m${key}`, member],
  (_, key, member) => ["SREM", `m${key}`, member],
  (random, key, member) => ["ZADD", `z${key}`, random.float(), member],
  (_, key, member) => ["ZINCRBY", `z${key}`, 1, member],
  (_, key, member) => ["ZREM", `z${key}`, member],
  (_, key) => ["DEL", `z${key}`, `h${key}`, `m${key}`],
  (_, key, member) => ["WIN.HIT", `w${key.slice(-1)}`, "MEMBER", member],
  (_, key) => ["DEL", `w${key.slice(-1)}`],
  (random, key, member) => ["RANK.ADD", member, below(random, 100), "BOARDS", 2, `b${key.slice(-1)}`, "ball"],
  (_, key, member) => ["RANK.REM", `b${key.slice(-1)}`, member],
];

function commandOf(random: Random): Command {
  const make = MAKERS[below(random, MAKERS.length)] as Make;
  return make(random, String(below(random, KEYS)), `member:${below(random, MEMBERS)}`);
}

function below(random: Random, limit: number): number {
  return Math.floor(random.float() * limit);
}
