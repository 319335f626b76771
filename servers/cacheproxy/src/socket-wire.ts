import { Socket } from "node:net";
import type { Wire } from "./engine/wire.ts";

/** Whom a socket's end is told to. */
export interface EndWatcher {
  onEnd(): void;
  onClosed(): void;
}

const NO_BYTES = new Uint8Array(0);

/** A socket as the engine writes to it. */
export class SocketWire implements Wire {
  readonly #socket: Socket;
  readonly #onDrain: () => void;
  readonly #tcp: Socket;

  /** @param tcp What is under `socket`, if that is TLS. */
  constructor(socket: Socket, onDrain: () => void, tcp = socket) {
    this.#socket = socket;
    this.#onDrain = onDrain;
    this.#tcp = tcp;
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    const socket = this.#socket;
    if (socket.destroyed) return true;
    socket.write(bytes.subarray(start, end));
    // Nothing is left when the system has taken it at once, as it nearly always does.
    if (socket.writableLength === 0) return true;
    socket.write(NO_BYTES, this.#onDrain);
    return false;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#tcp.resetAndDestroy();
    this.#socket.destroy();
  }
}

/** Tells the end of a socket, whatever the reason. */
export function watchEnd(socket: Socket, watcher: EndWatcher): void {
  socket.on("end", () => watcher.onEnd());
  // Why it failed does not matter: that it closes is told next.
  socket.on("error", () => undefined);
  socket.on("close", () => watcher.onClosed());
}

/**
 * Takes over an accepted connection so that its bytes are read into `buffer`, which all connections of a worker share:
 * they are told at once, before any other is read. Reading then allocates nothing.
 *
 * Node offers that (`onread`) only for connections that are made, not for those that are accepted, so the accepted one's
 * handle moves into a socket of ours. When either of the two is destroyed, so is the other. Without a handle where this
 * version of Node has it, the accepted socket is read by its events, which is slower.
 */
export function readIntoShared(accepted: Socket, buffer: Uint8Array, onBytes: (size: number) => void): Socket {
  const holder = accepted as Socket & { _handle?: unknown };
  const handle = holder._handle;
  if (handle === undefined || handle === null) {
    accepted.on("data", (bytes: Uint8Array) => {
      for (let start = 0; start < bytes.length; start += buffer.length) {
        const piece = bytes.subarray(start, start + buffer.length);
        buffer.set(piece);
        onBytes(piece.length);
      }
    });
    return accepted;
  }
  const onread = {
    buffer,
    callback: (size: number) => {
      onBytes(size);
      return true;
    },
  };
  // `handle` is an option of the constructor that the types do not have.
  const options: object = { handle, allowHalfOpen: true, onread };
  const socket = new Socket(options);
  holder._handle = null;
  socket.on("close", () => accepted.destroy());
  accepted.on("close", () => socket.destroy());
  return socket;
}
