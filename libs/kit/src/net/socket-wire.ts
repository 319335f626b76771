import { Socket } from "node:net";

/** A connection's way out, as a server's engine or reactor writes to it. What comes in is told to its owner directly. */
export interface Wire {
  /**
   * Sends `bytes[start, end)`. Called again only after the owner was told that it drained, if it said `false`.
   *
   * @returns Whether all was taken at once, so that the bytes are the caller's again; otherwise they are the wire's until
   *   it has drained.
   */
  write(bytes: Uint8Array, start: number, end: number): boolean;
  /** Stops and starts reading. What was read already may still be told once. */
  pause(): void;
  resume(): void;
  /** Closes when what was written is out. */
  end(): void;
  /** Closes at once, by a reset: what was written and is not there yet never gets there. */
  destroy(): void;
}

/** Whom a socket's end is told to. */
export interface EndWatcher {
  onEnd(): void;
  onClosed(): void;
}

const NO_BYTES = new Uint8Array(0);

/** What Node's sockets write through; not of its public interface. */
interface WriteHandle {
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  /** Bytes that the system has not taken. */
  readonly writeQueueSize: number;
}

/** What Node wants for a write that the system does not take at once. */
interface WriteRequest {
  handle?: WriteHandle;
  oncomplete?: (status: number) => void;
  /** The bytes that the system reads until then: nobody else need keep them alive. */
  buffer?: Uint8Array;
}

/** Made by Node itself; known after its first write. */
let WriteRequestClass: (new () => WriteRequest) | undefined;

/**
 * A socket as the engine writes to it.
 *
 * A write goes to the socket's handle directly, for the stream above it costs more than the write itself: the engine
 * never has two writes at once and keeps the bytes until they are out, so nothing of a stream is needed. Over TLS, and in
 * a Node that does not have the handle's methods as they are known here, it goes through the stream.
 */
export class SocketWire implements Wire {
  readonly #socket: Socket;
  readonly #onDrain: () => void;
  readonly #tcp: Socket;
  #handle: WriteHandle | undefined;
  #request: WriteRequest | undefined;
  #isWaiting = false;
  #isEnding = false;

  /** @param tcp What is under `socket`, if that is TLS. */
  constructor(socket: Socket, onDrain: () => void, tcp = socket) {
    this.#socket = socket;
    this.#onDrain = onDrain;
    this.#tcp = tcp;
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    const socket = this.#socket;
    if (socket.destroyed) return true;
    const view = bytes.subarray(start, end);
    const handle = this.#handle ?? this.#findHandle();
    if (handle && WriteRequestClass) return this.#writeTo(handle, WriteRequestClass, view);
    socket.write(view);
    // Nothing is left when the system has taken it at once, as it nearly always does.
    if (socket.writableLength === 0) return true;
    socket.write(NO_BYTES, this.#onDrain);
    return false;
  }

  #writeTo(handle: WriteHandle, RequestClass: new () => WriteRequest, view: Uint8Array): boolean {
    const request = this.#request ?? this.#newRequest(handle, RequestClass);
    if (handle.writeBuffer(request, view) !== 0) {
      this.#socket.destroy();
      return true;
    }
    if (handle.writeQueueSize === 0) return true;
    // Without this the collector may take the bytes from under the system's hands, if their owner lets them go.
    request.buffer = view;
    this.#request = undefined; // it is Node's until it completes
    this.#isWaiting = true;
    return false;
  }

  /** It serves all writes that the system takes at once. */
  #newRequest(handle: WriteHandle, RequestClass: new () => WriteRequest): WriteRequest {
    const request = new RequestClass();
    request.handle = handle;
    request.oncomplete = this.#onComplete;
    this.#request = request;
    return request;
  }

  readonly #onComplete = (status: number): void => {
    this.#isWaiting = false;
    if (status !== 0) this.#socket.destroy();
    else if (this.#isEnding) this.#socket.end();
    else this.#onDrain();
  };

  /** The handle of a plain connection; the first write of all goes through its stream, which shows how it is done. */
  #findHandle(): WriteHandle | undefined {
    const socket = this.#socket as Socket & { _handle?: WriteHandle | null };
    const handle = socket._handle;
    if (socket !== this.#tcp || !handle) return undefined;
    if (typeof handle.writeBuffer !== "function" || typeof handle.writeQueueSize !== "number") return undefined;
    if (WriteRequestClass === undefined) {
      learnWriteRequest(handle);
      return undefined;
    }
    // Before that its stream may still hold bytes of its own.
    if (socket.writableLength === 0) this.#handle = handle;
    return this.#handle;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#isEnding = true;
    if (!this.#isWaiting) this.#socket.end();
  }

  destroy(): void {
    this.#tcp.resetAndDestroy();
    this.#socket.destroy();
  }
}

/**
 * How to ask for the bytes of a connection's writes that the system has not taken, also inside of one write; `undefined`
 * where that cannot be told: over TLS, and in a Node whose sockets are made otherwise.
 */
export function unsentBytesOf(socket: Socket): (() => number) | undefined {
  const plain = socket as Socket & { readonly encrypted?: boolean; readonly _handle?: Partial<WriteHandle> | null };
  if (plain.encrypted === true || typeof plain._handle?.writeQueueSize !== "number") return undefined;
  // Without a handle it is closed.
  return () => plain._handle?.writeQueueSize ?? 0;
}

/** Sees the next write through the handle, and keeps the class of its request. */
function learnWriteRequest(handle: WriteHandle): void {
  const own: { writeBuffer?: WriteHandle["writeBuffer"] } = handle;
  const { writeBuffer } = handle;
  own.writeBuffer = (request, bytes) => {
    delete own.writeBuffer;
    WriteRequestClass = request.constructor as new () => WriteRequest;
    return writeBuffer.call(handle, request, bytes);
  };
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
