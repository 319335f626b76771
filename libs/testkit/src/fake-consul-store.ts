import type { Timer, TimerClock } from "@kagami/clock";

/** A key as Consul's store keeps it. */
export interface FakeKv {
  readonly key: string;
  value: Uint8Array;
  flags: number;
  createIndex: number;
  modifyIndex: number;
  lockIndex: number;
  session: string | undefined;
}

/** A session. */
export interface FakeSession {
  readonly id: string;
  readonly name: string;
  readonly behavior: "release" | "delete";
  /** 0 without one. */
  readonly ttlMs: number;
  readonly lockDelayMs: number;
  readonly createIndex: number;
  timer: Timer | undefined;
}

/** An instance of a service, with its checks' worst state. */
export interface FakeService {
  readonly service: string;
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly meta?: Readonly<Record<string, string>>;
  readonly weight?: number;
  readonly status?: "passing" | "warning" | "critical";
}

/** What a write asks for beside the value. */
export interface KvPut {
  readonly flags: number;
  readonly cas: number | undefined;
  readonly acquire: string | undefined;
  readonly release: string | undefined;
}

/** Consul keeps sessions for up to twice their TTL; the fake does so exactly. */
const TTL_MULTIPLIER = 2;

/**
 * The state behind the fake: KV, sessions, services, and one index that every write raises. Like Consul's, it has a table
 * index for each of the three, a lock-delay after a session that was invalidated, and tombstones, so that a deletion
 * raises the index of its prefix.
 */
export class FakeConsulStore {
  readonly #clock: TimerClock;
  readonly #keys = new Map<string, FakeKv>();
  readonly #tombstones = new Map<string, number>();
  readonly #sessions = new Map<string, FakeSession>();
  readonly #services = new Map<string, Map<string, FakeService>>();
  readonly #serviceIndex = new Map<string, number>();
  readonly #lockDelays = new Map<string, number>();
  readonly #waiters = new Set<() => void>();
  #index = 10;
  #sessionCount = 0;
  #restoreCount = 0;

  constructor(clock: TimerClock) {
    this.#clock = clock;
  }

  /** How often a snapshot was restored; that ends every blocking query. */
  get restoreCount(): number {
    return this.#restoreCount;
  }

  get sessions(): readonly FakeSession[] {
    return [...this.#sessions.values()];
  }

  /** Calls back once at the next write. Returns what ends the wait. */
  onNextWrite(callback: () => void): () => void {
    this.#waiters.add(callback);
    return () => this.#waiters.delete(callback);
  }

  kv(key: string): FakeKv | undefined {
    return this.#keys.get(key);
  }

  /** Keys below a prefix in order, and the index of the latest change there, deletions included. */
  list(prefix: string): { readonly entries: FakeKv[]; readonly index: number } {
    const entries = [...this.#keys.values()].filter(({ key }) => key.startsWith(prefix));
    entries.sort((a, b) => (a.key < b.key ? -1 : 1));
    let index = 0;
    for (const { modifyIndex } of entries) index = Math.max(index, modifyIndex);
    for (const [key, deleted] of this.#tombstones) if (key.startsWith(prefix)) index = Math.max(index, deleted);
    // Without anything there Consul gives the index of the table, which any write raises.
    return { entries, index: index === 0 ? this.#index : index };
  }

  /** @returns Whether it was written. @throws Error for a session that does not exist. */
  put(key: string, value: Uint8Array, { flags, cas, acquire, release }: KvPut): boolean {
    const present = this.#keys.get(key);
    if (cas !== undefined && cas !== (present?.modifyIndex ?? 0)) return false;
    if (acquire !== undefined) {
      if (!this.#sessions.has(acquire)) throw new Error(`invalid session "${acquire}"`);
      if (present?.session !== undefined && present.session !== acquire) return false;
      if (present?.session === undefined && this.#isDelayed(key)) return false;
    }
    if (release !== undefined && (present?.session === undefined || present.session !== release)) return false;
    const index = ++this.#index;
    const isNewLock = acquire !== undefined && present?.session !== acquire;
    const session = release !== undefined ? undefined : (acquire ?? present?.session);
    this.#keys.set(key, {
      key,
      value,
      flags,
      createIndex: present?.createIndex ?? index,
      modifyIndex: index,
      lockIndex: (present?.lockIndex ?? 0) + (isNewLock ? 1 : 0),
      session,
    });
    this.#wake();
    return true;
  }

  /** @returns `false` if `cas` was not met. */
  delete(prefix: string, isRecursive: boolean, cas: number | undefined): boolean {
    if (cas !== undefined && (this.#keys.get(prefix)?.modifyIndex ?? 0) !== cas) return false;
    const keys = isRecursive ? this.list(prefix).entries.map(({ key }) => key) : [prefix];
    const index = ++this.#index;
    for (const key of keys) if (this.#keys.delete(key)) this.#tombstones.set(key, index);
    this.#wake();
    return true;
  }

  createSession(settings: Pick<FakeSession, "name" | "behavior" | "ttlMs" | "lockDelayMs">): FakeSession {
    const number = String(++this.#sessionCount).padStart(12, "0");
    const session: FakeSession = {
      ...settings,
      id: `00000000-0000-4000-8000-${number}`,
      createIndex: ++this.#index,
      timer: undefined,
    };
    this.#sessions.set(session.id, session);
    this.#startTtl(session);
    this.#wake();
    return session;
  }

  /** Begins the TTL anew. @returns `undefined` if there is no such session. */
  renewSession(id: string): FakeSession | undefined {
    const session = this.#sessions.get(id);
    if (session) this.#startTtl(session);
    return session;
  }

  /** Invalidates a session: its locks are released or their keys deleted, and cannot be had for the lock-delay. */
  destroySession(id: string): void {
    const session = this.#sessions.get(id);
    if (!session) return;
    session.timer?.cancel();
    this.#sessions.delete(id);
    const index = ++this.#index;
    for (const entry of [...this.#keys.values()]) {
      if (entry.session !== id) continue;
      if (session.lockDelayMs > 0) this.#lockDelays.set(entry.key, this.#clock.monotonicMs() + session.lockDelayMs);
      if (session.behavior === "delete") {
        this.#keys.delete(entry.key);
        this.#tombstones.set(entry.key, index);
      } else {
        entry.session = undefined;
        entry.modifyIndex = index;
      }
    }
    this.#wake();
  }

  /** Adds an instance, or changes the one with its id. */
  register(service: FakeService): void {
    const instances = this.#services.get(service.service) ?? new Map<string, FakeService>();
    instances.set(service.id, service);
    this.#services.set(service.service, instances);
    this.#serviceIndex.set(service.service, ++this.#index);
    this.#wake();
  }

  deregister(service: string, id: string): void {
    if (!this.#services.get(service)?.delete(id)) return;
    this.#serviceIndex.set(service, ++this.#index);
    this.#wake();
  }

  service(name: string): { readonly instances: FakeService[]; readonly index: number } {
    const instances = [...(this.#services.get(name)?.values() ?? [])];
    return { instances, index: this.#serviceIndex.get(name) ?? this.#index };
  }

  /** As after the restore of a snapshot: all is as it was, with indexes that begin low again. */
  restoreSnapshot(): void {
    this.#restoreCount++;
    this.#index = 5;
    this.#tombstones.clear();
    for (const entry of this.#keys.values()) {
      entry.createIndex = ++this.#index;
      entry.modifyIndex = entry.createIndex;
    }
    for (const name of this.#serviceIndex.keys()) this.#serviceIndex.set(name, ++this.#index);
    this.#wake();
  }

  close(): void {
    for (const session of this.#sessions.values()) session.timer?.cancel();
    this.#wake();
  }

  #isDelayed(key: string): boolean {
    return (this.#lockDelays.get(key) ?? Number.NEGATIVE_INFINITY) > this.#clock.monotonicMs();
  }

  #startTtl(session: FakeSession): void {
    session.timer?.cancel();
    if (session.ttlMs === 0) return;
    session.timer = this.#clock.after(session.ttlMs * TTL_MULTIPLIER, () => this.destroySession(session.id));
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }
}
