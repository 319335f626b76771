/** Verbs of the meta protocol that are about one key. @see memcached 1.6 doc/protocol.txt, "Meta Commands" */
export type MetaVerb = "mg" | "ms" | "md" | "ma" | "me";

/** One request in the proxy's inner language. Immutable; the bytes are its own. */
export interface MetaRequest {
  readonly verb: MetaVerb;
  /** Decoded if it came in base64; 1 to 250 bytes. */
  readonly key: Uint8Array;
  /**
   * Flags with their tokens, such as `v`, `t`, `T60`; never `q`, `k`, `O` or `b`: those are about the client's
   * connection, and are put back by its dialect.
   */
  readonly flags: readonly string[];
  /** Of `ms` only. */
  readonly value?: Uint8Array;
}

/**
 * One reply. `ERROR`, `CLIENT_ERROR` and `SERVER_ERROR` carry the rest of their line in `message`.
 */
export interface MetaReply {
  readonly code: "HD" | "VA" | "EN" | "NS" | "EX" | "NF" | "ME" | "ERROR" | "CLIENT_ERROR" | "SERVER_ERROR";
  /** Return flags with their tokens, as the server sent them. */
  readonly flags: readonly string[];
  /** Of `VA` only. */
  readonly value?: Uint8Array;
  readonly message?: string;
}

/** Why a server gave no reply. `down` and `overloaded`: it was not even sent. */
export type ExchangeFailure = "down" | "overloaded" | "closed" | "timeout";

/** A reply, or why there is none. */
export type ExchangeResult =
  | { readonly ok: true; readonly reply: MetaReply }
  | { readonly ok: false; readonly failure: ExchangeFailure };

/** What policies reach servers by. */
export interface Exchange {
  /**
   * Sends a request to a server. `done` is called exactly once, never before this returns.
   *
   * @param server Which one; of any pool and any placement of the cluster in use.
   */
  send(server: ServerRef, request: MetaRequest, done: (result: ExchangeResult) => void): void;
}

/** Position in the list of all servers of the cluster in use; the same address has one position however often it is named. */
export type ServerRef = number;
