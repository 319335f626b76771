import { createRandom, type Random } from "@kagami/clock";
import type { Command } from "../../src/engine/command.ts";
import { digestStore } from "../../src/engine/digest/store-digest.ts";
import { tick } from "../../src/engine/upkeep.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { CommandGrammar } from "../support/command-grammar.ts";
import { CLOSED, type DrivenSession, EngineDriver } from "../support/engine-driver.ts";
import { HeapShadow } from "../support/heap-shadow.ts";
import { checkStore } from "../support/store-check.ts";
import { mutated } from "./argument-mutations.ts";
import { countReplies } from "./reply-check.ts";

const SESSIONS = 4;
const SHOWN = 25;
/** These would leave nothing for the others; they come seldom. */
const EMPTYING = /^(flushall|flushdb|swapdb|select|reset|quit|del|unlink|monitor|acl\|setuser|client\|kill|restore)$/;
/** Commands between two looks at everything. */
const CHECK_EVERY = 25;
const MAX_MEMORY_BYTES = 16 << 20;
/** One command may go beyond the limit by what it is given, not by more. */
const MEMORY_BOUND_BYTES = 96 << 20;
/** Slices in which what was deleted is given back at the end. */
const RELEASE_TURNS = 20_000;

/**
 * Commands of every kind in the table against a store with values of every type: half of them as they should be, half
 * spoiled. Nothing may be thrown, every command has one whole reply, a copy of the batches stays the same, the heap and
 * all values agree with what they count, and after FLUSHALL nothing is left.
 */
export class CommandFuzz {
  readonly seed: number;
  commandCount = 0;
  errorCount = 0;
  /** The most keys that were there at once. */
  mostKeys = 0;
  readonly names = new Set<string>();
  readonly #random: Random;
  readonly #grammar: CommandGrammar;
  readonly #leader: EngineDriver;
  readonly #follower: EngineDriver;
  readonly #shadow: HeapShadow;
  readonly #all: readonly Command[];
  readonly #emptyOutsideBytes: number;
  readonly #sessions: DrivenSession[];
  readonly #recent: string[] = [];

  /** @param spoil Breaks something that must be found. */
  constructor(seed: number, spoil: (driver: EngineDriver) => void = () => undefined) {
    this.seed = seed;
    this.#random = createRandom(seed);
    const shell = { randomBytes: (sizeBytes: number): Uint8Array => new Uint8Array(sizeBytes).fill(5) };
    this.#leader = new EngineDriver(seed, { shell });
    this.#follower = new EngineDriver(seed, { shell });
    const { engine } = this.#leader;
    engine.config.load([
      ["enable-debug-command", "yes"],
      ["enable-protected-configs", "no"],
    ]);
    this.#emptyOutsideBytes = engine.store.heap.outsideBytes;
    this.#shadow = new HeapShadow(engine.store.heap);
    spoil(this.#leader);
    this.#grammar = new CommandGrammar(this.#random.fork("commands"), () => this.#leader.nowMs);
    this.#all = engine.commands.all.filter(({ handler }) => handler !== undefined);
    this.#sessions = Array.from({ length: SESSIONS }, () => this.#leader.connect());
  }

  /** @throws Error with the seed and the last commands. */
  run(commandCount: number): void {
    try {
      for (let i = 0; i < commandCount; i++) {
        this.#step();
        if (i % CHECK_EVERY === 0) this.#check();
      }
      this.#check();
      this.#empty();
    } catch (error) {
      const { stack } = error as Error;
      throw new Error(`Seed ${this.seed}, command ${this.commandCount}: ${stack}\n${this.#recent.join("\n")}`, {
        cause: error,
      });
    }
  }

  #step(): void {
    const random = this.#random;
    const { engine } = this.#leader;
    const index = random.int(0, SESSIONS - 1);
    const session = this.#session(index);
    if (random.chance(0.3)) this.#leader.nowMs += random.int(0, 60);
    if (random.chance(0.01)) this.#leader.nowMs += random.int(0, 100_000);
    const command = this.#pick();
    const right = this.#grammar.command(command.facts);
    const words = random.chance(0.5) ? right : mutated(random, right, () => this.#grammar.key());
    this.#execute(session, session.session.isQueueing && random.chance(0.2) ? ["EXEC"] : words);
    this.names.add(command.name);
    // What a command may have set is set back: it must not decide what all others find.
    engine.maxMemoryBytes = MAX_MEMORY_BYTES;
    engine.sessions.unpause();
  }

  #pick(): Command {
    for (;;) {
      const command = this.#random.pick(this.#all);
      if (!EMPTYING.test(command.name) || this.#random.chance(0.02)) return command;
    }
  }

  /** A session that can take a command; one that waits is woken, one that is gone is made anew. */
  #session(index: number): DrivenSession {
    const { engine } = this.#leader;
    const driven = this.#sessions[index] as DrivenSession;
    for (const piece of driven.sent) if (piece !== CLOSED) countReplies(Buffer.from(piece, "latin1"));
    driven.sent.length = 0;
    const { session } = driven;
    if (session.isBlocked) engine.blocked.unblock(session, this.#random.chance(0.5));
    const isUseless = session.isClosing || (!session.isAuthenticated && engine.users.isLoginNeeded);
    const isStuck = session.isMonitoring || session.subscriptionCount > 0 || !session.user.isUnrestricted;
    if (!isUseless && !(isStuck && this.#random.chance(0.2))) return driven;
    engine.disconnect(session);
    if (engine.users.isLoginNeeded || !engine.users.defaultUser.isUnrestricted) this.#resetUsers();
    const fresh = this.#leader.connect();
    this.#sessions[index] = fresh;
    return fresh;
  }

  /** Some command has taken the rights of everybody. */
  #resetUsers(): void {
    const { engine } = this.#leader;
    engine.users.setUser("default", ["reset", "on", "nopass", "~*", "&*", "+@all"]);
  }

  #execute({ session }: DrivenSession, words: readonly string[]): void {
    const { engine } = this.#leader;
    this.#recent.push(`${session.id}: ${words.map((word) => JSON.stringify(word.slice(0, 100))).join(" ")}`);
    if (this.#recent.length > SHOWN) this.#recent.shift();
    const reply = new ReplyWriter(256);
    engine.beginTurn(this.#leader.nowMs, this.#random.nextU32());
    engine.onTime(this.#leader.nowMs);
    if (this.#random.chance(0.02)) tick(engine);
    engine.execute(session, this.#leader.argsOf(...words), reply);
    if (engine.endTurn()) this.#follower.engine.apply(engine.batch.bytes.slice(0, engine.batch.length));
    this.commandCount++;
    if (reply.bytes[0] === 45 && reply.length > 0) this.errorCount++;
    countReplies(reply.bytes, reply.length);
    if (engine.store.graveCount > 0) engine.store.releaseSome(500);
  }

  #check(): void {
    const { store } = this.#leader.engine;
    this.#shadow.check();
    checkStore(store);
    this.mostKeys = Math.max(this.mostKeys, store.keyspaces[0]!.size);
    const used = store.heap.use.reservedBytes + store.heap.outsideBytes;
    if (used > MEMORY_BOUND_BYTES) throw new Error(`${used} bytes are in use`);
    this.#follower.engine.store.advance(store.nowMs);
    if (digestStore(store) !== digestStore(this.#follower.engine.store)) throw new Error("the copy differs");
  }

  /** Nothing may be left of what was there. */
  #empty(): void {
    const { engine } = this.#leader;
    for (const { session } of this.#sessions) engine.disconnect(session);
    this.#resetUsers();
    const last = this.#leader.connect();
    this.#execute(last, ["FLUSHALL"]);
    for (let turn = 0; turn < RELEASE_TURNS && engine.store.graveCount > 0; turn++) engine.store.releaseSome(1_000);
    this.#shadow.check();
    const { heap } = engine.store;
    if (this.#shadow.count > 0) throw new Error(`blocks are left: ${this.#shadow.sizes.slice(0, 20)}`);
    const outside = heap.outsideBytes - this.#emptyOutsideBytes;
    if (outside !== 0) throw new Error(`${outside} bytes outside of the heap are left`);
    if (engine.watches.size !== 0) throw new Error("keys are watched by nobody");
    if (engine.blocked.count !== 0) throw new Error("somebody waits who is gone");
  }
}
