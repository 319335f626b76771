import { Args } from "../protocol/args.ts";
import { type Command, CommandFlag } from "./command.ts";
import type { Engine } from "./engine.ts";
import { Eviction, type EvictionOutcome } from "./eviction.ts";
import { EventClass } from "./key-events.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Session } from "./session.ts";

const UNLINK = Uint8Array.from([85, 78, 76, 73, 78, 75]);

/** Taken between MULTI and EXEC though there is no memory left. */
const ENDS_QUEUEING: ReadonlySet<string> = new Set(["discard", "quit", "reset"]);

/**
 * Keeps memory below `maxmemory`. What is evicted goes into the batch as UNLINK, in front of the command that needed the
 * room, so that every copy removes the same keys; while the log is applied nothing is evicted.
 */
export class MemoryLimit {
  readonly eviction: Eviction;
  readonly #engine: Engine;
  readonly #unlink = new Args();

  constructor(engine: Engine) {
    this.#engine = engine;
    const { store, clockUs } = engine;
    this.eviction = new Eviction({ store, clockUs, evict: (keyspace, record) => this.#evict(keyspace, record) });
  }

  /** Evicts what is needed. Returns whether the command may go on: there is room, or it needs none. */
  makeRoom(session: Session, command: Command): boolean {
    if (this.evict() !== "nothing-left") return true;
    if ((command.flags & CommandFlag.denyOom) !== 0) return false;
    if (!session.isQueueing) return true;
    // EXEC stands for what it will do; whatever else is queued takes memory too.
    if (command.name === "exec") return (session.queuedFlags & CommandFlag.denyOom) === 0;
    return ENDS_QUEUEING.has(command.name);
  }

  /**
   * Evicts until memory is below the limit. Not while the log is applied or cannot be written, inside a command, or while
   * clients pause.
   */
  evict(): EvictionOutcome {
    const engine = this.#engine;
    const { nowMs } = engine.store;
    if (
      !engine.isLogging ||
      engine.writeRefusal !== "" ||
      engine.currentSession !== undefined ||
      engine.sessions.isPaused(nowMs)
    )
      return "below";
    const { maxMemoryBytes, store } = engine;
    // Without a limit of memory nobody has said that keys may go.
    const isOver = maxMemoryBytes > 0 && store.usedBytes > maxMemoryBytes;
    if (!isOver) return store.heap.isNearlyFull ? "nothing-left" : "below";
    const startUs = engine.clockUs();
    const outcome = this.eviction.run(engine.maxMemoryBytes);
    engine.observer.latency.add("eviction-cycle", nowMs, (engine.clockUs() - startUs) / 1_000);
    engine.observer.statistics.noteEviction(outcome, nowMs);
    return outcome;
  }

  #evict(keyspace: Keyspace, record: number): void {
    const engine = this.#engine;
    const key = keyspace.keyOf(record).slice();
    keyspace.delete(record);
    engine.observer.statistics.evictedKeys++;
    this.#unlink.assign([UNLINK, key]);
    engine.batch.add(keyspace.index, this.#unlink);
    engine.keyChanged(keyspace.index, key, 0, key.length, "evicted", EventClass.evicted);
  }
}
