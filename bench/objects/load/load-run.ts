import { createRandom, type Random } from "@kagami/clock";
import { Client } from "undici";
import type { LoadPlan, LoadReport } from "./load-plan.ts";
import { type LoadRequest, RequestMaker } from "./requests.ts";
import { type Outcome, send } from "./send.ts";
import { Tally } from "./tally.ts";
import { pickWeighted } from "./weighted.ts";

/** Requests of the open loop that wait for a connection; beyond it they fail as `BACKLOG`, and say that the rate is too high. */
const BACKLOG_LIMIT = 100_000;
/** What is due sooner is waited for without sleep. */
const SHORTEST_SLEEP_MS = 0.2;
/** How long answers are waited for after the end; who has none then has failed as `UNANSWERED`. */
const LAST_ANSWERS_MS = 10_000;

interface Waiting {
  readonly tally: Tally;
  readonly dueMs: number;
}

/**
 * One run of a plan against one server.
 *
 *     schedule (open) --due--> backlog --+--> free connection --> server
 *     own last answer (closed) ----------+
 *
 * In the open loop the clock says when a request is due. Its latency counts from then, whether it left at once or waited in
 * the backlog because the server had not answered earlier ones: otherwise a server that stops for a second would be asked
 * less in that second and look better for it.
 */
export class LoadRun {
  readonly #plan: LoadPlan;
  readonly #maker: RequestMaker;
  readonly #clients: readonly Client[];
  readonly #free: Client[];
  readonly #tallies: readonly Tally[];
  readonly #random: Random;
  readonly #backlog: Waiting[] = [];
  #backlogAt = 0;
  #measureFromMs = Number.POSITIVE_INFINITY;
  #endMs = Number.POSITIVE_INFINITY;
  readonly #inFlight = new Set<Waiting>();
  #latestStartMs = 0;
  #onIdle: (() => void) | undefined;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#maker = new RequestMaker(plan);
    this.#clients = Array.from(
      { length: plan.connections },
      () => new Client(plan.endpoint, { pipelining: 1, keepAliveTimeout: 600_000, keepAliveMaxTimeout: 600_000 }),
    );
    this.#free = [...this.#clients];
    this.#tallies = plan.entries.map((entry) => new Tally(entry));
    this.#random = createRandom(plan.seed + 2);
  }

  /** Stores what reads will ask for. @throws Error at the first request that fails. */
  async prepare(): Promise<number> {
    const { count, request } = this.#maker.preparation();
    let next = 0;
    const work = this.#clients.map(async (client) => {
      while (next < count) {
        const { code } = await outcomeOf(client, request(next++, Date.now()));
        if (code !== undefined) throw new Error(`Cannot store the objects to read: the server answered ${code}`);
      }
    });
    await Promise.all(work);
    return count;
  }

  async measure(): Promise<LoadReport> {
    const { warmUpMs, durationMs, loop } = this.#plan;
    const startMs = performance.now();
    this.#measureFromMs = startMs + warmUpMs;
    this.#endMs = this.#measureFromMs + durationMs;
    const cpu = process.cpuUsage();
    if (loop === "closed") this.#runClosed();
    else await this.#runOpen(startMs);
    await this.#lastAnswers();
    const { user, system } = process.cpuUsage(cpu);
    return {
      entries: this.#tallies.map((tally) => tally.report()),
      measuredMs: durationMs,
      loadCpuMs: (user + system) / 1_000,
      latestStartUs: this.#latestStartMs * 1_000,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.destroy()));
  }

  #runClosed(): void {
    const weighted = this.#tallies.map((tally) => ({ tally, weight: tally.entry.weight }));
    const goOn = (client: Client): void => {
      const nowMs = performance.now();
      if (nowMs < this.#endMs) this.#start(client, pickWeighted(weighted, this.#random).tally, nowMs, goOn);
    };
    for (const client of this.#free.splice(0)) goOn(client);
  }

  /** Resolves when the last request is due. */
  #runOpen(startMs: number): Promise<void> {
    const schedules = this.#tallies.map((tally, i) => {
      const everyMs = 1_000 / tally.entry.perSecond;
      // Kinds of the same rate do not fall on the same instants.
      return { tally, everyMs, dueMs: startMs + everyMs * ((i + 1) / (this.#tallies.length + 1)) };
    });
    const gap = (everyMs: number): number =>
      this.#plan.arrivals === "even" ? everyMs : -Math.log(1 - this.#random.float()) * everyMs;
    return new Promise((resolve) => {
      const turn = (): void => {
        const nowMs = performance.now();
        for (const schedule of schedules) {
          while (schedule.dueMs <= nowMs && schedule.dueMs < this.#endMs) {
            this.#due({ tally: schedule.tally, dueMs: schedule.dueMs }, nowMs);
            schedule.dueMs += gap(schedule.everyMs);
          }
        }
        if (nowMs >= this.#endMs) {
          resolve();
          return;
        }
        const nextMs = Math.min(...schedules.map(({ dueMs }) => dueMs)) - performance.now();
        // Timers are a millisecond coarse: what is due may leave so much late, which counts as its latency. To wait for it in
        // turns of the event loop took a core from the server, and showed that instead.
        if (nextMs > SHORTEST_SLEEP_MS) setTimeout(turn, nextMs);
        else setImmediate(turn);
      };
      turn();
    });
  }

  #due(waiting: Waiting, nowMs: number): void {
    const client = this.#free.pop();
    if (client !== undefined) {
      if (nowMs >= this.#measureFromMs) this.#latestStartMs = Math.max(this.#latestStartMs, nowMs - waiting.dueMs);
      this.#start(client, waiting.tally, waiting.dueMs, this.#takeNext);
    } else if (this.#backlog.length - this.#backlogAt < BACKLOG_LIMIT) this.#backlog.push(waiting);
    else if (waiting.dueMs >= this.#measureFromMs) waiting.tally.fail("BACKLOG", this.#secondOf(nowMs));
  }

  readonly #takeNext = (client: Client): void => {
    const waiting = this.#backlog[this.#backlogAt];
    if (waiting === undefined) {
      this.#free.push(client);
      return;
    }
    this.#backlogAt++;
    if (this.#backlogAt > 1_000 && this.#backlogAt * 2 > this.#backlog.length) {
      this.#backlog.splice(0, this.#backlogAt);
      this.#backlogAt = 0;
    }
    this.#start(client, waiting.tally, waiting.dueMs, this.#takeNext);
  };

  #start(client: Client, tally: Tally, dueMs: number, onFree: (client: Client) => void): void {
    const request = this.#maker.next(tally.entry, Date.now());
    if (request === undefined) {
      if (dueMs >= this.#measureFromMs) tally.fail("NOTHING_TO_DELETE", this.#secondOf(performance.now()));
      // Not in this turn: a mix of deletes alone must not starve the event loop.
      setImmediate(() => this.#release(client, onFree));
      return;
    }
    const flight: Waiting = { tally, dueMs };
    this.#inFlight.add(flight);
    const sentMs = performance.now();
    send(client, request, ({ code, bytes }: Outcome) => {
      const nowMs = performance.now();
      // Counted by when it was due, so that both loops see as many as fell into the time.
      if (this.#inFlight.delete(flight) && dueMs >= this.#measureFromMs) {
        const second = this.#secondOf(nowMs);
        if (code === undefined) tally.succeed((nowMs - dueMs) * 1_000, (nowMs - sentMs) * 1_000, bytes, second);
        else tally.fail(code, second);
      }
      this.#release(client, onFree);
    });
  }

  #release(client: Client, onFree: (client: Client) => void): void {
    onFree(client);
    if (this.#inFlight.size === 0) this.#onIdle?.();
  }

  #secondOf(nowMs: number): number {
    return Math.max(0, Math.floor((nowMs - this.#measureFromMs) / 1_000));
  }

  async #lastAnswers(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      const ended = () => {
        if (performance.now() >= this.#endMs && this.#inFlight.size === 0) resolve();
      };
      this.#onIdle = ended;
      ended();
      timer = setTimeout(resolve, this.#endMs - performance.now() + LAST_ANSWERS_MS);
    });
    clearTimeout(timer);
    this.#onIdle = undefined;
    const unanswered = [...this.#inFlight, ...this.#backlog.slice(this.#backlogAt)];
    for (const { tally, dueMs } of unanswered) {
      if (dueMs >= this.#measureFromMs) tally.fail("UNANSWERED", this.#secondOf(this.#endMs));
    }
    this.#inFlight.clear();
    this.#backlog.length = 0;
    this.#backlogAt = 0;
  }
}

function outcomeOf(client: Client, request: LoadRequest): Promise<Outcome> {
  return new Promise((resolve) => send(client, request, resolve));
}
