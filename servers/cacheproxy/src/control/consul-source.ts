import type { Random, TimerClock } from "@kagami/clock";
import { formatAddress, type Logger } from "@kagami/kit";
import type { ServerSpec } from "../engine/cluster.ts";
import { checkClusterConfig } from "../engine/cluster-check.ts";
import type { DesiredCluster, DesiredPool } from "../engine/cluster-desired.ts";
import { CLUSTER_LIMITS } from "../engine/cluster-limits.ts";
import { isSame } from "../engine/cluster-state.ts";
import { ClusterDocumentError, type PoolDefaults, parseClusterDocument } from "./cluster-document.ts";
import type { ConsulClient, KvEntry, ServiceInstance } from "./consul-client.ts";
import { ConsulWatch } from "./consul-watch.ts";
import type { DesiredSource } from "./desired-source.ts";

export interface ConsulSourceOptions {
  readonly client: ConsulClient;
  readonly clock: TimerClock;
  readonly random: Random;
  readonly log: Logger;
  readonly prefix: string;
  readonly waitMs: number;
  readonly defaults: PoolDefaults;
}

interface FollowedService {
  readonly watch: ConsulWatch<ServiceInstance[]>;
  /** The last that were not none. */
  instances: readonly ServiceInstance[];
}

/**
 * Pools and routes from the KV document `PREFIX/config`, and the servers of pools with a `service` from that service's
 * instances. An instance is a server as long as it is registered, healthy or not: a key's owner must not change because a
 * check failed. Instances that all vanish at once are kept, for an empty pool serves nobody.
 */
export class ConsulSource implements DesiredSource {
  readonly #options: ConsulSourceOptions;
  readonly #listeners: (() => void)[] = [];
  readonly #services = new Map<string, FollowedService>();
  readonly #documentWatch: ConsulWatch<KvEntry[]>;
  #document: DesiredCluster | undefined;
  #desired: DesiredCluster | undefined;
  #problem: string | undefined;
  #critical: ReadonlySet<string> = new Set();

  constructor(options: ConsulSourceOptions) {
    const { client, clock, random, waitMs } = options;
    this.#options = options;
    this.#documentWatch = new ConsulWatch({
      clock,
      random,
      waitMs,
      query: (blocking) => client.watchKv(this.#key, true, blocking),
      onValue: (entries) => this.#onDocument(entries[0]),
      onTrouble: () => undefined, // the agreement watches the same Consul and tells
    });
  }

  get desired(): DesiredCluster | undefined {
    return this.#desired;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  get critical(): ReadonlySet<string> {
    return this.#critical;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async reload(): Promise<void> {
    this.#onDocument(await this.#options.client.getKv(this.#key));
    if (this.#problem !== undefined) throw new RangeError(this.#problem);
  }

  close(): void {
    this.#documentWatch.close();
    for (const { watch } of this.#services.values()) watch.close();
  }

  get #key(): string {
    return `${this.#options.prefix}/config`;
  }

  #onDocument(entry: KvEntry | undefined): void {
    if (!entry) {
      this.#refuse(`Consul has no key ${this.#key}; put a document with pools and routes there, see API.md`);
      return;
    }
    try {
      this.#document = parseClusterDocument(entry.value, `Consul key ${this.#key}`, this.#options.defaults, true);
    } catch (error) {
      if (!(error instanceof ClusterDocumentError)) throw error;
      this.#refuse(error.message);
      return;
    }
    this.#followServices(this.#document);
    this.#combine();
  }

  #refuse(problem: string): void {
    if (problem !== this.#problem) {
      const kept = this.#desired ? "the pools and routes in use" : "nothing yet";
      this.#options.log.error("config.refused", { reason: problem, kept });
    }
    this.#problem = problem;
    this.#tell();
  }

  #followServices({ pools }: DesiredCluster): void {
    const { client, clock, random, waitMs } = this.#options;
    const names = new Set(pools.flatMap((pool) => pool.service ?? []));
    for (const [name, { watch }] of this.#services) {
      if (names.has(name)) continue;
      watch.close();
      this.#services.delete(name);
    }
    for (const name of names) {
      if (this.#services.has(name)) continue;
      const watch = new ConsulWatch({
        clock,
        random,
        waitMs,
        query: (blocking) => client.watchService(name, blocking),
        onValue: (instances) => this.#onService(name, instances),
        onTrouble: () => undefined, // as above
      });
      this.#services.set(name, { watch, instances: [] });
    }
  }

  #onService(name: string, instances: readonly ServiceInstance[]): void {
    const followed = this.#services.get(name);
    if (!followed) return;
    if (instances.length > 0) followed.instances = instances;
    else if (followed.instances.length > 0) {
      this.#options.log.warn("service.emptied", { service: name, kept: followed.instances.length });
    }
    this.#combine();
  }

  /** Puts document and services together, once every service is known. */
  #combine(): void {
    if (!this.#document) return;
    const critical = new Set<string>();
    const missing: string[] = [];
    const pools = this.#document.pools.map((pool): DesiredPool => {
      if (pool.service === undefined) return pool;
      const instances = this.#services.get(pool.service)?.instances ?? [];
      if (instances.length === 0) missing.push(pool.service);
      for (const one of instances) if (one.isCritical) critical.add(formatAddress(one));
      const servers = instances.map((one) => serverOf(one, this.#options.defaults.tls));
      servers.sort((a, b) => (a.name < b.name ? -1 : 1));
      return { ...pool, placement: { ...pool.placement, servers } };
    });
    this.#critical = critical;
    if (missing.length > 0) {
      this.#refuse(`Consul knows no instance of service "${missing.join('", "')}"; register its servers there`);
      return;
    }
    const desired = { pools, routes: this.#document.routes };
    const problems = checkClusterConfig(desired);
    if (problems.length > 0) {
      this.#refuse(new ClusterDocumentError("Consul with its services", problems).message);
      return;
    }
    this.#problem = undefined;
    if (!this.#desired || !isSame(desired, this.#desired)) {
      this.#desired = desired;
      this.#options.log.info("config.reloaded", { source: this.#key, pools: pools.length });
    }
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The instance's id is its name, unless its metadata has one: both stay when the address changes. */
function serverOf({ id, host, port, meta, weight }: ServiceInstance, tls: boolean): ServerSpec {
  const asked = Number(meta.weight ?? weight);
  const isUsable = Number.isInteger(asked) && asked >= 1 && asked <= CLUSTER_LIMITS.weight;
  return {
    name: meta.name ?? id,
    host,
    port,
    weight: isUsable ? asked : 1,
    tls: meta.tls === undefined ? tls : meta.tls === "true",
  };
}
