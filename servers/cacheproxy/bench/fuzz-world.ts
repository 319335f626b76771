import type { Random } from "@kagami/clock";
import type { ClientConnection } from "../src/engine/client.ts";
import type { Cluster, ServerSpec } from "../src/engine/cluster.ts";
import { DataPath, type DataPathLimits, type PolicyMaker } from "../src/engine/data-path.ts";
import { type PoolPolicy, SLOW } from "../src/engine/pool-policy.ts";
import type { UpstreamConnection } from "../src/engine/upstream.ts";
import type { Wire } from "../src/engine/wire.ts";
import { HonestServer } from "./fuzz-honest-server.ts";

export const FUZZ_LIMITS: DataPathLimits = {
  clientRequestLimit: 64,
  clientBufferBytes: 65_536,
  maxValueBytes: 16_384,
  maxKeysPerGet: 100,
  maxHeldBytes: 1 << 20,
  serverBufferBytes: 65_536,
  serverRequestLimit: 256,
  holdUs: 0,
  connectTimeoutUs: 1_000_000,
  reconnectUs: 1_000,
  reconnectMaxUs: 1_000,
  clientIdleUs: 0,
};

const TIMEOUT_MS = 100;

/** A wire that takes everything; what is written is kept until the world looks at it. */
class FuzzWire implements Wire {
  written: Uint8Array[] = [];
  writtenBytes = 0;
  isPaused = false;
  isEnded = false;

  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isEnded) return true;
    this.written.push(bytes.slice(start, end));
    this.writtenBytes += end - start;
    return true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isEnded = true;
  }

  take(): Uint8Array[] {
    const taken = this.written;
    this.written = [];
    this.writtenBytes = 0;
    return taken;
  }
}

/** One client of the world and everything it was told. */
export interface FuzzClient {
  readonly connection: ClientConnection;
  readonly wire: FuzzWire;
  told: string;
}

/** What server 1 says instead of its own reply; `undefined` for its own. */
export type Spoiler = (reply: Uint8Array) => Uint8Array;

interface Link {
  readonly upstream: UpstreamConnection;
  readonly wire: FuzzWire;
  readonly server: HonestServer;
  readonly port: number;
}

/**
 * A data path with two servers and any number of clients, without sockets or time of its own. Keys that begin with `b:`
 * belong to server 0, which is always honest; those of others to both. Every fourth key takes the slow path.
 */
export class FuzzWorld {
  readonly path: DataPath;
  #nowUs = 1;
  #isFlushAsked = false;
  #links: Link[] = [];
  readonly #opening: UpstreamConnection[] = [];
  readonly #random: Random;
  spoil: Spoiler | undefined;

  constructor(random: Random) {
    this.#random = random;
    this.path = new DataPath(
      FUZZ_LIMITS,
      {
        nowUs: () => this.#nowUs,
        random: () => 0.5,
        requestFlush: () => {
          this.#isFlushAsked = true;
        },
        openUpstream: (upstream) => void this.#opening.push(upstream),
        processStats: () => [],
      },
      POLICIES,
    );
    this.path.apply(CLUSTER);
    this.settle();
  }

  addClient(): FuzzClient {
    const wire = new FuzzWire();
    return { wire, connection: this.path.addClient(wire), told: "" };
  }

  /** Lets everything happen that can. */
  settle(clients: readonly FuzzClient[] = []): void {
    for (let round = 0; round < 10_000; round++) {
      const moved = [this.#open(), this.#flush(), this.#serve()].includes(true);
      for (const client of clients) this.#collect(client);
      if (!moved) return;
    }
    throw new Error("The data path does not come to rest");
  }

  /** Time passes until what waits for server 1 has failed, and its connection is new. */
  failPending(clients: readonly FuzzClient[]): void {
    for (const link of this.#links.filter(({ port }) => port === 2)) this.#close(link);
    for (let i = 0; i < 4; i++) {
      this.#nowUs += TIMEOUT_MS * 1_000;
      this.path.tick();
      this.settle(clients);
    }
  }

  closeClient(client: FuzzClient): void {
    client.connection.onClosed();
    this.settle();
  }

  #open(): boolean {
    const opening = this.#opening.splice(0);
    for (const upstream of opening) {
      const wire = new FuzzWire();
      const { port } = upstream.address;
      upstream.attach(wire);
      this.#links.push({ upstream, wire, server: new HonestServer(), port });
      upstream.onConnected(wire);
    }
    return opening.length > 0;
  }

  #flush(): boolean {
    if (!this.#isFlushAsked) return false;
    this.#isFlushAsked = false;
    this.path.flush();
    return true;
  }

  #serve(): boolean {
    let hasMoved = false;
    for (const link of [...this.#links]) {
      if (link.wire.isEnded) {
        this.#close(link);
        hasMoved = true;
        continue;
      }
      for (const request of link.wire.take()) {
        hasMoved = true;
        const reply = link.server.answer(request);
        if (reply.length === 0) continue;
        this.#deliver(link, link.port === 2 && this.spoil ? this.spoil(reply) : reply);
        if (link.wire.isEnded) break;
      }
    }
    return hasMoved;
  }

  #deliver(link: Link, reply: Uint8Array): void {
    const maxBytes = this.#random.pick([100_000, 100_000, 200, 7]);
    for (let at = 0; at < reply.length && !link.wire.isEnded; ) {
      const end = Math.min(reply.length, at + this.#random.int(1, maxBytes));
      const piece = reply.slice(at, end);
      link.upstream.onBytes(piece, 0, piece.length);
      link.upstream.takeKeptBuffer();
      at = end;
    }
  }

  #close(link: Link): void {
    this.#links = this.#links.filter((other) => other !== link);
    link.upstream.onClosed(link.wire);
  }

  #collect(client: FuzzClient): void {
    for (const bytes of client.wire.take()) client.told += Buffer.from(bytes).toString("latin1");
  }
}

const SERVERS: readonly ServerSpec[] = [1, 2].map((port) => ({
  name: `s${port}`,
  host: "server",
  port,
  weight: 1,
  tls: false,
}));

const CLUSTER: Cluster = {
  epoch: 1,
  config: {
    pools: [
      {
        name: "main",
        placement: { kind: "slots", servers: SERVERS },
        options: { timeoutMs: TIMEOUT_MS, failureLimit: 3, recoveryLimit: 3 },
      },
    ],
    routes: [{ prefix: "", pool: "main" }],
  },
  ejections: [],
  moves: [],
};

const POLICY: PoolPolicy = {
  direct: (_access, key, start, end) => {
    const hash = hashOf(key, start, end);
    return (hash & 3) === 0 ? SLOW : ownerOf(key, start, hash);
  },
  mustWait: () => false,
  run: (request, exchange, done) => {
    const owner = ownerOf(request.key, 0, hashOf(request.key, 0, request.key.length));
    exchange.send(owner, request, (result) => {
      done(result.ok ? result.reply : { code: "SERVER_ERROR", flags: [], message: "no answer" });
    });
  },
};

const POLICIES: PolicyMaker = {
  policiesOf: () => new Map([["main", POLICY]]),
  takeCounts: () => [],
};

function ownerOf(key: Uint8Array, start: number, hash: number): number {
  return key[start] === 98 && key[start + 1] === 58 ? 0 : (hash >>> 8) & 1;
}

function hashOf(key: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193);
  return hash >>> 0;
}
