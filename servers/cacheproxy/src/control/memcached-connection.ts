import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ServerSpec } from "../engine/cluster.ts";
import { type ServerTls, serverTlsOptions } from "../server-tls.ts";

/** What a server is asked over. */
export interface ConnectionSettings {
  /** For servers that speak TLS. */
  readonly tls: ServerTls;
  /** Connecting and the answer together. */
  readonly timeoutMs: number;
}

const REPLY_LIMIT_BYTES = 65_536;

/**
 * A connection of the control plane's own to one server, apart from those of the clients' requests. One command at a
 * time; it connects when asked and again after a failure.
 */
export class MemcachedConnection {
  readonly #server: ServerSpec;
  readonly #settings: ConnectionSettings;
  readonly #onLost: () => void;
  #socket: Socket | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #isAsking = false;
  #isClosed = false;

  /** @param onLost Called when the server closes the connection while nothing is asked. */
  constructor(server: ServerSpec, settings: ConnectionSettings, onLost: () => void = () => undefined) {
    this.#server = server;
    this.#settings = settings;
    this.#onLost = onLost;
  }

  /**
   * Sends a command and gives its reply as text (Latin-1).
   *
   * @param command Without its line end.
   * @param isWhole Whether the text so far is the whole reply.
   * @throws Error if the server cannot be reached, closes, or has not answered in time
   */
  ask(command: string, isWhole: (text: string) => boolean): Promise<string> {
    const result = this.#tail.then(() => this.#exchange(command, isWhole));
    this.#tail = result.catch(() => undefined); // told to whoever asked
    return result;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #exchange(command: string, isWhole: (text: string) => boolean): Promise<string> {
    if (this.#isClosed) return Promise.reject(new Error("the connection was closed"));
    const socket = this.#socket ?? this.#connect();
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      let text = "";
      this.#isAsking = true;
      const end = (error: Error | undefined): void => {
        this.#isAsking = false;
        clearTimeout(timer);
        socket.off("data", onData).off("close", onClose);
        if (!error) {
          resolve(text);
          return;
        }
        // What comes late would be taken for the next command's reply.
        socket.destroy();
        if (this.#socket === socket) this.#socket = undefined;
        reject(error);
      };
      const onData = (bytes: Buffer): void => {
        text += bytes.toString("latin1");
        if (isWhole(text)) end(undefined);
        else if (text.length > REPLY_LIMIT_BYTES) end(new Error("the reply is longer than any of memcached's"));
      };
      const onClose = (): void => end(socket.errored ?? closedError());
      const { timeoutMs } = this.#settings;
      const timer = setTimeout(() => end(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      socket.on("data", onData).on("close", onClose);
      socket.write(`${command}\r\n`);
    });
  }

  #connect(): Socket {
    const { host, port, tls } = this.#server;
    const socket = tls ? connectTls({ ...serverTlsOptions(this.#settings.tls, host), port }) : connect({ host, port });
    socket.setNoDelay(true);
    socket.on("error", () => undefined); // "close" follows and has it
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      if (!this.#isAsking) this.#onLost();
    });
    return socket;
  }
}

/** Has the code of a reset, which an orderly end in the middle of a question comes to. */
function closedError(): Error {
  return Object.assign(new Error("the server closed the connection"), { code: "ECONNRESET" });
}
