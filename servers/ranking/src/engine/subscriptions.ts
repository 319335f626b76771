import type { Session } from "./session.ts";

/** One channel or pattern and who listens to it. */
export interface Topic {
  readonly bytes: Uint8Array;
  readonly sessions: Set<Session>;
}

/** Who listens to what, of one kind: channels, patterns or shard channels. Names are byte text. */
export class Subscriptions {
  readonly #topics = new Map<string, Topic>();
  readonly #bySession = new Map<Session, Set<string>>();

  /** Topics with listeners. */
  get size(): number {
    return this.#topics.size;
  }

  get sessionCount(): number {
    return this.#bySession.size;
  }

  /** In the order in which they got their first listener. */
  topics(): IterableIterator<Topic> {
    return this.#topics.values();
  }

  find(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** What a session listens to, in the order in which it began to. */
  namesOf(session: Session): ReadonlySet<string> {
    return this.#bySession.get(session) ?? NO_NAMES;
  }

  has(session: Session, name: string): boolean {
    return this.#bySession.get(session)?.has(name) ?? false;
  }

  /** Returns whether it is new. `bytes` is copied. */
  add(session: Session, name: string, bytes: Uint8Array): boolean {
    const names = this.#bySession.get(session) ?? new Set();
    if (names.has(name)) return false;
    names.add(name);
    this.#bySession.set(session, names);
    const topic = this.#topics.get(name);
    if (topic === undefined) this.#topics.set(name, { bytes: bytes.slice(), sessions: new Set([session]) });
    else topic.sessions.add(session);
    return true;
  }

  /** Returns whether it was there. */
  remove(session: Session, name: string): boolean {
    const names = this.#bySession.get(session);
    if (names === undefined || !names.delete(name)) return false;
    if (names.size === 0) this.#bySession.delete(session);
    const topic = this.#topics.get(name);
    topic?.sessions.delete(session);
    if (topic?.sessions.size === 0) this.#topics.delete(name);
    return true;
  }
}

const NO_NAMES: ReadonlySet<string> = new Set();
