import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { readIntoShared, SocketWire, watchEnd } from "@kagami/kit";
import type { ClientConnection } from "./engine/client.ts";
import type { Cluster } from "./engine/cluster.ts";
import type { WorkerReport } from "./engine/cluster-counts.ts";
import { DataPath, type DataPathLimits, type PolicyMaker } from "./engine/data-path.ts";
import { PROXY_VERSION } from "./engine/take-local.ts";
import type { UpstreamConnection } from "./engine/upstream.ts";
import type { Stat } from "./protocol/reply-format.ts";
import { type ServerTls, serverTlsOptions } from "./server-tls.ts";

/** What is read at once from a client, and from a server. */
const CLIENT_READ_BYTES = 65_536;
const SERVER_READ_BYTES = 131_072;
const TICK_MS = 20;
/** After so long without a byte the system asks whether the peer is still there. */
const KEEP_ALIVE_MS = 60_000;

export interface WorkerOptions {
  readonly limits: DataPathLimits;
  readonly policyMaker: PolicyMaker;
  /** For servers that are spoken to over TLS. */
  readonly serverTls: ServerTls;
}

function processStats(): Stat[] {
  const { user, system } = process.cpuUsage();
  return [
    ["pid", String(process.pid)],
    ["uptime", String(Math.floor(process.uptime()))],
    ["time", String(Math.floor(Date.now() / 1000))],
    ["version", PROXY_VERSION],
    ["rusage_user", (user / 1e6).toFixed(6)],
    ["rusage_system", (system / 1e6).toFixed(6)],
  ];
}

/** The data path of this process with its sockets and its clock. */
export class Worker {
  readonly path: DataPath;
  readonly #serverTls: WorkerOptions["serverTls"];
  readonly #clientBuffer = new Uint8Array(CLIENT_READ_BYTES);
  readonly #ticker: NodeJS.Timeout;
  #isServing = false;
  /** Settled when the first attempt to connect to each server has ended, one way or the other. */
  readonly #firstAttempts: Promise<void>[] = [];
  readonly #flush = () => this.path.flush();

  constructor({ limits, policyMaker, serverTls }: WorkerOptions) {
    this.#serverTls = serverTls;
    this.path = new DataPath(
      limits,
      {
        nowUs: () => performance.now() * 1000,
        random: Math.random,
        requestFlush: () => setImmediate(this.#flush),
        openUpstream: (upstream) => this.#openUpstream(upstream),
        processStats,
      },
      policyMaker,
    );
    this.#ticker = setInterval(() => this.path.tick(), TICK_MS);
  }

  /** Serves a client. */
  accept(accepted: Socket, isTls: boolean): void {
    accepted.on("error", () => undefined);
    accepted.setKeepAlive(true, KEEP_ALIVE_MS);
    const buffer = this.#clientBuffer;
    let client: ClientConnection | undefined;
    const socket = isTls
      ? accepted.on("data", (bytes: Uint8Array) => client?.onBytes(bytes, 0, bytes.length))
      : readIntoShared(accepted, buffer, (size) => client?.onBytes(buffer, 0, size));
    client = this.path.addClient(new SocketWire(socket, () => client?.onDrain()));
    watchEnd(socket, client);
    socket.resume();
  }

  #openUpstream(upstream: UpstreamConnection): void {
    const { host, port, tls } = upstream.address;
    let buffer = new Uint8Array(SERVER_READ_BYTES);
    const callback = (size: number): boolean => {
      upstream.onBytes(buffer, 0, size);
      return true;
    };
    // Replies go to clients from where they were read; one that a slow client has not taken keeps its place.
    const nextBuffer = (): Uint8Array => {
      if (upstream.takeKeptBuffer()) buffer = new Uint8Array(SERVER_READ_BYTES);
      return buffer;
    };
    const address = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    const tcp = connect(tls ? address : { ...address, onread: { buffer: nextBuffer, callback } });
    const socket = tls ? this.#overTls(tcp, host) : tcp;
    if (tls) socket.on("data", (bytes: Uint8Array) => upstream.onBytes(bytes, 0, bytes.length));
    const wire = new SocketWire(socket, () => upstream.onDrain(wire), tcp);
    upstream.attach(wire);
    const event = tls ? "secureConnect" : "connect";
    socket.once(event, () => upstream.onConnected(wire));
    if (!this.#isServing) {
      this.#firstAttempts.push(
        new Promise((resolve) => {
          socket.once(event, resolve);
          socket.once("close", resolve);
        }),
      );
    }
    watchEnd(socket, { onEnd: () => socket.destroy(), onClosed: () => upstream.onClosed(wire) });
  }

  #overTls(tcp: Socket, host: string): Socket {
    tcp.on("error", () => undefined); // told by the socket above it
    return connectTls({ socket: tcp, ...serverTlsOptions(this.#serverTls, host) });
  }

  /** Waits until it is known of each server whether it can be reached; the path's limits bound how long that takes. */
  async connected(): Promise<void> {
    await Promise.all(this.#firstAttempts);
    this.#isServing = true;
  }

  /** Acts by a cluster state from now on. */
  apply(cluster: Cluster): void {
    this.path.apply(cluster);
  }

  takeReport(workerId: number): WorkerReport {
    return this.path.takeReport(workerId);
  }

  /** Answers what clients have asked for, and closes their connections. */
  endClients(): void {
    this.path.endClients();
  }

  /** Closes every connection at once. */
  close(): void {
    clearInterval(this.#ticker);
    this.path.close();
  }
}
