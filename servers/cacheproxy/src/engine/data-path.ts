import { type CommandId, ReplyCode } from "../protocol/codes.ts";
import type { Stat } from "../protocol/reply-format.ts";
import type { RequestLimits } from "../protocol/request-parser.ts";
import { isSilenced } from "../protocol/silence.ts";
import { BufferPool } from "./buffer-pool.ts";
import { ClientConnection } from "./client.ts";
import type { Cluster } from "./cluster.ts";
import type { WorkerReport } from "./cluster-counts.ts";
import { EpochExchange } from "./epoch-exchange.ts";
import { PathCounts, takeServerCounts } from "./path-counts.ts";
import type { Patience, PoolPolicy } from "./pool-policy.ts";
import { Router } from "./router.ts";
import { addressKey, type ServerRefs, serverRefsOf } from "./server-refs.ts";
import { SlotPool } from "./slot.ts";
import { UpstreamConnection } from "./upstream.ts";
import type { Surroundings, Wire } from "./wire.ts";

/** What a client or a server can make the data path hold, and how long it waits. */
export interface DataPathLimits {
  /** Unanswered requests of a client beyond which it is not read. */
  readonly clientRequestLimit: number;
  /** Bytes of replies waiting for a client beyond which it is not read. */
  readonly clientBufferBytes: number;
  /** Largest value. */
  readonly maxValueBytes: number;
  /** Keys of one get. */
  readonly maxKeysPerGet: number;
  /** Bytes of requests that are not whole, of all clients together, beyond which those that send them wait in turn. */
  readonly maxHeldBytes: number;
  /** Bytes waiting for a server beyond which the clients that ask it are not read. */
  readonly serverBufferBytes: number;
  /** Unanswered requests of a server beyond which the clients that ask it are not read. */
  readonly serverRequestLimit: number;
  /**
   * How long a change waits for a server that has lost its connection, or for the next cluster state, before it fails; from
   * that loss, or from the state in use, whichever is later.
   */
  readonly holdUs: number;
  readonly connectTimeoutUs: number;
  /** Pause before the first reconnect, and the longest; each is twice the one before. */
  readonly reconnectUs: number;
  readonly reconnectMaxUs: number;
  /** A client that is silent for longer is closed; 0 for never. */
  readonly clientIdleUs: number;
}

/** Makes the policies of a cluster state. */
export interface PolicyMaker {
  /**
   * The policy of each pool of `cluster`, by the pool's name. Long-lived parts of those in use before are taken over.
   */
  policiesOf(cluster: Cluster, refs: ServerRefs): ReadonlyMap<string, PoolPolicy>;
  /** Counts since the last call. */
  takeCounts(): WorkerReport["pools"];
}

/** What the data path asks of its shell, beside {@link Surroundings}. */
export interface DataPathShell extends Surroundings {
  /** Begins to connect to a server: gives its wire to `upstream.attach` at once, and tells it the rest. */
  openUpstream(upstream: UpstreamConnection): void;
  /** What `stats` tells of the process: pid, uptime, time. */
  processStats(): Stat[];
}

/** What is in use of one cluster state; replaced as a whole, between requests. */
interface EpochState {
  readonly cluster: Cluster;
  readonly exchange: EpochExchange;
}

/** A server that no cluster state in use names is kept for what policies of earlier states still have to tell it. */
const RETIRED_KEPT_US = 10_000_000;
/** What a line without keys has room for, and a key with the space before it. */
const LINE_BYTES = 8192;
const KEY_BYTES = 251;
const IDLE_CHECK_US = 1_000_000;

/**
 * The data path of one worker: its clients, its servers, and the cluster state by which the one reach the other.
 *
 * Nothing is written when it is produced: whoever has something to write is marked, and {@link flush} writes for all of
 * them, once in a turn of the loop.
 */
export class DataPath {
  readonly limits: DataPathLimits;
  readonly requestLimits: RequestLimits;
  readonly buffers = new BufferPool();
  readonly slots = new SlotPool();
  readonly counts = new PathCounts();
  readonly clients = new Set<ClientConnection>();
  /** Monotonic time as of the last reading, in microseconds; read once for each batch of bytes. */
  nowUs: number;
  /** The servers of the cluster state in use, by ServerRef. */
  upstreams: readonly UpstreamConnection[] = [];
  /** The policies of the cluster state in use, by position of the route. */
  policies: readonly PoolPolicy[] = [];
  #router = new Router([]);
  readonly #shell: DataPathShell;
  readonly #policyMaker: PolicyMaker;
  readonly #upstreams = new Map<string, UpstreamConnection>();
  readonly #retired = new Map<UpstreamConnection, number>();
  #epoch: EpochState | undefined;
  #dirtyClients: ClientConnection[] = [];
  #dirtyUpstreams: UpstreamConnection[] = [];
  #deferred: (() => void)[] = [];
  #isFlushAsked = false;
  /** Whether this turn of the loop has read the clock for what clients send. */
  #hasReadClock = false;
  readonly #heldWaiters = new Set<ClientConnection>();
  /** Clients that are not read, for their next request has to wait. */
  readonly #holding = new Set<ClientConnection>();
  #appliedUs = Number.NEGATIVE_INFINITY;
  #lastIdleCheckUs = 0;

  constructor(limits: DataPathLimits, shell: DataPathShell, policyMaker: PolicyMaker) {
    this.limits = limits;
    this.requestLimits = {
      maxValueBytes: limits.maxValueBytes,
      maxLineBytes: Math.max(LINE_BYTES, limits.maxKeysPerGet * KEY_BYTES),
    };
    this.#shell = shell;
    this.#policyMaker = policyMaker;
    this.nowUs = shell.nowUs();
  }

  /** Epoch of the cluster state in use; -1 before the first. */
  get epoch(): number {
    return this.#epoch?.cluster.epoch ?? -1;
  }

  get cluster(): Cluster | undefined {
    return this.#epoch?.cluster;
  }

  get exchange(): EpochExchange {
    if (!this.#epoch) throw new Error("There is no cluster yet");
    return this.#epoch.exchange;
  }

  random(): number {
    return this.#shell.random();
  }

  /** Reads the clock; for bytes from servers, whose latency is measured. */
  readClock(): void {
    this.nowUs = this.#shell.nowUs();
  }

  /** Reads the clock if this turn of the loop has not yet; for bytes from clients, which come in many small pieces. */
  readClockOnce(): void {
    if (this.#hasReadClock) return;
    this.#hasReadClock = true;
    this.nowUs = this.#shell.nowUs();
    this.#askFlush();
  }

  /** Puts a cluster state into use, unless it is older than the one in use. Requests in flight end as they began. */
  apply(cluster: Cluster): void {
    if (this.#epoch && cluster.epoch <= this.#epoch.cluster.epoch) return;
    this.readClock();
    const refs = serverRefsOf(cluster);
    const policies = this.#policyMaker.policiesOf(cluster, refs);
    const upstreams = this.#connectAll(refs);
    const { routes } = cluster.config;
    this.counts.use(cluster);
    const policyOf = (pool: string): PoolPolicy => {
      const policy = policies.get(pool);
      if (!policy) throw new RangeError(`Route to pool "${pool}", which there is not`);
      return policy;
    };
    this.upstreams = upstreams;
    this.policies = routes.map(({ pool }) => policyOf(pool));
    this.#router = new Router(routes);
    this.#epoch = { cluster, exchange: new EpochExchange(this, upstreams) };
    this.#appliedUs = this.nowUs;
    this.releaseHeld();
  }

  #connectAll(refs: ServerRefs): UpstreamConnection[] {
    const named = new Set<string>();
    const upstreams = refs.servers.map(({ address, timeoutMs }) => {
      const key = addressKey(address);
      named.add(key);
      let upstream = this.#upstreams.get(key);
      if (!upstream) {
        upstream = new UpstreamConnection(this, address, timeoutMs * 1000);
        this.#upstreams.set(key, upstream);
      }
      upstream.timeoutUs = timeoutMs * 1000;
      this.#retired.delete(upstream);
      upstream.endPause();
      upstream.connectIfDue(this.nowUs);
      return upstream;
    });
    for (const [key, upstream] of this.#upstreams) {
      if (!named.has(key) && !this.#retired.has(upstream)) this.#retired.set(upstream, this.nowUs);
    }
    return upstreams;
  }

  openUpstream(upstream: UpstreamConnection): void {
    this.#shell.openUpstream(upstream);
  }

  /** Takes a client in. */
  addClient(wire: Wire): ClientConnection {
    this.readClockOnce();
    const client = new ClientConnection(this, wire);
    this.clients.add(client);
    this.counts.accepted();
    return client;
  }

  forgetClient(client: ClientConnection): void {
    this.clients.delete(client);
    this.#heldWaiters.delete(client);
    this.#holding.delete(client);
  }

  /** Position of the route of a key, or -1. */
  routeOf(key: Uint8Array, start: number, end: number): number {
    return this.#router.find(key, start, end);
  }

  /** Marks a client that has something to write, or may be read again. */
  markClient(client: ClientConnection): void {
    if (client.isDirty) return;
    client.isDirty = true;
    this.#dirtyClients.push(client);
    this.#askFlush();
  }

  markUpstream(upstream: UpstreamConnection): void {
    if (upstream.isDirty) return;
    upstream.isDirty = true;
    this.#dirtyUpstreams.push(upstream);
    this.#askFlush();
  }

  /** Runs `task` at the next flush. */
  defer(task: () => void): void {
    this.#deferred.push(task);
    this.#askFlush();
  }

  #askFlush(): void {
    if (this.#isFlushAsked) return;
    this.#isFlushAsked = true;
    this.#shell.requestFlush();
  }

  /** Lets clients go on that had to wait, and writes what is staged. */
  flush(): void {
    this.#isFlushAsked = false;
    this.#hasReadClock = false;
    if (this.#deferred.length > 0) {
      const tasks = this.#deferred;
      this.#deferred = [];
      for (const task of tasks) task();
    }
    const clients = this.#dirtyClients;
    this.#dirtyClients = [];
    for (const client of clients) client.resume();
    const upstreams = this.#dirtyUpstreams;
    this.#dirtyUpstreams = [];
    for (const upstream of upstreams) upstream.flush();
    for (const client of clients) client.flush();
  }

  /** Whether clients whose request is not whole have to wait for others to end theirs. */
  get isOverHeld(): boolean {
    return this.buffers.lentBytes > this.limits.maxHeldBytes;
  }

  waitForHeldBytes(client: ClientConnection): void {
    this.#heldWaiters.add(client);
  }

  /** Whether what has gone on since then is still worth waiting for. */
  isPatient(sinceUs: number): boolean {
    return this.nowUs - Math.max(sinceUs, this.#appliedUs) < this.limits.holdUs;
  }

  get patience(): Patience {
    return {
      forEpoch: this.isPatient(this.#appliedUs),
      forServer: (server) => this.upstreams[server]?.isWaitedFor === true,
    };
  }

  /** Does not read the client until {@link releaseHeld}; its next request is then looked at again. */
  hold(client: ClientConnection): void {
    client.stall();
    this.#holding.add(client);
  }

  /** Something has changed that requests may have waited for, or time has passed. */
  releaseHeld(): void {
    for (const client of this.#holding) this.markClient(client);
    this.#holding.clear();
  }

  /** Called often, such as every 20 ms: timeouts, reconnects, and clients that wait for others. */
  tick(): void {
    this.readClock();
    for (const upstream of this.#upstreams.values()) upstream.tick(this.nowUs);
    this.releaseHeld();
    for (const [upstream, sinceUs] of this.#retired) {
      if (upstream.pendingCount > 0 || this.nowUs - sinceUs < RETIRED_KEPT_US) continue;
      upstream.close();
      this.#retired.delete(upstream);
      this.#upstreams.delete(addressKey(upstream.address));
    }
    // The first of those that wait always goes on, so that a full house empties.
    for (const client of this.#heldWaiters) {
      this.#heldWaiters.delete(client);
      this.markClient(client);
      if (this.isOverHeld) break;
    }
    const { clientIdleUs } = this.limits;
    if (clientIdleUs > 0 && this.nowUs - this.#lastIdleCheckUs > IDLE_CHECK_US) this.#closeIdle(clientIdleUs);
  }

  #closeIdle(idleUs: number): void {
    this.#lastIdleCheckUs = this.nowUs;
    for (const client of this.clients) if (this.nowUs - client.lastReadUs > idleUs) client.endAfterReplies();
  }

  /** Whether the client of a quiet request is told that it failed. */
  tellsFailure(command: number): boolean {
    return !isSilenced(command as CommandId, ReplyCode.SERVER_ERROR);
  }

  /** Counts since the last report; counting begins anew. */
  takeReport(workerId: number): WorkerReport {
    return {
      workerId,
      epoch: this.epoch,
      clients: this.clients.size,
      ...this.counts.takeClients(),
      routes: this.counts.takeRoutes(),
      servers: [...this.#upstreams.values()].map(takeServerCounts),
      pools: this.#policyMaker.takeCounts(),
    };
  }

  /** What `stats` answers: this worker's own counts. */
  ownStats(): Stat[] {
    const connected = this.upstreams.filter(({ isReady }) => isReady).length;
    return [
      ...this.#shell.processStats(),
      ["curr_connections", String(this.clients.size)],
      ...this.counts.stats(),
      ["proxy_epoch", String(this.epoch)],
      ["proxy_servers", String(this.upstreams.length)],
      ["proxy_servers_connected", String(connected)],
    ];
  }

  /** Takes no more requests, and closes each client when its last reply is out. */
  endClients(): void {
    for (const client of this.clients) client.endAfterReplies();
  }

  /** Closes every connection at once. */
  close(): void {
    for (const client of this.clients) client.destroy();
    for (const upstream of this.#upstreams.values()) upstream.close();
    this.#upstreams.clear();
  }
}
