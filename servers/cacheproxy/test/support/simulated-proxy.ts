import { createRandom, FakeClock, type Random } from "@kagami/clock";
import { type FakeLink, FakeNetwork } from "@kagami/testkit";
import type { Cluster, Placement } from "../../src/engine/cluster.ts";
import { DataPath, type DataPathLimits, type PolicyMaker } from "../../src/engine/data-path.ts";
import type { MetaReply } from "../../src/engine/meta.ts";
import { type PoolPolicy, SLOW } from "../../src/engine/pool-policy.ts";
import type { UpstreamConnection } from "../../src/engine/upstream.ts";
import { CheckingClient } from "./checking-client.ts";
import { FakeServer } from "./fake-server.ts";
import { SimulatedWire } from "./simulated-wire.ts";

export const TEST_LIMITS: DataPathLimits = {
  clientRequestLimit: 64,
  clientBufferBytes: 262_144,
  maxValueBytes: 65_536,
  maxKeysPerGet: 1_000,
  maxHeldBytes: 1 << 24,
  serverBufferBytes: 262_144,
  serverRequestLimit: 256,
  holdUs: 0,
  connectTimeoutUs: 300_000,
  reconnectUs: 10_000,
  reconnectMaxUs: 200_000,
  clientIdleUs: 0,
};

export interface SimulationOptions {
  readonly seed: number;
  readonly serverCount?: number;
  readonly limits?: Partial<DataPathLimits>;
  /** Share of the writes that a wire does not take at once. */
  readonly lateShare?: number;
  /** Share of the keys that take the slow path. */
  readonly slowShare?: number;
  readonly latencyMs?: { readonly min: number; readonly max: number };
}

const TICK_MS = 20;
const TIMEOUT_MS = 200;

/** A data path with simulated servers and clients, from one seed. */
export class SimulatedProxy {
  readonly clock = new FakeClock();
  readonly random: Random;
  readonly path: DataPath;
  readonly servers: readonly FakeServer[];
  readonly clients: CheckingClient[] = [];
  readonly clientLinks: FakeLink[] = [];
  readonly clientWires: SimulatedWire[] = [];
  /** Links to servers, as they were made. */
  readonly serverLinks: FakeLink[] = [];
  /** Servers that refuse connections. */
  readonly downServers = new Set<number>();
  readonly #network: FakeNetwork;
  readonly #options: SimulationOptions;
  readonly #shared = new Uint8Array(65_536);
  #epoch = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.random = createRandom(options.seed);
    this.#network = new FakeNetwork(this.clock, this.random.fork("network"), {
      latencyMs: options.latencyMs ?? { min: 0, max: 12 },
      maxChunkBytes: 4_000,
    });
    this.servers = Array.from({ length: options.serverCount ?? 3 }, () => new FakeServer());
    this.path = new DataPath(
      { ...TEST_LIMITS, ...options.limits },
      {
        nowUs: () => this.clock.monotonicMs() * 1_000,
        random: () => this.random.float(),
        requestFlush: () => this.clock.after(0, () => this.path.flush()),
        openUpstream: (upstream) => this.#open(upstream),
        processStats: () => [],
      },
      this.#policyMaker(),
    );
    this.applyNext();
    const tick = (): void => {
      this.path.tick();
      this.clock.after(TICK_MS, tick);
    };
    tick();
  }

  /** Puts a cluster state of the next epoch into use, with the servers at these positions. */
  applyNext(positions = this.servers.map((_, i) => i)): void {
    const servers = positions.map((i) => ({ name: `s${i}`, host: "server", port: i + 1, weight: 1, tls: false }));
    const placement: Placement = { kind: "slots", servers };
    const pool = { name: "main", placement, options: { timeoutMs: TIMEOUT_MS, failureLimit: 3, recoveryLimit: 3 } };
    const cluster: Cluster = {
      epoch: ++this.#epoch,
      config: { pools: [pool], routes: [{ prefix: "", pool: "main" }] },
      ejections: [],
      moves: [],
    };
    this.path.apply(cluster);
  }

  /** A key's server is its hash's; the slow path asks the same one by the inner language. */
  #policyMaker(): PolicyMaker {
    const slowShare = this.#options.slowShare ?? 0;
    return {
      policiesOf: (cluster) => {
        const { length } = cluster.config.pools[0]?.placement.servers ?? [];
        const serverOf = (hash: number): number => (hash >>> 8) % length;
        const policy: PoolPolicy = {
          direct: (_access, key, start, end) => {
            const hash = hashOf(key, start, end);
            return (hash & 255) < slowShare * 256 ? SLOW : serverOf(hash);
          },
          mustWait: (key, start, end, patience) => patience.forServer(serverOf(hashOf(key, start, end))),
          run: (request, exchange, done) => {
            const { key } = request;
            exchange.send(serverOf(hashOf(key, 0, key.length)), request, (result) => {
              const failed: MetaReply = { code: "SERVER_ERROR", flags: [], message: "no answer" };
              done(result.ok ? result.reply : failed);
            });
          },
        };
        return new Map([["main", policy]]);
      },
      takeCounts: () => [],
    };
  }

  #open(upstream: UpstreamConnection): void {
    const position = upstream.address.port - 1;
    const link = this.#network.connect();
    const wire = this.#wire(link);
    wire.read({
      onBytes: (bytes, start, end) => {
        upstream.onBytes(bytes, start, end);
        upstream.takeKeptBuffer();
      },
      onDrain: () => upstream.onDrain(wire),
      onEnd: () => link.client.destroy(),
      onClosed: () => upstream.onClosed(wire),
    });
    upstream.attach(wire);
    this.serverLinks.push(link);
    this.clock.after(this.random.int(0, 10), () => {
      if (this.downServers.has(position)) {
        upstream.onClosed(wire);
        return;
      }
      (this.servers[position] as FakeServer).accept(link.server);
      upstream.onConnected(wire);
    });
  }

  #wire(link: FakeLink): SimulatedWire {
    const { lateShare = 0 } = this.#options;
    const random = this.random.fork("wire");
    return new SimulatedWire(link.client, this.#shared, { clock: this.clock, random, lateShare });
  }

  /** Connects one more client, whose keys nobody else has. */
  addClient(keyCount = 8): CheckingClient {
    const name = `c${this.clients.length}`;
    const link = this.#network.connect();
    const wire = this.#wire(link);
    const connection = this.path.addClient(wire);
    wire.read(connection);
    const keys = Array.from({ length: keyCount }, (_, i) => `${name}:k${i}`);
    const client = new CheckingClient(name, link.server, this.random.fork(name), keys);
    this.clients.push(client);
    this.clientLinks.push(link);
    this.clientWires.push(wire);
    return client;
  }
}

function hashOf(key: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193);
  return hash >>> 0;
}
