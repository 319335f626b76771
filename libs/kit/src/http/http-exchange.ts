import type { Socket } from "node:net";

type Listener = (...args: never[]) => void;

/** What a handler may ask of a request, whoever parsed it: `node:http`, or {@link PlainConnections} for the plainest. */
export interface HttpRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Name, value, name, value, …, one byte a character. */
  readonly rawHeaders: readonly string[];
  readonly socket: Socket;
  /** Whether all of the body has come. */
  readonly complete: boolean;
  readonly destroyed: boolean;
  readonly readableEnded: boolean;
  readonly readableLength: number;
  read(): unknown;
  resume(): unknown;
  destroy(): unknown;
  on(event: string, listener: Listener): unknown;
  once(event: string, listener: Listener): unknown;
  removeListener(event: string, listener: Listener): unknown;
}

/** What a handler may do to answer. */
export interface HttpResponse {
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  /** @param headers Name, value, name, value, …; Date and what belongs to the connection are added. */
  writeHead(status: number, headers: string[]): unknown;
  /** @param onTaken Called when the bytes have left the process, or with an error if they never will. */
  write(bytes: Uint8Array, onTaken?: (error?: Error | null) => void): unknown;
  end(bytes?: Uint8Array, onTaken?: (error?: Error | null) => void): unknown;
  writeContinue(): void;
  destroy(): unknown;
  /** `close` tells that the connection is gone; behind a whole answer it is told or not. */
  on(event: "close" | "error", listener: Listener): unknown;
  once(event: "close" | "error", listener: Listener): unknown;
}
