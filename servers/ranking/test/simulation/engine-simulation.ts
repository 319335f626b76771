import { createRandom, FakeClock, type Random } from "@kagami/clock";
import { type Command, CommandFlag } from "../../src/engine/command.ts";
import { digestValue } from "../../src/engine/digest/store-digest.ts";
import type { Session } from "../../src/engine/session.ts";
import { tick } from "../../src/engine/upkeep.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import type { FileLog } from "../../src/storage/file-log.ts";
import type { SyncPolicy } from "../../src/storage/log-syncer.ts";
import { CommandGrammar } from "../support/command-grammar.ts";
import type { DrivenSession, EngineDriver } from "../support/engine-driver.ts";
import { type LogWorld, makeWorld, readAll } from "../support/log-world.ts";
import { digestAt, engineMaker, type MakeEngine, rebuilt } from "./engine-copy.ts";

const SESSIONS = 5;
const START_MS = 1_700_000_000_000;
/** Commands that say nothing of the store, or end what is tested. */
const LEFT_OUT =
  /^(shutdown|quit|debug|monitor|hello|reset|auth|(p|s)?subscribe|(p|s)?unsubscribe|(acl|client|config|command|info|latency|memory|slowlog|script\|(debug|kill)|bg|save|lastsave|replicaof|slaveof|wait|lolwut|role|rank\.load|win\.load|store\.form|rank\.tick|pfdebug|pfselftest).*)$/;
const POLICIES = ["noeviction", "allkeys-random", "allkeys-lru", "allkeys-lfu", "volatile-ttl", "volatile-random"];
/** Little enough that keys have to go again and again. */
const EVICTION_BYTES = 70_000;

export interface SimulationOptions {
  readonly seed: number;
  /** Makes the copy that follows, which may be spoiled: one that differs must be found. */
  readonly makeFollower?: (hashSeed: number) => MakeEngine;
}

/**
 * A store with some clients on a fake disk, and two copies of it that only see its batches: one from the beginning, one
 * from what a snapshot holds. After every step all three must have the same digest; after a crash the store that is
 * recovered from the log must have the digest that one of its beginnings had.
 */
export class EngineSimulation {
  readonly seed: number;
  stepCount = 0;
  commandCount = 0;
  /** Commands by name, with those in scripts and transactions. */
  readonly commandNames = new Set<string>();
  batchCount = 0;
  rebuildCount = 0;
  crashCount = 0;
  lostBatchCount = 0;
  evictedCount = 0;
  readonly #random: Random;
  readonly #make: MakeEngine;
  readonly #makeFollower: MakeEngine;
  readonly #grammar: CommandGrammar;
  readonly #writes: readonly Command[];
  readonly #reads: readonly Command[];
  readonly #world: LogWorld;
  readonly #policy: SyncPolicy;
  readonly #evictionPolicy: string;
  readonly #digests: string[] = [];
  #log: FileLog;
  #leader: EngineDriver;
  #follower: EngineDriver;
  #rebuilt: EngineDriver;
  #sessions: DrivenSession[] = [];
  #nowMs = START_MS;
  readonly #recent: string[] = [];

  constructor({ seed, makeFollower }: SimulationOptions) {
    this.seed = seed;
    this.#random = createRandom(seed);
    const hashSeed = this.#random.int(0, 2 ** 31 - 1);
    this.#make = engineMaker(hashSeed);
    this.#makeFollower = makeFollower?.(hashSeed) ?? this.#make;
    this.#grammar = new CommandGrammar(this.#random.fork("commands"), () => this.#nowMs, this.#random.int(1, 5));
    this.#world = makeWorld(seed, { shortWrite: 0.02 });
    this.#policy = this.#random.pick(["always", "everysec"]);
    this.#evictionPolicy = this.#random.pick(POLICIES);
    this.#leader = this.#make();
    this.#follower = this.#makeFollower();
    this.#rebuilt = this.#make();
    const known = this.#leader.engine.commands.all.filter(
      ({ name, handler }) => handler !== undefined && !LEFT_OUT.test(name),
    );
    this.#writes = known.filter(({ flags }) => (flags & CommandFlag.write) !== 0);
    this.#reads = known.filter(({ flags }) => (flags & CommandFlag.write) === 0);
    this.#log = this.#openLog();
    this.#digests.push(digestAt(this.#leader, START_MS));
    this.#start();
  }

  /** @throws Error with the seed and the last commands when copies differ or anything else throws. */
  run(stepCount: number): void {
    for (let step = 0; step < stepCount; step++) {
      try {
        this.#step();
      } catch (error) {
        throw new Error(
          `Seed ${this.seed}, step ${this.stepCount}: ${(error as Error).message}\n${this.#recent.join("\n")}`,
          { cause: error },
        );
      }
    }
  }

  #step(): void {
    const random = this.#random;
    this.stepCount++;
    if (random.chance(0.4)) this.#nowMs += random.chance(0.02) ? random.int(1, 200_000) : random.int(1, 120);
    this.#turn();
    this.#compare();
    if (random.chance(0.004)) this.#rebuild();
    if (random.chance(0.05)) this.#world.disk.finishSync();
    if (random.chance(0.003)) this.#crash();
  }

  // The leader

  #start(): void {
    const { engine } = this.#leader;
    this.#sessions = [this.#leader.main];
    while (this.#sessions.length < SESSIONS) this.#sessions.push(this.#leader.connect());
    this.#leader.nowMs = this.#nowMs;
    engine.expiresActively = this.#random.chance(0.8);
    this.#leader.do("CONFIG", "SET", "maxmemory-policy", this.#evictionPolicy);
    engine.maxMemoryBytes = this.#evictionPolicy === "noeviction" ? 0 : EVICTION_BYTES;
  }

  #turn(): void {
    const random = this.#random;
    const { engine } = this.#leader;
    const { statistics } = engine.observer;
    const { evictedKeys } = statistics;
    engine.beginTurn(this.#nowMs, random.nextU32());
    engine.onTime(this.#nowMs);
    if (random.chance(0.03)) tick(engine);
    for (let count = random.int(1, 4); count > 0; count--) {
      const free = this.#sessions.filter(({ session }) => !session.isBlocked);
      if (free.length < 2) engine.blocked.unblock(random.pick(this.#sessions).session, false);
      else for (const words of this.#commands(random.pick(free).session)) this.#execute(words.session, words.args);
    }
    if (engine.endTurn()) this.#replicate(engine.batch.bytes.slice(0, engine.batch.length));
    this.evictedCount += statistics.evictedKeys - evictedKeys;
  }

  #execute(session: Session, args: readonly string[]): string {
    if (session.isBlocked) return "";
    const reply = new ReplyWriter(256);
    this.#recent.push(`${session.id}: ${args.map((arg) => JSON.stringify(arg.slice(0, 120))).join(" ")}`);
    if (this.#recent.length > 12) this.#recent.shift();
    this.#leader.engine.execute(session, this.#leader.argsOf(...args), reply);
    this.commandCount++;
    this.commandNames.add((args[0] as string).toLowerCase());
    return Buffer.from(reply.bytes.subarray(0, reply.length)).toString("latin1");
  }

  /** What a session does next: one command, a part of a transaction, or a value that goes to another key and back. */
  #commands(session: Session): { session: Session; args: readonly string[] }[] {
    const random = this.#random;
    const grammar = this.#grammar;
    const one = (...args: string[]) => [{ session, args }];
    const kind = random.int(0, 99);
    if (session.isQueueing && kind < 25) return one(random.pick(["EXEC", "EXEC", "EXEC", "DISCARD"]));
    if (kind < 3) return one("MULTI");
    if (kind < 4) return one("WATCH", grammar.key(), grammar.key());
    if (kind < 5) return one("SELECT", random.chance(0.8) ? "0" : "1");
    if (kind < 6) return one(random.pick(["SCRIPT", "RANDOMKEY", "DBSIZE"]), "FLUSH");
    if (kind < 8 && !session.isQueueing) return this.#restore(session);
    if (kind < 10) return one("HSET", `h${random.int(0, 1)}`, ...this.#many(200).flatMap((word) => [word, "v"]));
    if (kind < 12) {
      const fields = this.#many(200);
      return one("HPEXPIRE", grammar.key("h"), String(random.int(1, 400)), "FIELDS", String(fields.length), ...fields);
    }
    if (kind < 14) return one("PEXPIRE", grammar.key(), String(random.int(1, 2_000)));
    let command = random.pick(kind < 82 ? this.#writes : this.#reads);
    if (/^flush|^swapdb/.test(command.name) && random.chance(0.95)) command = random.pick(this.#writes);
    return one(...grammar.command(command.facts));
  }

  #many(most: number): string[] {
    return Array.from({ length: this.#random.int(1, most) }, () => this.#grammar.word());
  }

  #restore(session: Session): { session: Session; args: readonly string[] }[] {
    const dumped = this.#execute(session, ["DUMP", this.#grammar.key()]);
    const head = dumped.indexOf("\r\n");
    if (!dumped.startsWith("$") || head < 0 || dumped === "$-1\r\n") return [];
    const ttl = this.#random.chance(0.3) ? "700" : "0";
    return [{ session, args: ["RESTORE", this.#grammar.key(), ttl, dumped.slice(head + 2, -2), "REPLACE"] }];
  }

  // The copies

  #replicate(batch: Uint8Array): void {
    this.batchCount++;
    this.#follower.engine.apply(batch);
    this.#rebuilt.engine.apply(batch);
    this.#log.append(batch, 0, batch.length);
    this.#log.flush();
    this.#digests[this.#log.lastPosition] = digestAt(this.#leader, this.#nowMs);
  }

  #compare(): void {
    const digest = digestAt(this.#leader, this.#nowMs);
    for (const [name, copy] of [
      ["the copy of the batches", this.#follower],
      ["the copy of a snapshot and the batches since", this.#rebuilt],
    ] as const) {
      if (digestAt(copy, this.#nowMs) === digest) continue;
      throw new Error(`${name} differs: ${differenceOf(this.#leader, copy)}`);
    }
  }

  #rebuild(): void {
    this.rebuildCount++;
    this.#rebuilt = rebuilt(this.#random.chance(0.5) ? this.#leader.engine : this.#follower.engine, this.#make);
    this.#compare();
  }

  // The disk

  #openLog(): FileLog {
    return this.#world.open({ clock: new FakeClock(), policy: this.#policy, segmentBytes: 60_000 });
  }

  /** Power is lost, or the process dies: what is found again is a beginning of what was. */
  #crash(): void {
    this.crashCount++;
    const { disk } = this.#world;
    const before = this.#log.lastPosition;
    if (this.#random.chance(0.5)) disk.crash();
    else disk.kill();
    this.#log = this.#openLog();
    const { lastPosition } = this.#log;
    this.lostBatchCount += before - lastPosition;
    const recovered = this.#make();
    for (const batch of readAll(disk, 1, lastPosition)) recovered.engine.apply(batch);
    const found = digestAt(recovered, 0);
    if (found !== this.#digests[lastPosition])
      throw new Error(`what is recovered up to ${lastPosition} is another store`);
    this.#digests.length = lastPosition + 1;
    this.#leader = recovered;
    this.#follower = rebuilt(recovered.engine, this.#makeFollower);
    this.#rebuilt = rebuilt(recovered.engine, this.#make);
    this.#start();
  }
}

/** The keys that differ, some of them. */
function differenceOf(a: EngineDriver, b: EngineDriver): string {
  const [first, second] = [digestsOf(a), digestsOf(b)];
  const names = [...new Set([...first.keys(), ...second.keys()])].filter((key) => first.get(key) !== second.get(key));
  return names
    .slice(0, 5)
    .map((name) => `${name} (${first.get(name)} and ${second.get(name)})`)
    .join(", ");
}

function digestsOf({ engine }: EngineDriver): Map<string, string> {
  const digests = new Map<string, string>();
  for (const keyspace of engine.store.keyspaces) {
    keyspace.forEachRecord((record) => {
      const name = `${keyspace.index}:${Buffer.from(keyspace.keyOf(record)).toString("latin1")}`;
      digests.set(name, `${digestValue(keyspace, record)} expires ${keyspace.expiryOf(record)}`);
    });
  }
  return digests;
}
