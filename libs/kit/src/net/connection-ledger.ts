import type { Socket } from "node:net";
import type { Counter, Gauge } from "../metrics/metric.ts";
import type { Metrics } from "../metrics/registry.ts";

/** Limits on a listener's connections. */
export interface ConnectionLimits {
  /** Connections at once; 10,000 if absent. */
  readonly maxConnections?: number | undefined;
  /** Connections at once from one IPv4 address or one IPv6 /64 network; no limit of its own if absent. */
  readonly maxConnectionsPerIp?: number | undefined;
}

/**
 * Knows every open connection of one listener: who may come in, and how to end them all.
 *
 * Invariants: a socket is in `#sockets` from its admission to its `close` event; `#byNetwork` holds the count of those
 * sockets per network and no zero entries; the gauge equals the size.
 */
export class ConnectionLedger {
  readonly #maxConnections: number;
  readonly #maxConnectionsPerIp: number;
  readonly #name: string;
  readonly #sockets = new Map<Socket, string>();
  readonly #byNetwork = new Map<string, number>();
  readonly #accepted: Counter | undefined;
  readonly #refused: Counter | undefined;
  readonly #open: Gauge | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(name: string, limits: ConnectionLimits, metrics: Metrics | undefined) {
    this.#name = name;
    this.#maxConnections = limits.maxConnections ?? 10_000;
    this.#maxConnectionsPerIp = limits.maxConnectionsPerIp ?? Number.POSITIVE_INFINITY;
    this.#accepted = metrics?.counter("kagami_connections_total", "Connections accepted", ["listener"]);
    this.#refused = metrics?.counter("kagami_connections_refused_total", "Connections refused", ["listener", "reason"]);
    this.#open = metrics?.gauge("kagami_connections_open", "Connections that are open", ["listener"]);
    this.#open?.set(0, { listener: name });
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Takes a socket in, or destroys it and returns why. */
  admit(socket: Socket): "max-connections" | "max-connections-per-ip" | undefined {
    const network = networkOf(socket.remoteAddress);
    const fromNetwork = this.#byNetwork.get(network) ?? 0;
    const reason =
      this.#sockets.size >= this.#maxConnections
        ? "max-connections"
        : fromNetwork >= this.#maxConnectionsPerIp
          ? "max-connections-per-ip"
          : undefined;
    if (reason) {
      this.#refused?.inc(1, { listener: this.#name, reason });
      // A reset costs the peer nothing to learn of and us no TIME_WAIT.
      socket.resetAndDestroy();
      return reason;
    }
    this.#sockets.set(socket, network);
    this.#byNetwork.set(network, fromNetwork + 1);
    this.#accepted?.inc(1, { listener: this.#name });
    this.#open?.set(this.#sockets.size, { listener: this.#name });
    socket.once("close", () => this.#release(socket));
    return undefined;
  }

  /** Settles when no connection is left: at once, in time by themselves, or cut after `graceMs`. */
  async drain(graceMs: number): Promise<{ readonly cutCount: number }> {
    if (this.#sockets.size === 0) return { cutCount: 0 };
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    let cutCount = 0;
    const timer = setTimeout(() => {
      cutCount = this.#sockets.size;
      for (const socket of this.#sockets.keys()) socket.destroy();
    }, graceMs);
    await emptied;
    clearTimeout(timer);
    return { cutCount };
  }

  #release(socket: Socket): void {
    const network = this.#sockets.get(socket);
    if (network === undefined) return;
    this.#sockets.delete(socket);
    const left = (this.#byNetwork.get(network) ?? 1) - 1;
    if (left === 0) this.#byNetwork.delete(network);
    else this.#byNetwork.set(network, left);
    this.#open?.set(this.#sockets.size, { listener: this.#name });
    if (this.#sockets.size === 0) this.#onEmpty?.();
  }
}

/** What counts as one peer: an IPv4 address, or the /64 that one IPv6 customer owns whole. */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return "(gone)";
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1]) return mapped[1];
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return `${groups.slice(0, 4).join(":")}::/64`;
}
