import type { Random } from "@kagami/clock";
import type { MetaReply, MetaRequest } from "../../meta.ts";
import { KeyHistory } from "./key-history.ts";
import type { SimulatedFleet, SimulatedWorker } from "./simulated-fleet.ts";

/** How often clients do what, relative to one another. */
export interface Habits {
  readonly get: number;
  readonly set: number;
  readonly delete: number;
  readonly add: number;
  readonly touch: number;
  readonly cas: number;
  readonly vivify: number;
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** Many clients that use few keys in every way at the same time, and judge what they read. */
export class SimulatedClients {
  /** What was wrong, with when. Empty at the end of a good run. */
  readonly faults: string[] = [];
  opCount = 0;
  hits = 0;
  reads = 0;
  errors = 0;
  /** What `SERVER_ERROR` said. */
  readonly messages = new Set<string>();
  /** Pause between a client's requests, on average. */
  thinkMs = 0.5;
  readonly #fleet: SimulatedFleet;
  readonly #random: Random;
  readonly #pool: string;
  readonly #keys: readonly Uint8Array[];
  readonly #histories: readonly KeyHistory[];
  readonly #choices: readonly (keyof Habits)[];
  #isStopped = false;
  #valueCount = 0;

  /** @param isSeeingEnough See {@link KeyHistory}. */
  constructor(
    fleet: SimulatedFleet,
    pool: string,
    keys: readonly string[],
    clientCount: number,
    habits: Habits,
    isSeeingEnough = true,
  ) {
    this.#fleet = fleet;
    this.#random = fleet.random.fork("clients");
    this.#pool = pool;
    this.#keys = keys.map((key) => ENCODER.encode(key));
    this.#histories = keys.map(() => new KeyHistory(isSeeingEnough));
    this.#choices = (Object.keys(habits) as (keyof Habits)[]).flatMap((habit) =>
      new Array<keyof Habits>(habits[habit]).fill(habit),
    );
    for (let i = 0; i < clientCount; i++) {
      const worker = fleet.workers[i % fleet.workers.length];
      if (worker) fleet.clock.after(this.#random.float(), () => this.#go(worker));
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  #go(worker: SimulatedWorker): void {
    if (this.#isStopped) return;
    this.opCount++;
    const index = this.#random.int(0, this.#keys.length - 1);
    const next = (): void => {
      this.#fleet.clock.after(this.#random.float() * 2 * this.thinkMs, () => this.#go(worker));
    };
    const habit = this.#random.pick(this.#choices);
    switch (habit) {
      case "get":
        this.#read(worker, index, ["v"], next);
        return;
      case "touch":
        this.#read(worker, index, ["T0", "v"], next);
        return;
      case "vivify":
        this.#read(worker, index, ["v", "N1", "s"], next);
        return;
      case "cas":
        this.#read(worker, index, ["v", "c"], (reply) => this.#swap(worker, index, reply, next));
        return;
      case "set":
        this.#change(worker, index, "ms", [], next);
        return;
      case "add":
        this.#change(worker, index, "ms", ["ME"], next);
        return;
      case "delete":
        this.#change(worker, index, "md", [], next);
        return;
      default:
        habit satisfies never;
    }
  }

  #swap(worker: SimulatedWorker, index: number, reply: MetaReply, next: () => void): void {
    const cas = reply.flags.find((flag) => flag.startsWith("c"))?.slice(1);
    if (cas === undefined) next();
    else this.#change(worker, index, "ms", [`C${cas}`], next);
  }

  #read(worker: SimulatedWorker, index: number, flags: readonly string[], next: (reply: MetaReply) => void): void {
    const startMs = this.#fleet.clock.monotonicMs();
    this.reads++;
    worker.request(this.#pool, { verb: "mg", key: this.#key(index), flags }, (reply) => {
      this.#noteErrors(reply);
      // A client that is given the right to recache, or sees that another one was, has found nothing.
      const isEmpty = reply.flags.includes("W") || reply.flags.includes("Z");
      if (reply.code === "VA" && !isEmpty && reply.value) {
        this.hits++;
        this.#judge(index, DECODER.decode(reply.value), startMs);
      }
      next(reply);
    });
  }

  #judge(index: number, value: string, startMs: number): void {
    // The empty item that somebody's vivification left, seen by a reader that does not ask for it.
    if (value === "") return;
    const problem = this.#histories[index]?.judge(value, startMs, this.#fleet.clock.monotonicMs());
    if (problem !== undefined) this.faults.push(`key ${index} at ${this.#fleet.clock.monotonicMs()}: ${problem}`);
  }

  #change(worker: SimulatedWorker, index: number, verb: "ms" | "md", flags: readonly string[], next: () => void): void {
    const { clock } = this.#fleet;
    const history = this.#histories[index];
    const value = verb === "ms" ? `${index}:${++this.#valueCount}` : undefined;
    const change = history?.begin(clock.monotonicMs(), value);
    const request: MetaRequest = { verb, key: this.#key(index), flags };
    worker.request(
      this.#pool,
      value === undefined ? request : { ...request, value: ENCODER.encode(value) },
      (reply) => {
        this.#noteErrors(reply);
        const isDone = reply.code === "HD" || (verb === "md" && reply.code === "NF");
        if (isDone && change) history?.confirm(change, clock.monotonicMs());
        next();
      },
    );
  }

  #noteErrors({ code, message }: MetaReply): void {
    if (code === "SERVER_ERROR") this.messages.add(message ?? "");
    if (code === "SERVER_ERROR" || code === "ERROR" || code === "CLIENT_ERROR") this.errors++;
  }

  #key(index: number): Uint8Array {
    const key = this.#keys[index];
    if (!key) throw new Error(`no key ${index}`);
    return key;
  }
}
