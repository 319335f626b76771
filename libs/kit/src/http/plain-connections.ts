import type { Socket } from "node:net";
import { type PlainHead, parsePlainHead } from "./plain-head.ts";
import { type PlainAnswerer, PlainRequest, PlainResponse } from "./plain-response.ts";

interface PlainConnectionsOptions {
  /** Answers a request. It must not throw. */
  readonly onRequest: (request: PlainRequest, response: PlainResponse) => void;
  /** Whether a request for this is answered here; without it, each is. */
  readonly isPlainUrl?: ((url: string) => boolean) | undefined;
  /** Gives a connection to the whole parser, which reads what was read here once more. */
  readonly passOn: (socket: Socket) => void;
  /** Answers that what came is no request, and hangs up. */
  readonly refuse: (socket: Socket) => void;
  /** Longer heads are not judged here. */
  readonly maxHeadBytes: number;
  /** How long an idle connection is kept. */
  readonly keepAliveTimeoutMs: number;
  /** An answer that was given whole has that time and, beside it, what its bytes take at this rate; 0 cuts nobody. */
  readonly minBytesPerSecond: number;
  /** How long the beginning of a request is waited for here before it is passed on. */
  readonly holdMs: number;
}

const MAX_SWEEP_MS = 1_000;
const NO_BYTES = new Uint8Array(0);
/** A body that comes in more pieces is slow: it goes another way, where what has come of it is not copied for each. */
const MAX_PIECES = 8;

/**
 * Connections on which nothing but plain requests came, answered one after the other: GET and HEAD without a body, and PUT
 * with a short one, once it has come.
 *
 * Most requests to a server of small files are of that kind, and for them what `node:http` does (two streams a request, two
 * timers an answer) costs more than the answer. The first request that is not plain takes its connection to `node:http`
 * for good, with all bytes from that request on: nothing is parsed twice, and what is unusual is judged in one place only.
 *
 * A connection is in `#all` from `take` until it is passed on or closed.
 */
export class PlainConnections {
  readonly #options: PlainConnectionsOptions;
  readonly #all = new Set<PlainConnection>();
  /** From the first connection on: a listener may fail to listen, and then nobody drains it. */
  #sweeping: NodeJS.Timeout | undefined;
  #isDraining = false;

  constructor(options: PlainConnectionsOptions) {
    this.#options = options;
  }

  /** Takes over an accepted connection. */
  take(socket: Socket): void {
    if (!this.#isDraining) this.#sweeping ??= this.#startSweeping();
    this.#all.add(
      new PlainConnection(socket, this.#options, {
        forget: (connection) => void this.#all.delete(connection),
        isDraining: () => this.#isDraining,
      }),
    );
  }

  /** Idle connections end now, the others behind their answer; a head that has begun is still waited for. */
  drain(): void {
    this.#isDraining = true;
    clearInterval(this.#sweeping);
    for (const connection of this.#all) connection.endIfIdle();
  }

  #startSweeping(): NodeJS.Timeout {
    const { keepAliveTimeoutMs, holdMs } = this.#options;
    const intervalMs = Math.min(MAX_SWEEP_MS, keepAliveTimeoutMs / 4, holdMs / 2);
    return setInterval(() => this.#sweep(), Math.max(1, intervalMs)).unref();
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const connection of this.#all) connection.check(nowMs);
  }
}

interface Owner {
  forget(connection: PlainConnection): void;
  isDraining(): boolean;
}

class PlainConnection implements PlainAnswerer {
  readonly socket: Socket;
  readonly #options: PlainConnectionsOptions;
  readonly #owner: Owner;
  /** The beginning of a request, and in how many pieces it came. */
  #rest: Uint8Array = NO_BYTES;
  #pieces = 0;
  /** Under way; while there is one, nothing is read. */
  #response: PlainResponse | undefined;
  /** The peer sends nothing more. */
  #isLast = false;
  #isParsing = false;
  #hasAsked = false;
  /** Since when the peer is waited for, as of the sweep that saw it first. */
  #waitsSinceMs: number | undefined;
  readonly #onData = (bytes: Uint8Array): void => {
    // A head has one time, in how many pieces it may come; the first head has it from the beginning of the connection.
    if (this.#rest.length === 0 && this.#hasAsked) this.#waitsSinceMs = undefined;
    this.#pieces = this.#rest.length === 0 ? 1 : this.#pieces + 1;
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#parse();
  };
  readonly #onEnd = (): void => {
    // Behind what waits in the socket, so nothing but the beginning of a request can be left.
    if (this.#response !== undefined) this.#isLast = true;
    else if (this.#rest.length > 0) this.#options.refuse(this.socket);
    else this.socket.destroySoon();
  };
  readonly #onClose = (): void => {
    this.#owner.forget(this);
    this.#response?.onGone();
  };
  readonly #onTaken = (error?: Error | null): void => {
    // Its `close` tells the answer.
    if (error) return;
    this.#waitsSinceMs = undefined;
    this.#goOn();
  };

  constructor(socket: Socket, options: PlainConnectionsOptions, owner: Owner) {
    this.socket = socket;
    this.#options = options;
    this.#owner = owner;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onClose);
    socket.on("error", ignore);
  }

  tailOfHead(closes: boolean): string {
    const connection = closes || this.#isEnding() ? CLOSE : keepAlive(this.#options.keepAliveTimeoutMs);
    return `Date: ${dateText()}\r\n${connection}\r\n\r\n`;
  }

  onAnswered(closes: boolean): void {
    if (closes || this.#isEnding()) this.socket.destroySoon();
    // A peer that asks again and again but takes no answer would fill the memory.
    else if (this.socket.writableLength > 0) this.socket.write(NO_BYTES, this.#onTaken);
    else if (this.#isParsing) this.#response = undefined;
    else this.#goOn();
  }

  #isEnding(): boolean {
    return this.#isLast || this.#owner.isDraining();
  }

  endIfIdle(): void {
    if (this.#response === undefined && this.#rest.length === 0) this.socket.destroySoon();
  }

  check(nowMs: number): void {
    // Who answers watches over answers under way.
    if (this.#response !== undefined && !this.#response.isEnded) return;
    this.#waitsSinceMs ??= nowMs;
    const waitedMs = nowMs - this.#waitsSinceMs;
    const isBeginning = this.#response === undefined && (this.#rest.length > 0 || !this.#hasAsked);
    if (!isBeginning) {
      if (waitedMs > this.#options.keepAliveTimeoutMs + this.#takingMs()) this.socket.destroy();
    } else if (waitedMs >= this.#options.holdMs) this.#passOn();
  }

  /** The time that the peer may need for what it has not taken: how much of a write it has taken is not told. */
  #takingMs(): number {
    const { writableLength } = this.socket;
    return writableLength === 0 ? 0 : (writableLength * 1_000) / this.#options.minBytesPerSecond;
  }

  #goOn(): void {
    this.#response = undefined;
    if (this.#isEnding()) this.socket.destroySoon();
    else if (!this.socket.destroyed) this.socket.resume();
  }

  #parse(): void {
    this.#isParsing = true;
    while (this.#response === undefined && this.#rest.length > 0) {
      const head = parsePlainHead(this.#rest, this.#options.maxHeadBytes);
      if (head === undefined) break;
      if (head === "unusual" || this.#options.isPlainUrl?.(head.url) === false) {
        this.#passOn();
        break;
      }
      const end = head.endOffset + head.bodyBytes;
      if (end > this.#rest.length) {
        if (this.#pieces >= MAX_PIECES) this.#passOn();
        break;
      }
      const body = head.bodyBytes === 0 ? null : this.#rest.subarray(head.endOffset, end);
      this.#rest = end === this.#rest.length ? NO_BYTES : this.#rest.subarray(end);
      this.#answer(head, body);
    }
    this.#isParsing = false;
  }

  #answer(head: PlainHead, body: Uint8Array | null): void {
    const { socket } = this;
    const response = new PlainResponse(this, head.method);
    this.#hasAsked = true;
    this.#waitsSinceMs = undefined;
    this.#response = response;
    this.#options.onRequest(new PlainRequest(head, socket, body), response);
    if (this.#response === undefined) return;
    // The next requests wait in the socket, and then at the peer.
    socket.pause();
    this.#giveBack();
  }

  #giveBack(): void {
    if (this.#rest.length > 0) this.socket.unshift(this.#rest);
    this.#rest = NO_BYTES;
  }

  #passOn(): void {
    const { socket } = this;
    this.#owner.forget(this);
    socket.removeListener("data", this.#onData);
    socket.removeListener("end", this.#onEnd);
    socket.removeListener("close", this.#onClose);
    socket.pause();
    this.#giveBack();
    this.#options.passOn(socket);
    socket.removeListener("error", ignore);
    socket.resume();
  }
}

function ignore(): void {}

const CLOSE = "Connection: close";

function keepAlive(timeoutMs: number): string {
  return `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(timeoutMs / 1_000)}`;
}

let dateSecond = 0;
let date = "";

/** Made once a second. */
function dateText(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    date = new Date(second * 1_000).toUTCString();
  }
  return date;
}
