import { REPLY_BROKEN, REPLY_MORE, ReplyCode } from "../protocol/codes.ts";
import { ReplyParser } from "../protocol/reply-parser.ts";
import { isSilenced } from "../protocol/silence.ts";
import { Carry } from "./carry.ts";
import type { ClientConnection } from "./client.ts";
import type { ServerCounter } from "./counters.ts";
import type { DataPath } from "./data-path.ts";
import { END_LINE, NOTHING } from "./failure-replies.ts";
import type { MergedGets } from "./merged-gets.ts";
import { type Slot, SlotMode, SlotRing } from "./slot.ts";
import { takeStandIn } from "./take-slow.ts";

/** A server may have been filled by others with larger values than are taken here; memcached itself goes up to 1 GiB. */
const MAX_SERVER_VALUE_BYTES = 128 << 20;
/** Bytes of a reply's beginning that are looked at before its length is known. */
const HEAD_BYTES = 256;

/**
 * The replies of one server on their way to those who asked: whose each is, the ring of waiting slots says. The reply to
 * a get of many clients' keys is taken apart, value by value; see {@link MergedGets}.
 */
export class ServerReplies {
  /** Whether a client's wire still has the buffer that {@link take} was given last. */
  isBufferKept = false;
  readonly #path: DataPath;
  readonly #counter: ServerCounter;
  readonly #gets: MergedGets;
  readonly #pending = new SlotRing();
  readonly #parser = new ReplyParser(MAX_SERVER_VALUE_BYTES);
  readonly #carry: Carry;
  /** Replies that are going to one client, `#runBytes[#runStart, #runEnd)`, not copied yet: neighbours are copied at once. */
  #runClient: ClientConnection | undefined;
  #runBytes: Uint8Array = NOTHING;
  #runStart = 0;
  #runEnd = 0;
  /** The run is in {@link #carry}, whose buffer is used again. */
  #isAnsweringCarried = false;

  constructor(path: DataPath, counter: ServerCounter, gets: MergedGets) {
    this.#path = path;
    this.#counter = counter;
    this.#gets = gets;
    this.#carry = new Carry(path.buffers);
  }

  /** Slots that wait. */
  get length(): number {
    return this.#pending.length;
  }

  /** The slot that has waited longest. */
  get first(): Slot | undefined {
    return this.#pending.first;
  }

  /** The slot's reply comes after those of all that wait now. */
  expect(slot: Slot): void {
    this.#pending.push(slot);
  }

  /** Takes out the slot that has waited longest; there must be one. */
  shift(): Slot {
    return this.#pending.shift();
  }

  /** Forgets the part of a reply that has come, with the connection. */
  forgetBytes(): void {
    this.#carry.clear();
    this.#gets.clear();
  }

  /** Answers with what came. Returns whether the server speaks as memcached does; otherwise the connection is of no use. */
  take(bytes: Uint8Array, start: number, end: number): boolean {
    const carriedEnd = this.#carry.length === 0 ? start : this.#finishCarried(bytes, start, end);
    const answeredEnd = carriedEnd < 0 ? carriedEnd : this.#answerAll(bytes, carriedEnd, end);
    this.#endRun();
    if (answeredEnd < 0) return false;
    if (answeredEnd < end) this.#carry.append(bytes, answeredEnd, end, this.#parser.neededBytes);
    return true;
  }

  /** Returns up to where the bytes are used, or `REPLY_BROKEN`. */
  #answerAll(bytes: Uint8Array, start: number, end: number): number {
    let position = start;
    while (position < end) {
      const next = this.#answerNext(bytes, position, end);
      if (next === REPLY_MORE) return position;
      if (next === REPLY_BROKEN) return next;
      position = next;
    }
    return position;
  }

  /** Goes on with a reply that began in earlier bytes. Returns from where on the bytes are not used yet, or `REPLY_BROKEN`. */
  #finishCarried(bytes: Uint8Array, start: number, end: number): number {
    const carry = this.#carry;
    let position = start;
    while (position < end) {
      const had = carry.length;
      const needed = this.#parser.neededBytes > had ? this.#parser.neededBytes - had : HEAD_BYTES;
      const pieceEnd = Math.min(end, position + needed);
      carry.append(bytes, position, pieceEnd, this.#parser.neededBytes);
      if (carry.length < this.#parser.neededBytes) return end;
      this.#isAnsweringCarried = true;
      const next = this.#answerNext(carry.bytes, carry.start, carry.end);
      this.#endRun();
      this.#isAnsweringCarried = false;
      if (next === REPLY_BROKEN) return next;
      if (next === REPLY_MORE) {
        position = pieceEnd;
        continue;
      }
      position += next - carry.start - had;
      carry.clear();
      return position;
    }
    return position;
  }

  /** Answers with the reply that begins at `start`, or with one value of it. Returns where it ends, or why it does not. */
  #answerNext(bytes: Uint8Array, start: number, end: number): number {
    const slot = this.#pending.first;
    if (this.#gets.isEndDue || (slot && slot.keyLength > 0)) return this.#answerMerged(bytes, start, end);
    if (slot === undefined) return REPLY_BROKEN;
    const next = this.#parser.parse(bytes, start, end, slot.shape);
    if (next >= 0) this.#answer(this.#pending.shift(), bytes, start, next);
    return next;
  }

  #answer(slot: Slot, bytes: Uint8Array, start: number, end: number): void {
    const { code } = this.#parser;
    this.#counter.latency.add(this.#path.nowUs - slot.sentUs);
    const { client } = slot;
    if (client === undefined) {
      const take = slot.onReply;
      this.#path.slots.give(slot);
      if (take) {
        this.#endRun();
        take("", bytes, start, end);
      }
      return;
    }
    if (code === ReplyCode.HIT && this.#isStandIn(slot, bytes)) return;
    this.#path.counts.reply(slot, code, this.#path.nowUs);
    if (slot.mode === SlotMode.COPY) this.#deliver(client, slot, bytes, start, end);
    else if (slot.mode === SlotMode.QUIET)
      this.#deliver(client, slot, bytes, start, isSilenced(slot.command, code) ? start : end);
    else this.#answerPart(client, slot, bytes, start, end);
  }

  /** Whether the value that was just found stands for another one; then that is fetched. */
  #isStandIn(slot: Slot, bytes: Uint8Array): boolean {
    const { policy, exchange } = slot;
    const { keyStart, keyEnd, valueStart, valueEnd } = this.#parser;
    if (!exchange || policy?.isStandIn?.(bytes, valueStart, valueEnd) !== true) return false;
    takeStandIn(this.#path, slot, { policy, exchange }, bytes.slice(keyStart, keyEnd));
    return true;
  }

  /** One key of a multi-key get: its values without `END`. An error line is no value. */
  #answerPart(client: ClientConnection, slot: Slot, bytes: Uint8Array, start: number, end: number): void {
    this.#endRun();
    const { code, valuesEnd } = this.#parser;
    if (code === ReplyCode.HIT || code === ReplyCode.MISS) {
      client.deliver(slot, bytes, start, valuesEnd);
      return;
    }
    slot.isFailed = true;
    client.deliver(slot, bytes, start, end);
  }

  #deliver(client: ClientConnection, slot: Slot, bytes: Uint8Array, start: number, end: number): void {
    if (!client.takeFirst(slot, end - start)) {
      client.park(slot, bytes, start, end);
      return;
    }
    if (this.#runClient === client && this.#runEnd === start && this.#runBytes === bytes) {
      this.#runEnd = end;
    } else {
      this.#endRun();
      this.#runClient = client;
      this.#runBytes = bytes;
      this.#runStart = start;
      this.#runEnd = end;
    }
    if (client.hasParkedFirst) {
      this.#endRun();
      client.deliverParked();
    }
  }

  #endRun(): void {
    const client = this.#runClient;
    if (client === undefined) return;
    this.#runClient = undefined;
    if (this.#isAnsweringCarried) client.stage(this.#runBytes, this.#runStart, this.#runEnd);
    else if (!client.writeThrough(this.#runBytes, this.#runStart, this.#runEnd)) this.isBufferKept = true;
  }

  /**
   * Inside the reply to a get of many clients' keys, at a value or at the line that ends the reply. A value is its key's;
   * the keys before it are misses, and so are those that are left at `END`. An error line is told to all that are left.
   */
  #answerMerged(bytes: Uint8Array, start: number, end: number): number {
    const next = this.#parser.parseValue(bytes, start, end);
    if (next < 0) return next;
    const gets = this.#gets;
    const { code, keyStart, keyEnd } = this.#parser;
    const isValue = code === ReplyCode.HIT;
    this.#endRun();
    if (gets.isEndDue) {
      // Every key has its value already, so even an error concerns nobody.
      gets.isEndDue = false;
      return isValue ? this.#foundOutOfOrder() : next;
    }
    for (;;) {
      const slot = this.#pending.shift();
      const { endsGet } = slot;
      const isItsKey = gets.takeKey(slot, bytes, keyStart, isValue ? keyEnd : keyStart);
      if (isValue && isItsKey) {
        gets.isEndDue = endsGet;
        gets.learn(next - start);
        this.#answerKey(slot, code, bytes, start, next);
        return next;
      }
      if (isValue) this.#answerKey(slot, ReplyCode.MISS, END_LINE, 0, END_LINE.length);
      else this.#answerKey(slot, code, bytes, start, next);
      if (endsGet) return isValue ? this.#foundOutOfOrder() : next;
    }
  }

  /**
   * A value that nobody waits for any more: no memcached says that, but something else that speaks its language may
   * answer in another order than it was asked in. From now on it is asked for one key at a time.
   */
  #foundOutOfOrder(): typeof REPLY_BROKEN {
    this.#gets.isOff = true;
    return REPLY_BROKEN;
  }

  /** Answers one key of a merged get: with its value, with `END`, or with an error line. */
  #answerKey(slot: Slot, code: number, bytes: Uint8Array, start: number, end: number): void {
    const { client } = slot;
    this.#counter.latency.add(this.#path.nowUs - slot.sentUs);
    if (client === undefined) {
      this.#path.slots.give(slot);
      return;
    }
    if (code === ReplyCode.HIT && this.#isStandIn(slot, bytes)) return;
    this.#path.counts.reply(slot, code, this.#path.nowUs);
    const isPart = slot.mode !== SlotMode.COPY;
    if (code === ReplyCode.MISS) {
      client.deliver(slot, END_LINE, 0, isPart ? 0 : END_LINE.length);
    } else if (code === ReplyCode.HIT && !isPart) {
      deliverWithEnd(client, slot, bytes, start, end);
    } else {
      slot.isFailed = code !== ReplyCode.HIT;
      client.deliver(slot, bytes, start, end);
    }
  }
}

/** Delivers a value that came among those of others' keys, so that what ends the reply to a get is not behind it. */
function deliverWithEnd(client: ClientConnection, slot: Slot, bytes: Uint8Array, start: number, end: number): void {
  if (!client.takeFirst(slot, end - start + END_LINE.length)) {
    client.park(slot, bytes, start, end, END_LINE);
    return;
  }
  client.emit(bytes, start, end);
  client.stage(END_LINE, 0, END_LINE.length);
  if (client.hasParkedFirst) client.deliverParked();
}
