import type { ReplyWriter } from "../protocol/reply-writer.ts";
import { bytesOfText } from "./acl/index.ts";
import { EventClass, NotifyChannel } from "./key-events.ts";
import { PubSub } from "./pubsub.ts";
import { KEPT_WHOLE_BYTES, type Session } from "./session.ts";
import type { Store } from "./store.ts";

/** Whose command runs now, and where its reply goes. */
interface RunningCommand {
  readonly session: Session;
  readonly reply: ReplyWriter;
}

/** What a message takes beside its bytes, about. */
const POSTPONED_BYTES = 64;

/**
 * Brings messages to sessions, beside the replies to their commands.
 *
 * While a command runs its reply may be half written, or be taken back; so what is to be sent waits for the command's end.
 * Only what a session publishes to itself goes in front of the reply at once, as in Redis.
 */
export class Messenger {
  readonly pubsub = new PubSub((session, bytes) => this.#deliver(session, bytes));
  readonly #store: Store;
  readonly #running: () => RunningCommand | undefined;
  #notifiedClasses = 0;
  #isNotifying = false;
  #postponed: { readonly session: Session; readonly bytes: Uint8Array }[] = [];
  #postponedBytes = 0;
  /**
   * What one command may send in all, in bytes; receivers beyond that are cut off, as are those that do not fetch what
   * they were sent.
   */
  byteLimit = 256 * 1024 * 1024;

  /** @param running The outermost command that runs; `undefined` between commands. */
  constructor(store: Store, running: () => RunningCommand | undefined) {
    this.#store = store;
    this.#running = running;
  }

  /** `EventClass`es that notifications are sent for, and the bits of `NotifyChannel`. */
  get notifiedClasses(): number {
    return this.#notifiedClasses;
  }

  set notifiedClasses(bits: number) {
    this.#notifiedClasses = bits;
    this.#store.tellsMisses = (bits & EventClass.keyMiss) !== 0;
    this.#store.tellsNewKeys = (bits & EventClass.newKey) !== 0;
  }

  /** Sends a keyspace notification to who wants it. */
  notify(database: number, key: Uint8Array, start: number, end: number, event: string, eventClass: number): void {
    if ((this.#notifiedClasses & eventClass) === 0 || this.pubsub.isSilent) return;
    this.#isNotifying = true;
    if ((this.#notifiedClasses & NotifyChannel.keyspace) !== 0) {
      this.pubsub.publish(`__keyspace@${database}__:${latinText(key, start, end)}`, bytesOfText(event));
    }
    if ((this.#notifiedClasses & NotifyChannel.keyevent) !== 0) {
      this.pubsub.publish(`__keyevent@${database}__:${event}`, key.subarray(start, end));
    }
    this.#isNotifying = false;
  }

  #deliver(session: Session, bytes: Uint8Array): void {
    const running = this.#running();
    if (running === undefined) session.output.send(bytes);
    else if (running.session === session && !this.#isNotifying) running.reply.raw(bytes);
    else this.postpone(session, bytes);
  }

  /** Sends once the command that runs is done; `bytes` is kept until then. */
  postpone(session: Session, bytes: Uint8Array): void {
    if (session.isClosing) return;
    // A small message is copied for each receiver; a large one is one piece of memory.
    const isShared = bytes.length >= KEPT_WHOLE_BYTES && this.#postponed.at(-1)?.bytes === bytes;
    const sizeBytes = POSTPONED_BYTES + (isShared ? 0 : bytes.length);
    if (this.#postponedBytes + sizeBytes > this.byteLimit) {
      session.isClosing = true;
      if (session !== this.#running()?.session) session.output.close();
      return;
    }
    this.#postponedBytes += sizeBytes;
    this.#postponed.push({ session, bytes });
  }

  /** After a whole command: sends what waited for its end. */
  settle(session: Session, reply: ReplyWriter): void {
    if (this.#postponed.length === 0) return;
    const postponed = this.#postponed;
    this.#postponed = [];
    this.#postponedBytes = 0;
    for (const { session: receiver, bytes } of postponed) {
      if (receiver === session) reply.raw(bytes);
      else receiver.output.send(bytes);
    }
  }
}

/** Bytes as text, one character each. */
export function latinText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}
