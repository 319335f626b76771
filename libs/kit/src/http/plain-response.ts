import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { HttpRequest, HttpResponse } from "./http-exchange.ts";
import type { PlainHead, PlainMethod } from "./plain-head.ts";

/** A request that has come whole: there is nothing to wait for. */
export class PlainRequest implements HttpRequest {
  readonly method: PlainMethod;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly socket: Socket;
  readonly complete = true;
  readonly destroyed = false;
  #body: Uint8Array | null;

  /** @param body `null` for none. */
  constructor({ method, url, rawHeaders }: PlainHead, socket: Socket, body: Uint8Array | null) {
    this.method = method;
    this.url = url;
    this.rawHeaders = rawHeaders;
    this.socket = socket;
    this.#body = body;
  }

  get readableEnded(): boolean {
    return this.#body === null;
  }
  get readableLength(): number {
    return this.#body?.length ?? 0;
  }

  /** All of the body, once. */
  read(): Uint8Array | null {
    const body = this.#body;
    this.#body = null;
    return body;
  }
  resume(): void {}
  destroy(): void {
    this.socket.destroy();
  }
  on(): void {}
  once(): void {}
  removeListener(): void {}
}

/** What an answer needs of its connection. */
export interface PlainAnswerer {
  readonly socket: Socket;
  /** The lines that end each head, such as `Date`. */
  tailOfHead(closes: boolean): string;
  /** The answer is given whole. */
  onAnswered(closes: boolean): void;
}

type OnTaken = (error?: Error | null) => void;

/** An answer with a head that holds a length, or with none and a connection that ends behind it. */
export class PlainResponse implements HttpResponse {
  readonly #answerer: PlainAnswerer;
  readonly #isHead: boolean;
  /** Not yet given to the socket: it goes with the first bytes. */
  #head = "";
  #closes = false;
  #hasBody = true;
  /** Bytes that the head promises and that are still to come; none are promised without a length. */
  #leftBytes: number | undefined;
  #onClose: (() => void)[] | undefined;
  headersSent = false;
  isEnded = false;
  destroyed = false;

  constructor(answerer: PlainAnswerer, method: string) {
    this.#answerer = answerer;
    this.#isHead = method === "HEAD";
  }

  writeHead(status: number, headers: readonly string[]): void {
    if (this.headersSent) throw new TypeError("The head of an answer is written once");
    let text = statusLine(status);
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i] as string;
      const value = headers[i + 1] as string;
      if (NO_NAME.test(name) || NO_VALUE.test(value)) throw new TypeError(`Header ${name} cannot be sent as it is`);
      text += `${name}: ${value}\r\n`;
      if (name.length === CONTENT_LENGTH.length && name.toLowerCase() === CONTENT_LENGTH) {
        this.#leftBytes = Number(value);
      } else if (name.length === CONNECTION.length && name.toLowerCase() === CONNECTION) {
        throw new TypeError("Who answers does not decide what becomes of the connection");
      }
    }
    this.#hasBody = !this.#isHead && status !== 204 && status !== 304;
    this.#closes = this.#hasBody && this.#leftBytes === undefined;
    this.#head = text + this.#answerer.tailOfHead(this.#closes);
    this.headersSent = true;
  }

  write(bytes: Uint8Array, onTaken?: OnTaken): boolean {
    return this.#send(bytes, onTaken);
  }

  end(bytes?: Uint8Array, onTaken?: OnTaken): void {
    this.#send(bytes, onTaken);
    this.isEnded = true;
    // One byte more or less, and the client would read the next answer in the wrong place.
    if (this.#hasBody && this.#leftBytes !== undefined && this.#leftBytes !== 0) this.destroy();
    else this.#answerer.onAnswered(this.#closes);
  }

  #send(bytes: Uint8Array | undefined, onTaken: OnTaken | undefined): boolean {
    if (this.isEnded) throw new TypeError("The answer has ended already");
    if (!this.headersSent) throw new TypeError("The head of an answer comes first");
    const { socket } = this.#answerer;
    const body = this.#hasBody && bytes !== undefined && bytes.length > 0 ? bytes : undefined;
    if (body !== undefined && this.#leftBytes !== undefined) this.#leftBytes -= body.length;
    const head = this.#head;
    if (head === "") {
      if (body !== undefined) return socket.write(body, onTaken);
      if (onTaken) process.nextTick(onTaken);
      return true;
    }
    this.#head = "";
    if (body === undefined) return socket.write(head, "latin1", onTaken);
    // Both in one call of the system.
    socket.cork();
    socket.write(head, "latin1");
    const isTaken = socket.write(body, onTaken);
    socket.uncork();
    return isTaken;
  }

  /** Never called: who has sent its body waits for nothing. */
  writeContinue(): void {}

  destroy(): void {
    this.#answerer.socket.destroy();
    this.destroyed = true;
  }

  /** Of `close` alone: no other event is told. */
  on(event: "close" | "error", listener: () => void): void {
    if (event !== "close") return;
    this.#onClose ??= [];
    this.#onClose.push(listener);
  }

  once(event: "close" | "error", listener: () => void): void {
    this.on(event, listener);
  }

  /** The connection is gone. */
  onGone(): void {
    this.destroyed = true;
    for (const listener of this.#onClose?.splice(0) ?? []) listener();
  }
}

const CONTENT_LENGTH = "content-length";
const CONNECTION = "connection";
const NO_NAME = /[^!#$%&'*+.^_`|~0-9A-Za-z-]|^$/;
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

const statusLines = new Map<number, string>();

function statusLine(status: number): string {
  const known = statusLines.get(status);
  if (known !== undefined) return known;
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`;
  statusLines.set(status, line);
  return line;
}
