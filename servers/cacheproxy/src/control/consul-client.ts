import { EventEmitter } from "node:events";
import Consul from "consul";

/** A key of Consul's KV store. */
export interface KvEntry {
  readonly key: string;
  readonly value: string;
  /** For compare-and-set; kept as text, for it may be larger than a number holds. */
  readonly modifyIndex: string;
  readonly session: string | undefined;
}

/** One instance of a service. */
export interface ServiceInstance {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly meta: Readonly<Record<string, string>>;
  readonly weight: number;
  /** Some check of it or its node is critical. */
  readonly isCritical: boolean;
}

/** A blocking query's answer. */
export interface Indexed<T> {
  readonly index: bigint;
  readonly value: T;
}

/** How long a query may hang, and what ends it earlier. */
export interface BlockingOptions {
  /** Of the answer before; 0 answers at once. */
  readonly index: bigint;
  readonly waitMs: number;
  /** Aborted queries reject. */
  readonly signal: AbortSignal;
}

/** `code` is API: never renamed, never reused. */
export type ConsulErrorCode = "CONSUL_UNREACHABLE" | "CONSUL_REFUSED" | "CONSUL_SESSION_GONE";

export class ConsulError extends Error {
  override readonly name = "ConsulError";
  readonly code: ConsulErrorCode;

  constructor(code: ConsulErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface ConsulClientOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  readonly token: string;
  /** For queries that do not block. */
  readonly timeoutMs: number;
}

/** Time on top of the wait for the answer of a blocking query to come; Consul itself adds up to a sixteenth. */
const BLOCKING_SLACK_MS = 5_000;

interface RawKv {
  readonly Key: string;
  readonly Value: string | null;
  readonly ModifyIndex: number;
  readonly Session?: string;
}

interface RawService {
  readonly Node: { readonly Address: string };
  readonly Service: {
    readonly ID: string;
    readonly Address: string;
    readonly Port: number;
    readonly Meta?: Record<string, string> | null;
    readonly Weights?: { readonly Passing: number };
  };
  readonly Checks: readonly { readonly Status: string }[];
}

interface RawResponse {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly statusCode?: number;
}

type Call = (options: Record<string, unknown>) => Promise<unknown>;

/** The package as it is; its own types know neither compare-and-set with large indexes nor contexts nor waits. */
interface ConsulPackage {
  readonly kv: { readonly get: Call; readonly set: Call };
  readonly session: { readonly create: Call; readonly renew: Call; readonly destroy: Call };
  readonly health: { readonly service: Call };
  destroy(): void;
}

/**
 * What we need of Consul's HTTP API, through the `consul` package, whose types leave out half of it. Reads are never
 * stale: agreement rests on them.
 */
export class ConsulClient {
  readonly #consul: ConsulPackage;
  readonly #timeoutMs: number;

  constructor({ url, token, timeoutMs }: ConsulClientOptions) {
    const { hostname, port, protocol } = new URL(url);
    const secure = protocol === "https:";
    const host = hostname.replace(/^\[|\]$/g, "");
    const defaults = token === "" ? {} : { defaults: { token } };
    const made: unknown = new Consul({ host, port: Number(port || (secure ? 443 : 80)), secure, ...defaults });
    this.#consul = made as ConsulPackage;
    this.#timeoutMs = timeoutMs;
  }

  /** Keys that begin with `prefix`, or the one key if `isExact`. */
  async watchKv(prefix: string, isExact: boolean, options: BlockingOptions): Promise<Indexed<KvEntry[]>> {
    const { index, value } = await this.#blocking<RawKv[] | RawKv>(
      (given) => this.#consul.kv.get(given),
      { key: prefix, ...(isExact ? {} : { recurse: true }) },
      options,
    );
    const raw = value === undefined ? [] : Array.isArray(value) ? value : [value];
    return { index, value: raw.map(entryOf) };
  }

  async getKv(key: string): Promise<KvEntry | undefined> {
    const raw = (await this.#call("read", (given) => this.#consul.kv.get(given), { key })) as RawKv | undefined;
    return raw ? entryOf(raw) : undefined;
  }

  /** Keys that begin with `prefix`. */
  async listKv(prefix: string): Promise<KvEntry[]> {
    const list: Call = (given) => this.#consul.kv.get(given);
    const raw = (await this.#call("read", list, { key: prefix, recurse: true })) as RawKv[] | undefined;
    return (raw ?? []).map(entryOf);
  }

  /** Writes if the key has not changed since; `"0"` if it must not exist. @returns Whether it was written. */
  async compareAndSet(key: string, value: string, modifyIndex: string): Promise<boolean> {
    const set: Call = (given) => this.#consul.kv.set(given);
    return (await this.#call("write", set, { key, value, cas: modifyIndex })) === true;
  }

  /** Writes and locks. @returns `false` if another session holds it, or held it a moment ago. */
  async acquire(key: string, value: string, session: string): Promise<boolean> {
    const set: Call = (given) => this.#consul.kv.set(given);
    return (await this.#call("lock", set, { key, value, acquire: session })) === true;
  }

  /** Makes a session whose locks' keys vanish with it. */
  async createSession(name: string, ttlMs: number): Promise<string> {
    const create: Call = (given) => this.#consul.session.create(given);
    const ttl = `${Math.ceil(ttlMs / 1_000)}s`;
    const made = await this.#call("create a session in", create, { name, ttl, behavior: "delete", lockdelay: "1s" });
    return (made as { readonly ID: string }).ID;
  }

  /** @throws ConsulError `CONSUL_SESSION_GONE` */
  async renewSession(id: string): Promise<void> {
    await this.#call("renew a session in", (given) => this.#consul.session.renew(given), { id });
  }

  async destroySession(id: string): Promise<void> {
    await this.#call("end a session in", (given) => this.#consul.session.destroy(given), { id });
  }

  /** Every instance of a service, healthy or not. */
  async watchService(service: string, options: BlockingOptions): Promise<Indexed<ServiceInstance[]>> {
    const query: Call = (given) => this.#consul.health.service(given);
    const { index, value } = await this.#blocking<RawService[]>(query, { service }, options);
    return { index, value: (value ?? []).map(instanceOf) };
  }

  close(): void {
    this.#consul.destroy();
  }

  async #call(what: string, call: Call, options: Record<string, unknown>): Promise<unknown> {
    try {
      return await call({ ...options, timeout: this.#timeoutMs });
    } catch (error) {
      throw describe(what, error);
    }
  }

  async #blocking<T>(
    call: Call,
    options: Record<string, unknown>,
    blocking: BlockingOptions,
  ): Promise<Indexed<T | undefined>> {
    const { index, waitMs, signal } = blocking;
    const abort = new AbortContext();
    const onAbort = (): void => void abort.emit("cancel");
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const query = index > 0n ? { index: index.toString(), wait: `${waitMs}ms` } : {};
      const timeout = Math.ceil(waitMs * (1 + 1 / 16)) + BLOCKING_SLACK_MS;
      const answer = (await call({ ...options, ...query, timeout, ctx: abort })) as [RawResponse, T | undefined];
      const [response, value] = answer;
      const text = response.headers["x-consul-index"] ?? "";
      if (!/^\d{1,20}$/.test(text)) throw new Error("the answer has no X-Consul-Index");
      return { index: BigInt(text), value };
    } catch (error) {
      throw describe("watch", error);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** What the package takes as a request's context: its "cancel" ends the request, and answers come with their headers. */
class AbortContext extends EventEmitter {
  readonly includeResponse = true;
}

function describe(what: string, error: unknown): ConsulError {
  const status = (error as { readonly statusCode?: number }).statusCode;
  const reason = error instanceof Error ? error.message : String(error);
  if (status === undefined)
    return new ConsulError("CONSUL_UNREACHABLE", `Cannot ${what} Consul: ${reason}`, { cause: error });
  const code = status === 404 && what.includes("session") ? "CONSUL_SESSION_GONE" : "CONSUL_REFUSED";
  const mend = status === 403 ? "; give a token that may do this with --consul-token" : "";
  return new ConsulError(code, `Cannot ${what} Consul (${status}): ${reason}${mend}`, { cause: error });
}

function entryOf(raw: RawKv): KvEntry {
  return { key: raw.Key, value: raw.Value ?? "", modifyIndex: String(raw.ModifyIndex), session: raw.Session };
}

function instanceOf({ Node: node, Service: service, Checks: checks }: RawService): ServiceInstance {
  return {
    id: service.ID,
    host: service.Address === "" ? node.Address : service.Address,
    port: service.Port,
    meta: service.Meta ?? {},
    weight: service.Weights?.Passing ?? 1,
    isCritical: checks.some((check) => check.Status === "critical"),
  };
}
