import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TimerClock } from "@kagami/clock";
import { FakeConsulStore, type FakeKv, type FakeService, type FakeSession } from "./fake-consul-store.ts";

/** A running fake of a Consul agent. */
export interface FakeConsul {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  readonly store: FakeConsulStore;
  /** Blocking queries that hang now. */
  readonly hangingCount: number;
  /** A further address of the same agent, whose connections can be cut apart from the others'. */
  addDoor(): Promise<FakeConsulDoor>;
  close(): Promise<void>;
}

/** One address of the fake; what is behind it can be cut off. */
export interface FakeConsulDoor {
  readonly url: string;
  /** Breaks every connection, and every new one until {@link mend}. */
  cut(): void;
  mend(): void;
}

const VALUE_LIMIT_BYTES = 524_288;
const DEFAULT_WAIT_MS = 300_000;
const WAIT_LIMIT_MS = 600_000;
const TTL_LIMITS_MS = [10_000, 86_400_000] as const;

/**
 * Starts a fake of Consul's HTTP API: KV (get, recurse, keys, raw, cas, acquire, release, delete), sessions with TTL,
 * lock-delay and both behaviours, health of services; blocking queries with index and wait. One agent, no ACLs, no
 * data centres. Written from the API's documentation, and not compared with a real Consul.
 *
 * @param clock Lets waits, TTLs and lock-delays pass.
 * @see https://developer.hashicorp.com/consul/api-docs/kv
 * @see https://developer.hashicorp.com/consul/api-docs/session
 * @see https://developer.hashicorp.com/consul/api-docs/health
 * @see https://developer.hashicorp.com/consul/api-docs/features/blocking
 */
export async function startFakeConsul(clock: TimerClock): Promise<FakeConsul> {
  const store = new FakeConsulStore(clock);
  const agent = new FakeAgent(store, clock);
  const doors: Door[] = [];
  const addDoor = async (): Promise<Door> => {
    const door = new Door(agent);
    await door.open();
    doors.push(door);
    return door;
  };
  const main = await addDoor();
  return {
    url: main.url,
    store,
    get hangingCount() {
      return agent.hangingCount;
    },
    addDoor,
    close: async () => {
      store.close();
      await Promise.all(doors.map((door) => door.close()));
    },
  };
}

class Door implements FakeConsulDoor {
  readonly #sockets = new Set<Socket>();
  readonly #server;
  #isCut = false;
  #port = 0;

  constructor(agent: FakeAgent) {
    this.#server = createServer((request, response) => void agent.handle(request, response));
    this.#server.on("connection", (socket: Socket) => {
      if (this.#isCut) socket.destroy();
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

interface Query {
  readonly method: string;
  readonly path: string;
  readonly search: URLSearchParams;
  readonly body: Buffer;
}

/** What is answered; `index` only where the endpoint supports blocking. */
interface Answer {
  readonly status: number;
  readonly json?: unknown;
  readonly raw?: Uint8Array;
  readonly index?: number;
}

class FakeAgent {
  readonly #store: FakeConsulStore;
  readonly #clock: TimerClock;
  hangingCount = 0;

  constructor(store: FakeConsulStore, clock: TimerClock) {
    this.#store = store;
    this.#clock = clock;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://consul");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const query = {
      method: request.method ?? "GET",
      path: decodeURIComponent(url.pathname),
      search: url.searchParams,
      body,
    };
    let answer: Answer;
    try {
      answer = await this.#answer(query, response);
    } catch (error) {
      answer = { status: 500, raw: Buffer.from(error instanceof Error ? error.message : String(error)) };
    }
    if (response.destroyed) return;
    const headers: Record<string, string> = {};
    if (answer.index !== undefined) {
      headers["x-consul-index"] = String(answer.index);
      headers["x-consul-knownleader"] = "true";
      headers["x-consul-lastcontact"] = "0";
    }
    if (answer.json !== undefined) headers["content-type"] = "application/json";
    response.writeHead(answer.status, headers);
    response.end(answer.json !== undefined ? JSON.stringify(answer.json) : answer.raw);
  }

  async #answer(query: Query, response: ServerResponse): Promise<Answer> {
    const { method, path } = query;
    if (path.startsWith("/v1/kv/")) {
      const key = path.slice("/v1/kv/".length);
      if (method === "GET") return await this.#blocking(query, response, () => this.#getKv(key, query.search));
      return method === "PUT" ? this.#putKv(key, query) : this.#deleteKv(key, query.search);
    }
    if (path.startsWith("/v1/health/service/") && method === "GET") {
      const name = path.slice("/v1/health/service/".length);
      return await this.#blocking(query, response, () => this.#health(name, query.search));
    }
    if (path.startsWith("/v1/session/")) return this.#session(path.slice("/v1/session/".length), query);
    return { status: 404, raw: Buffer.from("no such endpoint") };
  }

  /** Answers when the index has gone beyond the given one, or the wait is over. */
  async #blocking({ search }: Query, response: ServerResponse, read: () => Answer): Promise<Answer> {
    const after = Number(search.get("index") ?? 0);
    let answer = read();
    if (after === 0 || (answer.index ?? 0) > after) return answer;
    const restoreCount = this.#store.restoreCount;
    const waitMs = Math.min(WAIT_LIMIT_MS, durationMs(search.get("wait") ?? "", DEFAULT_WAIT_MS));
    let isOver = false;
    this.hangingCount++;
    // As in Consul an index above all that was given out hangs, too; but a restore ends every wait.
    while (
      !isOver &&
      (answer.index ?? 0) <= after &&
      this.#store.restoreCount === restoreCount &&
      !response.destroyed
    ) {
      isOver = await new Promise<boolean>((resolve) => {
        const end = (): void => finish(true);
        const timer = this.#clock.after(waitMs + waitMs / 16, end);
        const stop = this.#store.onNextWrite(() => finish(false));
        response.once("close", end);
        const finish = (hasEnded: boolean): void => {
          timer.cancel();
          stop();
          response.off("close", end);
          resolve(hasEnded);
        };
      });
      answer = read();
    }
    this.hangingCount--;
    return answer;
  }

  #getKv(key: string, search: URLSearchParams): Answer {
    const isList = search.has("recurse") || search.has("keys");
    const { entries, index } = isList ? this.#store.list(key) : this.#exact(key);
    if (entries.length === 0) return { status: 404, index };
    if (search.has("keys")) return { status: 200, json: entries.map((entry) => entry.key), index };
    if (search.has("raw")) return { status: 200, raw: entries[0]?.value ?? new Uint8Array(), index };
    return { status: 200, json: entries.map(kvJson), index };
  }

  #exact(key: string): { entries: FakeKv[]; index: number } {
    const entry = this.#store.kv(key);
    return entry ? { entries: [entry], index: entry.modifyIndex } : { entries: [], index: this.#store.list(key).index };
  }

  #putKv(key: string, { search, body }: Query): Answer {
    if (body.length > VALUE_LIMIT_BYTES) {
      const text = `Request body(${body.length} bytes) too large, max size: ${VALUE_LIMIT_BYTES} bytes.`;
      return { status: 413, raw: Buffer.from(text) };
    }
    if (key === "") return { status: 400, raw: Buffer.from("Missing key name") };
    const cas = search.get("cas");
    const options = {
      flags: Number(search.get("flags") ?? 0),
      cas: cas === null ? undefined : Number(cas),
      acquire: search.get("acquire") ?? undefined,
      release: search.get("release") ?? undefined,
    };
    return { status: 200, json: this.#store.put(key, body, options) };
  }

  #deleteKv(key: string, search: URLSearchParams): Answer {
    const cas = search.get("cas");
    return {
      status: 200,
      json: this.#store.delete(key, search.has("recurse"), cas === null ? undefined : Number(cas)),
    };
  }

  #health(name: string, search: URLSearchParams): Answer {
    const { instances, index } = this.#store.service(name);
    const wanted = search.has("passing") ? instances.filter(isPassing) : instances;
    return { status: 200, json: wanted.map(serviceJson), index };
  }

  #session(rest: string, { method, body }: Query): Answer {
    const [action = "", id = ""] = rest.split("/");
    if (action === "create" && method === "PUT") return this.#createSession(body);
    if (action === "renew" && method === "PUT") {
      const session = this.#store.renewSession(id);
      if (!session) return { status: 404, raw: Buffer.from(`Session id '${id}' not found`) };
      return { status: 200, json: [sessionJson(session)] };
    }
    if (action === "destroy" && method === "PUT") {
      this.#store.destroySession(id);
      return { status: 200, json: true };
    }
    const all = this.#store.sessions;
    if (action === "info") return { status: 200, json: all.filter((one) => one.id === id).map(sessionJson), index: 1 };
    if (action === "list") return { status: 200, json: all.map(sessionJson), index: 1 };
    return { status: 404, raw: Buffer.from("no such endpoint") };
  }

  #createSession(body: Buffer): Answer {
    const asked = (body.length > 0 ? JSON.parse(body.toString("utf8")) : {}) as Record<string, string>;
    const ttlMs = durationMs(asked.TTL ?? "", 0);
    const [leastMs, mostMs] = TTL_LIMITS_MS;
    if (ttlMs !== 0 && (ttlMs < leastMs || ttlMs > mostMs)) {
      return { status: 500, raw: Buffer.from(`Invalid Session TTL '${ttlMs * 1e6}', must be between [10s=24h0m0s]`) };
    }
    const behavior = asked.Behavior ?? "release";
    if (behavior !== "release" && behavior !== "delete") {
      return { status: 500, raw: Buffer.from(`Invalid Behavior setting '${behavior}'`) };
    }
    const lockDelayMs = Math.min(60_000, durationMs(asked.LockDelay ?? "", 15_000));
    const session = this.#store.createSession({ name: asked.Name ?? "", behavior, ttlMs, lockDelayMs });
    return { status: 200, json: { ID: session.id } };
  }
}

function isPassing({ status }: FakeService): boolean {
  return (status ?? "passing") === "passing";
}

function kvJson(entry: FakeKv): Record<string, unknown> {
  return {
    LockIndex: entry.lockIndex,
    Key: entry.key,
    Flags: entry.flags,
    Value: entry.value.length === 0 ? null : Buffer.from(entry.value).toString("base64"),
    ...(entry.session === undefined ? {} : { Session: entry.session }),
    CreateIndex: entry.createIndex,
    ModifyIndex: entry.modifyIndex,
  };
}

function sessionJson(session: FakeSession): Record<string, unknown> {
  return {
    ID: session.id,
    Name: session.name,
    Node: "fake",
    LockDelay: session.lockDelayMs * 1e6,
    Behavior: session.behavior,
    TTL: session.ttlMs === 0 ? "" : `${session.ttlMs / 1_000}s`,
    NodeChecks: ["serfHealth"],
    ServiceChecks: null,
    CreateIndex: session.createIndex,
    ModifyIndex: session.createIndex,
  };
}

function serviceJson(service: FakeService): Record<string, unknown> {
  const node = { ID: "fake", Node: "fake", Address: "127.0.0.1", Datacenter: "dc1" };
  return {
    Node: node,
    Service: {
      ID: service.id,
      Service: service.service,
      Tags: [],
      Address: service.address,
      Port: service.port,
      Meta: service.meta ?? {},
      Weights: { Passing: service.weight ?? 1, Warning: 1 },
    },
    Checks: [
      { Node: "fake", CheckID: "serfHealth", Name: "Serf Health Status", Status: "passing", ServiceID: "" },
      {
        Node: "fake",
        CheckID: `service:${service.id}`,
        Name: "check",
        Status: service.status ?? "passing",
        ServiceID: service.id,
      },
    ],
  };
}

/** Reads Go's durations as far as the API uses them: `10s`, `5m`, `1500ms`. */
function durationMs(text: string, initialMs: number): number {
  const match = /^([\d.]+)(ms|s|m|h)$/.exec(text);
  if (!match) return initialMs;
  const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as "ms" | "s" | "m" | "h"];
  return Number(match[1]) * unitMs;
}
