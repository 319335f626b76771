import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls";
import { type Address, formatAddress } from "../address.ts";
import { closeOnce } from "../close-once.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/registry.ts";
import { ConnectionLedger, type ConnectionLimits } from "./connection-ledger.ts";
import { startListening } from "./listen.ts";

const TLS_HANDSHAKE_LIMIT_MS = 10_000;

export interface TcpListenerOptions extends ConnectionLimits {
  /** What it serves, in errors and as the `listener` label: `rtmp`. */
  readonly name: string;
  /** `host:port`; port 0 picks a free one. */
  readonly address: string | Address;
  /** Other processes may listen at the same port in the same way; the system shares connections out. */
  readonly reusePort?: boolean;
  /** Certificate and key, for TLS. */
  readonly tls?: TlsOptions | undefined;
  /** Called with each admitted connection, which has `noDelay` set; with TLS, after the handshake. Must handle `error`. */
  readonly onConnection: (socket: Socket) => void;
  readonly metrics?: Metrics | undefined;
  readonly log?: Logger | undefined;
}

/** A running listener. */
export interface Listener {
  /** Where it really listens. */
  readonly address: Address;
  /** `host:port` of `address`. */
  readonly addressText: string;
  readonly connectionCount: number;
  /** Stops accepting, waits `graceMs` for connections to end, then cuts them. Idempotent: the first call's grace counts. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Listens for TCP or TLS connections. Limits on time and size of what comes in are the protocol's.
 *
 * @throws ListenError
 */
export async function listenTcp(options: TcpListenerOptions): Promise<Listener> {
  const ledger = new ConnectionLedger(options.name, options, options.metrics);
  const server = options.tls ? tlsServer(options, options.tls, ledger) : plainServer(options, ledger);
  const address = await startListening(server, options.name, options.address, options.reusePort);
  return wrapListener(server, options, address, ledger);
}

/** The face that TCP and HTTP listeners share. */
export function wrapListener(
  server: Server,
  { name, log }: { readonly name: string; readonly log?: Logger | undefined },
  address: Address,
  ledger: ConnectionLedger,
): Listener {
  // After it listens, errors come from accept(), such as too many open files: the next connection may succeed.
  server.on("error", (error) => log?.error("listener.accept_failed", { listener: name, error }));
  const close = closeOnce(async (graceMs: number) => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const { cutCount } = await ledger.drain(graceMs);
    if (cutCount > 0) log?.info("listener.connections_cut", { listener: name, count: cutCount, graceMs });
    await closed;
  });
  return {
    address,
    addressText: formatAddress(address),
    get connectionCount() {
      return ledger.size;
    },
    close: (graceMs = 0) => close(graceMs),
  };
}

function plainServer({ name, onConnection, log }: TcpListenerOptions, ledger: ConnectionLedger): Server {
  return createServer({ noDelay: true, allowHalfOpen: false }, (socket) => {
    const refusal = ledger.admit(socket);
    if (refusal) log?.warn("connection.refused", { listener: name, reason: refusal, peer: socket.remoteAddress });
    else onConnection(socket);
  });
}

function tlsServer(options: TcpListenerOptions, tls: TlsOptions, ledger: ConnectionLedger): Server {
  const { name, onConnection, log, metrics } = options;
  const failures = metrics?.counter("kagami_tls_failures_total", "TLS handshakes that failed", ["listener"]);
  const server = createTlsServer({ noDelay: true, handshakeTimeout: TLS_HANDSHAKE_LIMIT_MS, ...tls }, (socket) => {
    onConnection(socket);
  });
  // Counted before the handshake: a peer that never finishes one holds a connection too.
  server.on("connection", (socket: Socket) => {
    const refusal = ledger.admit(socket);
    if (refusal) log?.warn("connection.refused", { listener: name, reason: refusal, peer: socket.remoteAddress });
  });
  server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
    failures?.inc(1, { listener: name });
    log?.debug("connection.tls_failed", { listener: name, peer: socket.remoteAddress, error });
    socket.destroy();
  });
  return server;
}
