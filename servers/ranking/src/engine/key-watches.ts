import type { Session } from "./session.ts";
import type { Store } from "./store.ts";

/** Who watches which keys (WATCH): a change breaks the transaction of all of them. */
export class KeyWatches {
  readonly #byKey = new Map<string, Set<Session>>();
  readonly #bySession = new Map<Session, Set<string>>();

  /** Watched keys. */
  get size(): number {
    return this.#byKey.size;
  }

  /** @param key Byte text with the database in front: see {@link watchName}. */
  watch(session: Session, name: string): void {
    const sessions = this.#byKey.get(name) ?? new Set();
    sessions.add(session);
    this.#byKey.set(name, sessions);
    const names = this.#bySession.get(session) ?? new Set();
    names.add(name);
    this.#bySession.set(session, names);
  }

  unwatch(session: Session): void {
    for (const name of this.#bySession.get(session) ?? []) {
      const sessions = this.#byKey.get(name);
      sessions?.delete(session);
      if (sessions?.size === 0) this.#byKey.delete(name);
    }
    this.#bySession.delete(session);
  }

  namesOf(session: Session): ReadonlySet<string> {
    return this.#bySession.get(session) ?? new Set();
  }

  /** Breaks the watches on those keys of database `index` that it or database `other` has. */
  breakDatabase({ keyspaces }: Store, index: number, other: number): void {
    for (const name of this.#byKey.keys()) {
      const key = keyOfWatch(name, index);
      if (key === undefined) continue;
      const isThere = [index, other].some((database) => keyspaces[database]!.peek(key, 0, key.length) !== 0);
      if (isThere) this.break(name);
    }
  }

  break(name: string): void {
    for (const session of this.#byKey.get(name) ?? []) session.isWatchBroken = true;
  }
}

/** A key as {@link KeyWatches} and others who keep keys in maps name it: its database, a colon, its bytes as text. */
export function watchName(database: number, key: Uint8Array, start: number, end: number): string {
  let name = `${database}:`;
  for (let at = start; at < end; at++) name += String.fromCharCode(key[at]!);
  return name;
}

/** The key of a {@link watchName} of this database; `undefined` if it is of another. */
export function keyOfWatch(name: string, database: number): Uint8Array | undefined {
  const prefix = `${database}:`;
  if (!name.startsWith(prefix)) return undefined;
  return Uint8Array.from(name.slice(prefix.length), (byte) => byte.charCodeAt(0));
}
