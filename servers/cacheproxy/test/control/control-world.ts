import { FakeClock } from "@kagami/clock";
import { createLogger, Metrics } from "@kagami/kit";
import { type CacheproxyConfig, configSchema } from "../../src/config.ts";
import { type ControlPlane, startControlPlane } from "../../src/control/control-plane.ts";
import type { ConfigReload } from "../../src/control/file-source.ts";
import type { ServerConnection } from "../../src/control/prober.ts";
import type { ServerSpec } from "../../src/engine/cluster.ts";
import { serverAddress } from "../../src/engine/cluster-state.ts";

/** A memcached as far as the control plane knows one. */
export interface SimulatedServer {
  isUp: boolean;
  refusesFlush: boolean;
  flushCount: number;
  startedMs: number;
  /** Proxies that cannot reach it. */
  readonly cutFrom: Set<string>;
}

/** A proxy's control plane, and what it put out. */
export interface SimulatedProxy {
  readonly id: string;
  readonly plane: ControlPlane;
  readonly metrics: Metrics;
  readonly epochs: number[];
  readonly log: string[];
}

/** What a proxy is started with beside its settings. */
export interface ProxyOptions {
  readonly reload?: ConfigReload;
}

const FAST_STEPS = 400;

/** Control planes on one clock that only moves when told, with servers that are not there. */
export class ControlWorld {
  readonly clock = new FakeClock();
  readonly servers = new Map<string, SimulatedServer>();
  readonly proxies: SimulatedProxy[] = [];

  server(address: string): SimulatedServer {
    let server = this.servers.get(address);
    if (!server) {
      server = { isUp: true, refusesFlush: false, flushCount: 0, startedMs: -86_400_000, cutFrom: new Set() };
      this.servers.set(address, server);
    }
    return server;
  }

  /** Starts a proxy; resolves when it has a cluster to act by, for which time must pass meanwhile: see {@link until}. */
  async start(
    id: string,
    settings: Readonly<Record<string, unknown>>,
    options: ProxyOptions = {},
  ): Promise<SimulatedProxy> {
    const config: CacheproxyConfig = configSchema.parse({ proxyId: id, listen: "127.0.0.1:0", ...settings });
    const lines: string[] = [];
    const sink = { write: (line: string) => void lines.push(line), flush: () => Promise.resolve() };
    const metrics = new Metrics();
    const starting = startControlPlane({
      config,
      log: createLogger({ sink, format: "json", level: "debug" }),
      metrics,
      clock: this.clock,
      reload: options.reload,
      sweep: async () => ({ keyCount: 0, removedCount: 0 }),
      openConnection: (server) => this.#connection(id, server),
    });
    const plane = await this.#whileTimePasses(starting);
    const epochs = [plane.current.epoch];
    plane.subscribe((cluster) => epochs.push(cluster.epoch));
    const proxy = { id, plane, metrics, epochs, log: lines };
    this.proxies.push(proxy);
    return proxy;
  }

  /** Lets time pass until it settles. */
  async #whileTimePasses<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.until(() => isSettled, "the start");
    return await promise;
  }

  /** Lets time pass in small steps, with a turn of the loop after each, until `isDone`. */
  async until(isDone: () => boolean, what: string, limitMs = 120_000): Promise<void> {
    const endMs = this.clock.monotonicMs() + limitMs;
    for (let stepCount = 0; !isDone(); stepCount++) {
      if (this.clock.monotonicMs() >= endMs) throw new Error(`${what} did not come true within ${limitMs} ms`);
      await this.step(20);
      // Disks and sockets take their time in ours, not in the clock's; a busy machine must not fail the test.
      if (stepCount > FAST_STEPS) await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Lets this much time pass. */
  async pass(ms: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + ms;
    while (this.clock.monotonicMs() < endMs) await this.step(20);
  }

  async close(): Promise<void> {
    await Promise.all(this.proxies.map(({ plane }) => plane.close()));
  }

  /** Sockets need turns of the real loop for what takes no time on the clock. */
  async step(ms: number): Promise<void> {
    this.clock.advance(ms);
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  #connection(proxyId: string, spec: ServerSpec): ServerConnection {
    const server = this.server(serverAddress(spec));
    const ask = async (command: string): Promise<string> => {
      if (!server.isUp || server.cutFrom.has(proxyId)) throw new Error("connect ECONNREFUSED");
      if (command === "version") return "VERSION 1.6.18\r\n";
      if (command === "flush_all") {
        if (server.refusesFlush) return "CLIENT_ERROR flush_all not allowed\r\n";
        server.flushCount++;
        return "OK\r\n";
      }
      const uptimeSec = Math.floor((this.clock.monotonicMs() - server.startedMs) / 1_000);
      return `STAT pid 1\r\nSTAT uptime ${uptimeSec}\r\nEND\r\n`;
    };
    return { ask, close: () => undefined };
  }
}
