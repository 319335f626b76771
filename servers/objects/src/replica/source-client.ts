import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Readable } from "node:stream";
import { REPLICA_PATH } from "./replica-source.ts";

/** What the source answered, or that it did not; `code` is the source's own, or `SOURCE_UNREACHABLE`, `SOURCE_SILENT`. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface SourceClientOptions {
  /** `https://host:port`. */
  readonly url: string;
  readonly token: string;
  /** Certificates of the authorities that signed the source's; the system's, if absent. */
  readonly ca?: Buffer | undefined;
  /** Those of a source that is well, if absent. */
  readonly limits?: SourceLimits;
}

/** How long is waited for a source, in ms. */
interface SourceLimits {
  /** Until the head of an answer is there. */
  readonly answerMs: number;
  /** Nothing came of a stream, where a heartbeat comes three times as often. */
  readonly silenceMs: number;
  /** Nothing came of a large body: its bytes wait for the budget of the source's disk, and nothing can be said between them. */
  readonly bodySilenceMs: number;
}

/** Of a source that is well. */
const SOURCE_LIMITS: SourceLimits = { answerMs: 30_000, silenceMs: 20_000, bodySilenceMs: 120_000 };

/** Where a copy stands. */
export interface StreamPosition {
  readonly storeId: string;
  readonly epoch: number;
  readonly after: number;
  /** What the source said last of its drops. */
  readonly drops: number;
}

const ERROR_LIMIT_BYTES = 65_536;
/** 10,000 users with a policy of some KiB each. */
const USERS_LIMIT_BYTES = 64 << 20;
/** A body whose connection is cut goes on where it was, so often. */
const BLOB_TRIES = 5;

/** Asks the store that is followed. It keeps connections and holds no bytes. */
export class SourceClient {
  readonly #options: SourceClientOptions;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #abort = new AbortController();
  readonly #isSecure: boolean;
  readonly #limits: SourceLimits;

  constructor(options: SourceClientOptions) {
    this.#options = options;
    this.#limits = options.limits ?? SOURCE_LIMITS;
    this.#isSecure = options.url.startsWith("https:");
    const settings = { keepAlive: true, maxSockets: 4 };
    const { ca } = options;
    this.#agent = this.#isSecure ? new HttpsAgent({ ...settings, ...(ca ? { ca } : {}) }) : new HttpAgent(settings);
  }

  /** The bytes of the change stream from there on; returning from it ends the connection. @throws SourceError */
  async changes({ storeId, epoch, after, drops }: StreamPosition): Promise<AsyncIterable<Buffer>> {
    const query = new URLSearchParams({ epoch: String(epoch), after: String(after), drops: String(drops) });
    if (storeId !== "") query.set("store", storeId);
    return chunksOf(await this.#ask("GET", `changes?${query}`), this.#limits.silenceMs);
  }

  /**
   * The bytes of a large body; undefined if it is gone there. It goes on where it was cut.
   *
   * @throws SourceError, also while it is read
   */
  async blob(id: number, storeId: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const first = await this.#openBlob(id, storeId, 0);
    return first && this.#blobBytes(first, id, storeId);
  }

  /** What `users.json` of the source says. @throws SourceError */
  async users(): Promise<string> {
    return (await this.#readAll(await this.#ask("GET", "users"), USERS_LIMIT_BYTES)).toString("utf8");
  }

  /** Tells how far the copy is. @throws SourceError */
  async progress(after: number): Promise<void> {
    await this.#readAll(await this.#ask("POST", "progress", JSON.stringify({ after })), ERROR_LIMIT_BYTES);
  }

  /** Ends what is under way, and refuses what comes. */
  close(): void {
    this.#abort.abort();
    this.#agent.destroy();
  }

  async *#blobBytes(first: IncomingMessage, id: number, storeId: string): AsyncGenerator<Uint8Array> {
    let at = 0;
    let response: IncomingMessage | undefined = first;
    const sizeBytes = Number(first.headers["content-length"] ?? Number.NaN);
    for (let tries = 1; ; tries++) {
      try {
        if (response === undefined) throw new SourceError("BLOB_GONE", `Large body ${id} is gone at the source`);
        for await (const chunk of chunksOf(response, this.#limits.bodySilenceMs)) {
          at += chunk.length;
          yield chunk;
        }
        if (at === sizeBytes) return;
        throw new SourceError("SOURCE_CUT", `Large body ${id} was cut at byte ${at} of ${sizeBytes}`);
      } catch (error) {
        if (tries === BLOB_TRIES || this.#abort.signal.aborted || isRefusal(error)) throw error;
      }
      response = await this.#openBlob(id, storeId, at);
    }
  }

  async #openBlob(id: number, storeId: string, from: number): Promise<IncomingMessage | undefined> {
    try {
      return await this.#ask("GET", `blobs/${id}?${new URLSearchParams({ store: storeId, from: String(from) })}`);
    } catch (error) {
      if (error instanceof SourceError && error.code === "BLOB_GONE") return undefined;
      throw error;
    }
  }

  /** An answer with a good status. @throws SourceError */
  async #ask(method: string, path: string, body?: string): Promise<IncomingMessage> {
    const response = await this.#send(method, path, body);
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    const text = (await this.#readAll(response, ERROR_LIMIT_BYTES)).toString("utf8");
    throw refusalOf(statusCode, text);
  }

  async #readAll(response: IncomingMessage, limitBytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of chunksOf(response, this.#limits.silenceMs)) {
      sizeBytes += chunk.length;
      if (sizeBytes > limitBytes) {
        throw new SourceError("ANSWER_TOO_LARGE", `The source answers with more than ${limitBytes} bytes`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  #send(method: string, path: string, body: string | undefined): Promise<IncomingMessage> {
    const url = new URL(REPLICA_PATH + path, this.#options.url);
    const headers = {
      authorization: `Bearer ${this.#options.token}`,
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    };
    const settings = { method, headers, agent: this.#agent, signal: this.#abort.signal };
    return new Promise((resolve, reject) => {
      const request = this.#isSecure ? requestHttps(url, settings) : requestHttp(url, settings);
      const late = setTimeout(() => request.destroy(new Error("no answer in time")), this.#limits.answerMs);
      request.on("response", (response: IncomingMessage) => {
        clearTimeout(late);
        resolve(response);
      });
      request.on("error", (cause: Error) => {
        clearTimeout(late);
        reject(new SourceError("SOURCE_UNREACHABLE", `Cannot reach ${url.origin}: ${cause.message}`, { cause }));
      });
      request.end(body);
    });
  }
}

/** What a source says with its status and body. */
function refusalOf(statusCode: number, text: string): SourceError {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
    if (typeof error?.code === "string" && typeof error.message === "string") {
      return new SourceError(error.code.slice(0, 100), error.message.slice(0, 1_000));
    }
  } catch {
    // Somebody else answers there.
  }
  return new SourceError("NO_SOURCE", `What answers there with ${statusCode} is no source of replicas`);
}

/** Trying again at once would not help. */
function isRefusal(error: unknown): boolean {
  return error instanceof SourceError && !/^SOURCE_/.test(error.code);
}

/** The chunks as they come, as long as they come: only the time while somebody waits for one counts. */
async function* chunksOf(response: IncomingMessage, limitMs: number): AsyncGenerator<Buffer> {
  let timer: NodeJS.Timeout | undefined;
  const arm = (): void => {
    timer = setTimeout(() => {
      response.destroy(new SourceError("SOURCE_SILENT", `Nothing came for ${limitMs / 1_000} s`));
    }, limitMs);
  };
  try {
    arm();
    for await (const chunk of response as Readable & AsyncIterable<Buffer>) {
      clearTimeout(timer);
      yield chunk;
      arm();
    }
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    throw new SourceError("SOURCE_CUT", `The connection to the source was cut: ${(cause as Error).message}`, { cause });
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
}
