import { ReplyWriter } from "../protocol/reply-writer.ts";
import { bytesOfText, type ChannelPattern, isWithinChannels } from "./acl/index.ts";
import { matchesGlob } from "./glob.ts";
import type { Session } from "./session.ts";
import { Subscriptions } from "./subscriptions.ts";

/** What can be listened to. */
export type TopicKind = "channel" | "pattern" | "shard";

/** How much one session may listen to; Redis has no such limits. */
export interface PubSubLimits {
  /** Channels, patterns and shard channels together. */
  readonly topics: number;
  /** Bytes of their names. */
  readonly nameBytes: number;
}

/** 65,536 topics and 16 MiB of names a session. */
const DEFAULT_PUBSUB_LIMITS: PubSubLimits = { topics: 65_536, nameBytes: 16 * 1024 * 1024 };

/** A scratch buffer that a large message left behind is given back beyond this. */
const SCRATCH_BYTES = 1024 * 1024;

/**
 * Channels, patterns and who listens to them.
 *
 * A message is encoded once for each protocol that a listener speaks, and the same bytes go to all of them; nobody may
 * change them.
 */
export class PubSub {
  limits: PubSubLimits = DEFAULT_PUBSUB_LIMITS;
  readonly #kinds: Readonly<Record<TopicKind, Subscriptions>> = {
    channel: new Subscriptions(),
    pattern: new Subscriptions(),
    shard: new Subscriptions(),
  };
  readonly #nameBytes = new Map<Session, number>();
  readonly #deliver: (session: Session, bytes: Uint8Array) => void;
  readonly #encoders = [new ReplyWriter(1_024), new ReplyWriter(1_024)] as const;

  constructor(deliver: (session: Session, bytes: Uint8Array) => void) {
    this.#deliver = deliver;
    this.#encoders[1].resp = 3;
  }

  of(kind: TopicKind): Subscriptions {
    return this.#kinds[kind];
  }

  /** Whether nobody listens to channels or patterns, so that no message need be made. */
  get isSilent(): boolean {
    return this.#kinds.channel.size === 0 && this.#kinds.pattern.size === 0;
  }

  /** Sessions that listen to anything. */
  get sessionCount(): number {
    return this.#nameBytes.size;
  }

  /** Why a session may not listen to so many more topics, or "". Those that it has already count too. */
  refusal(session: Session, topics: number, nameBytes: number): string {
    const { limits } = this;
    if (session.subscriptionCount + topics > limits.topics) {
      return (
        `ERR Cannot listen to ${topics} more channels: ${session.subscriptionCount} are listened to, ` +
        `${limits.topics} are the most for one connection. Use patterns or more connections`
      );
    }
    const had = this.#nameBytes.get(session) ?? 0;
    if (had + nameBytes <= limits.nameBytes) return "";
    return (
      `ERR Cannot listen to ${topics} more channels: their names would take ${had + nameBytes} bytes, ` +
      `${limits.nameBytes} are the most for one connection. Use shorter names`
    );
  }

  subscribe(kind: TopicKind, session: Session, name: string): void {
    if (!this.#kinds[kind].add(session, name, bytesOfText(name))) return;
    this.#nameBytes.set(session, (this.#nameBytes.get(session) ?? 0) + name.length);
    count(kind, session, 1);
  }

  unsubscribe(kind: TopicKind, session: Session, name: string): void {
    if (!this.#kinds[kind].remove(session, name)) return;
    count(kind, session, -1);
    if (session.subscriptionCount === 0) this.#nameBytes.delete(session);
    else this.#nameBytes.set(session, (this.#nameBytes.get(session) ?? 0) - name.length);
  }

  /** A session listens to nothing any more. It is not told. */
  forget(session: Session): void {
    if (session.subscriptionCount === 0) return;
    for (const kind of ["channel", "pattern", "shard"] as const) {
      for (const name of [...this.#kinds[kind].namesOf(session)]) this.unsubscribe(kind, session, name);
    }
  }

  /** Whether everything that a session listens to is within these patterns: see `SetUserResult.keptChannels`. */
  isWithin(session: Session, kept: readonly ChannelPattern[]): boolean {
    for (const kind of ["channel", "pattern", "shard"] as const) {
      for (const name of this.#kinds[kind].namesOf(session)) {
        if (!isWithinChannels(kept, bytesOfText(name), 0, name.length, kind === "pattern")) return false;
      }
    }
    return true;
  }

  /** Sends a message to who listens to a channel or to a pattern of it. Returns how many got it. */
  publish(channel: string, message: Uint8Array): number {
    let receivers = 0;
    const topic = this.#kinds.channel.find(channel);
    if (topic !== undefined) receivers += this.#send(topic.sessions, ["message"], topic.bytes, message);
    const patterns = this.#kinds.pattern;
    if (patterns.size === 0) return receivers;
    const bytes = topic?.bytes ?? bytesOfText(channel);
    for (const { bytes: pattern, sessions } of patterns.topics()) {
      if (!matchesGlob(pattern, 0, pattern.length, bytes, 0, bytes.length, false)) continue;
      receivers += this.#send(sessions, ["pmessage", pattern], bytes, message);
    }
    return receivers;
  }

  /** As {@link publish}, over shard channels. */
  publishToShard(channel: string, message: Uint8Array): number {
    const topic = this.#kinds.shard.find(channel);
    return topic === undefined ? 0 : this.#send(topic.sessions, ["smessage"], topic.bytes, message);
  }

  #send(
    sessions: ReadonlySet<Session>,
    [kind, pattern]: readonly [string, Uint8Array?],
    channel: Uint8Array,
    message: Uint8Array,
  ): number {
    const encoded: (Uint8Array | undefined)[] = [undefined, undefined];
    let count = 0;
    for (const session of sessions) {
      const protocol = session.resp === 3 ? 1 : 0;
      const writer = this.#encoders[protocol];
      if (encoded[protocol] === undefined) {
        writer.length = 0;
        writer.push(pattern === undefined ? 3 : 4);
        writer.bulkText(kind);
        if (pattern !== undefined) writer.bulkBytes(pattern);
        writer.bulkBytes(channel);
        writer.bulkBytes(message);
        encoded[protocol] = writer.bytes.slice(0, writer.length);
      }
      this.#deliver(session, encoded[protocol]);
      count++;
    }
    for (const writer of this.#encoders) if (writer.bytes.length > SCRATCH_BYTES) writer.bytes = new Uint8Array(1_024);
    return count;
  }
}

function count(kind: TopicKind, session: Session, change: 1 | -1): void {
  session.subscriptionCount += change;
  if (kind === "pattern") session.patternCount += change;
  if (kind === "shard") session.shardChannelCount += change;
}
