import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TlsOptions } from "node:tls";
import type { Address } from "../address.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/registry.ts";
import { ConnectionLedger, type ConnectionLimits } from "../net/connection-ledger.ts";
import { startListening } from "../net/listen.ts";
import { type Listener, wrapListener } from "../net/listen-tcp.ts";
import type { HttpRequest, HttpResponse } from "./http-exchange.ts";
import { PlainConnections } from "./plain-connections.ts";
import { PLAIN_HEAD_BYTES } from "./plain-head.ts";

export interface HttpListenerOptions extends ConnectionLimits {
  /** What it serves, in errors and as the `listener` label: `playback`. */
  readonly name: string;
  /** `host:port`; port 0 picks a free one. */
  readonly address: string | Address;
  readonly tls?: TlsOptions | undefined;
  /** Answers a request. A rejection is logged and answered with 500, or ends the connection if the answer had begun. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;
  /**
   * Answers a request that sent `Expect: 100-continue` and waits with its body: `response.writeContinue()` asks for it,
   * any other answer spares it. Without it Node asks at once and `onRequest` answers.
   */
  readonly onExpectContinue?: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;
  /**
   * Answers GET and HEAD without a body, and PUT with one of at most 64 KiB that has come whole, where nothing about them
   * is unusual, for less than `node:http` costs ({@link PlainConnections}); all others go to `onRequest`. Without it, they
   * all do.
   */
  readonly onPlainRequest?: (request: HttpRequest, response: HttpResponse) => Promise<void> | void;
  /** What `onPlainRequest` is asked for; connections on which something else is asked go to `onRequest`. All, if absent. */
  readonly isPlainUrl?: (url: string) => boolean;
  /** Takes over a connection that asks for another protocol. Without it such requests are answered as plain ones. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Time for the header section, 10 s if absent; for the whole request, 30 s; 0 is no limit. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** How long an idle connection is kept for its next request; 15 s if absent. */
  readonly keepAliveTimeoutMs?: number;
  /**
   * The least rate at which an answer to `onPlainRequest` that was given whole is to be taken, once `keepAliveTimeoutMs`
   * are over; 1,024 if absent, 0 is none.
   */
  readonly minBytesPerSecond?: number;
  /** 16 KiB if absent; more is answered with 431. */
  readonly maxHeaderBytes?: number;
  readonly metrics?: Metrics | undefined;
  readonly log?: Logger | undefined;
}

const TLS_HANDSHAKE_LIMIT_MS = 10_000;
/** How often late requests are looked for; a shorter limit is looked for more often. */
const CHECK_INTERVAL_MS = 2_000;

/**
 * Listens for HTTP/1.1. On close, requests under way get the grace time and idle connections end at once; upgraded
 * connections are counted and drained like the others.
 *
 * @throws ListenError
 */
export async function listenHttp(options: HttpListenerOptions): Promise<Listener> {
  const ledger = new ConnectionLedger(options.name, options, options.metrics);
  const { name, log, onUpgrade, onPlainRequest } = options;
  const server = makeServer(options);
  server.on("connection", (socket: Socket) => {
    const refusal = ledger.admit(socket);
    if (refusal) log?.warn("connection.refused", { listener: name, reason: refusal, peer: socket.remoteAddress });
  });
  const plain = onPlainRequest && interceptPlain(server, options, onPlainRequest);
  server.on("clientError", refuseBadRequest);
  let isClosing = false;
  const onResponseClosed = (): void => {
    // A connection becomes idle one turn after its response has ended.
    if (isClosing) setImmediate(() => server.closeIdleConnections());
  };
  const serve =
    (onRequest: HttpListenerOptions["onRequest"]) => (request: IncomingMessage, response: ServerResponse) => {
      if (isClosing) response.shouldKeepAlive = false;
      response.on("close", onResponseClosed);
      answer(options, onRequest, request, response);
    };
  server.on("request", serve(options.onRequest));
  if (options.onExpectContinue) server.on("checkContinue", serve(options.onExpectContinue));
  if (onUpgrade) {
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Until the taker listens, a reset must not crash the process.
      socket.on("error", () => socket.destroy());
      onUpgrade(request, socket, head);
    });
  }
  const address = await startListening(server, name, options.address);
  const listener = wrapListener(server, options, address, ledger);
  return {
    address: listener.address,
    addressText: listener.addressText,
    get connectionCount() {
      return listener.connectionCount;
    },
    close: (graceMs = 0) => {
      isClosing = true;
      plain?.drain();
      return listener.close(graceMs);
    },
  };
}

function makeServer(options: HttpListenerOptions): Server {
  const headersTimeoutMs = headersTimeoutOf(options) - (options.onPlainRequest ? holdMsOf(options) : 0);
  const settings: ServerOptions = {
    noDelay: true,
    headersTimeout: headersTimeoutMs,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    keepAliveTimeout: keepAliveTimeoutOf(options),
    maxHeaderSize: maxHeaderBytesOf(options),
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, headersTimeoutMs),
  };
  if (!options.tls) return createServer(settings);
  return createTlsServer({ ...settings, handshakeTimeout: TLS_HANDSHAKE_LIMIT_MS, ...options.tls });
}

function maxHeaderBytesOf({ maxHeaderBytes = 16_384 }: HttpListenerOptions): number {
  return maxHeaderBytes;
}

function headersTimeoutOf({ headersTimeoutMs = 10_000 }: HttpListenerOptions): number {
  return headersTimeoutMs;
}

function keepAliveTimeoutOf({ keepAliveTimeoutMs = 15_000 }: HttpListenerOptions): number {
  return keepAliveTimeoutMs;
}

/** A fifth of the time for a head is spent before its connection is passed on. */
function holdMsOf(options: HttpListenerOptions): number {
  return headersTimeoutOf(options) / 5;
}

/** Stands before Node's own parser, which gets the connections that are not plain. */
function interceptPlain(
  server: Server,
  options: HttpListenerOptions,
  onRequest: NonNullable<HttpListenerOptions["onPlainRequest"]>,
): PlainConnections {
  const event = options.tls ? "secureConnection" : "connection";
  const [accept] = server.listeners(event);
  if (accept === undefined) throw new TypeError(`This version of Node accepts HTTP connections by no ${event}`);
  server.removeListener(event, accept as () => void);
  const plain = new PlainConnections({
    onRequest: (request, response) => answer(options, onRequest, request, response),
    isPlainUrl: options.isPlainUrl,
    passOn: (socket) => void accept.call(server, socket),
    refuse: (socket) => refuseBadRequest(new Error("The connection ended inside a request"), socket),
    maxHeadBytes: Math.min(PLAIN_HEAD_BYTES, maxHeaderBytesOf(options)),
    keepAliveTimeoutMs: keepAliveTimeoutOf(options),
    minBytesPerSecond: options.minBytesPerSecond ?? 1_024,
    holdMs: holdMsOf(options),
  });
  server.on(event, (socket: Socket) => {
    if (!socket.destroyed) plain.take(socket);
  });
  return plain;
}

function answer<Request extends HttpRequest, Response extends HttpResponse>(
  { name, log }: HttpListenerOptions,
  onRequest: (request: Request, response: Response) => Promise<void> | void,
  request: Request,
  response: Response,
): void {
  const onFailure = (error: unknown): void => {
    log?.error("request.failed", { listener: name, method: request.method, path: pathOf(request.url), error });
    if (response.headersSent) response.destroy();
    else sendFailure(response);
  };
  try {
    const answering = onRequest(request, response);
    if (answering instanceof Promise) answering.catch(onFailure);
  } catch (error) {
    onFailure(error);
  }
}

function sendFailure(response: HttpResponse): void {
  const error = { code: "INTERNAL", message: "The server failed to answer; its log says why" };
  const body = Buffer.from(JSON.stringify({ error }));
  const type = ["content-type", "application/json; charset=utf-8", "x-content-type-options", "nosniff"];
  response.writeHead(500, [...type, "content-length", String(body.length), "cache-control", "no-store"]);
  response.end(body);
}

/** The query may hold tokens, so logs get the path alone. */
function pathOf(url: string | undefined): string {
  return (url ?? "").split("?", 1)[0] ?? "";
}

/** Answers what is not HTTP in HTTP's own words, then hangs up. */
function refuseBadRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  // An answer that has begun on this connection must not get ours in its middle.
  const pending = (socket as { _httpMessage?: ServerResponse })._httpMessage;
  if (!socket.writable || pending?.headersSent || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, code] =
    error.code === "HPE_HEADER_OVERFLOW"
      ? ["431 Request Header Fields Too Large", "HEADERS_TOO_LARGE"]
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? ["408 Request Timeout", "REQUEST_TIMEOUT"]
        : ["400 Bad Request", "REQUEST_MALFORMED"];
  const body = JSON.stringify({ error: { code, message: `The request cannot be read: ${status.slice(4)}` } });
  const head = `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
}
