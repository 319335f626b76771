import { REPLY_BROKEN, REPLY_MORE, ReplyCode } from "../protocol/codes.ts";
import { ReplyParser } from "../protocol/reply-parser.ts";
import { isSilenced } from "../protocol/silence.ts";
import { Carry } from "./carry.ts";
import type { ClientConnection } from "./client.ts";
import { ServerCounter } from "./counters.ts";
import type { DataPath } from "./data-path.ts";
import { FAILURE_LINES, NOTHING } from "./failure-replies.ts";
import type { ServerAddress } from "./server-address.ts";
import { type Slot, type SlotFailure, SlotMode, SlotRing } from "./slot.ts";
import { Staging } from "./staging.ts";
import type { Wire } from "./wire.ts";

/** A server may have been filled by others with larger values than are taken here; memcached itself goes up to 1 GiB. */
const MAX_SERVER_VALUE_BYTES = 128 << 20;
type State = "waiting" | "connecting" | "ready" | "closed";

/** Bytes of a reply's beginning that are looked at before its length is known. */
const HEAD_BYTES = 256;

/**
 * One server as this worker reaches it: one connection, which all clients share. Requests leave in the order they were
 * given and replies come in the same order, so the ring of waiting slots says whose reply the next one is.
 *
 * States: `waiting` (no connection; a pause runs until `#retryUs`), `connecting` (requests are taken and staged),
 * `ready`, `closed` (for good). Whatever breaks a connection answers all that wait, and nothing is sent twice.
 */
export class UpstreamConnection {
  readonly address: ServerAddress;
  readonly counter = new ServerCounter();
  /** An answer that takes longer breaks the connection. */
  timeoutUs: number;
  isDirty = false;
  /** Whether a client's wire still has the buffer that {@link onBytes} was given last: read into another one, and unset this. */
  isBufferKept = false;
  /** Clients that are not read until there is room here. */
  readonly #stalledClients = new Set<ClientConnection>();
  readonly #path: DataPath;
  readonly #bufferLimitBytes: number;
  readonly #requestLimit: number;
  readonly #pending = new SlotRing();
  readonly #out: Staging;
  readonly #carry: Carry;
  readonly #parser = new ReplyParser(MAX_SERVER_VALUE_BYTES);
  #state: State = "waiting";
  #isReachable = false;
  #wire: Wire | undefined;
  #connectingSinceUs = 0;
  #retryUs = 0;
  #failuresInRow = 0;
  /** Replies that are going to one client, `#runBytes[#runStart, #runEnd)`, not copied yet: neighbours are copied at once. */
  #runClient: ClientConnection | undefined;
  #runBytes: Uint8Array = NOTHING;
  #runStart = 0;
  #runEnd = 0;
  /** The run is in {@link #carry}, whose buffer is used again. */
  #isAnsweringCarried = false;

  constructor(path: DataPath, address: ServerAddress, timeoutUs: number) {
    this.#path = path;
    this.address = address;
    this.timeoutUs = timeoutUs;
    this.#bufferLimitBytes = path.limits.serverBufferBytes;
    this.#requestLimit = path.limits.serverRequestLimit;
    this.#out = new Staging(path.buffers);
    this.#carry = new Carry(path.buffers);
  }

  get isReady(): boolean {
    return this.#state === "ready";
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  get stagedBytes(): number {
    return this.#out.length;
  }

  /** Whether a request may be given to it: there is a connection, or is about to be. */
  get isReachable(): boolean {
    return this.#isReachable;
  }

  #setState(state: State): void {
    this.#state = state;
    this.#isReachable = state === "ready" || state === "connecting";
  }

  /** Whether clients have to wait before they give it more. */
  get isFull(): boolean {
    return this.#out.length >= this.#bufferLimitBytes || this.#pending.length >= this.#requestLimit;
  }

  /** Twice of that, for requests that policies send, whose clients cannot be made to wait any more. */
  get isOverloaded(): boolean {
    return this.#out.length >= 2 * this.#bufferLimitBytes || this.#pending.length >= 2 * this.#requestLimit;
  }

  /** The client is read again when there is room. */
  stall(client: ClientConnection): void {
    this.#stalledClients.add(client);
  }

  /** Starts to connect, unless a pause runs or there is a connection. */
  connectIfDue(nowUs: number): void {
    if (this.#state !== "waiting" || nowUs < this.#retryUs) return;
    this.#setState("connecting");
    this.#connectingSinceUs = nowUs;
    this.#path.openUpstream(this);
  }

  /** The shell has begun to connect; `wire` can be destroyed, but takes no bytes before {@link onConnected}. */
  attach(wire: Wire): void {
    this.#wire = wire;
  }

  /** The connection that `wire` is of stands. */
  onConnected(wire: Wire): void {
    if (this.#state !== "connecting" || wire !== this.#wire) return;
    this.#setState("ready");
    this.#path.markUpstream(this);
  }

  /** Gives it a request, `bytes[start, end)`; it must be {@link isReachable}. */
  send(slot: Slot, bytes: Uint8Array, start: number, end: number): void {
    this.#out.append(bytes, start, end);
    this.#took(slot, end - start);
  }

  /** The buffer for a request that is written in place; {@link sendReserved} gives it. */
  reserve(sizeBytes: number): Uint8Array {
    return this.#out.reserve(sizeBytes);
  }

  get reservedAt(): number {
    return this.#out.end;
  }

  sendReserved(slot: Slot, end: number): void {
    const sizeBytes = end - this.#out.end;
    this.#out.advance(end);
    this.#took(slot, sizeBytes);
  }

  #took(slot: Slot, sizeBytes: number): void {
    slot.sentUs = this.#path.nowUs;
    this.#pending.push(slot);
    this.counter.requests++;
    this.counter.bytesOut += sizeBytes;
    if (!this.isDirty) this.#path.markUpstream(this);
  }

  /** Writes what is staged; once in a turn of the loop. */
  flush(): void {
    this.isDirty = false;
    if (this.#state === "ready" && this.#wire) this.#out.flush(this.#wire);
    if (this.#stalledClients.size > 0) this.#relieve();
  }

  onDrain(wire: Wire): void {
    if (wire !== this.#wire) return;
    this.#out.drained();
    this.#path.markUpstream(this);
  }

  #relieve(): void {
    if (this.isFull) return;
    for (const client of this.#stalledClients) this.#path.markClient(client);
    this.#stalledClients.clear();
  }

  /** Replies came. */
  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#state !== "ready") return;
    this.counter.bytesIn += end - start;
    this.#path.readClock();
    let position = this.#carry.length === 0 ? start : this.#finishCarried(bytes, start, end);
    if (position < end) position = this.#answerAll(bytes, position, end);
    this.#endRun();
    if (position >= 0 && position < end) this.#carry.append(bytes, position, end, this.#parser.neededBytes);
    if (this.#stalledClients.size > 0) this.#relieve();
  }

  /** Returns up to where the bytes are used, or -1 if the connection broke. */
  #answerAll(bytes: Uint8Array, start: number, end: number): number {
    let position = start;
    while (position < end) {
      const slot = this.#pending.first;
      const next = slot ? this.#parser.parse(bytes, position, end, slot.shape) : REPLY_BROKEN;
      if (next === REPLY_MORE) return position;
      if (next === REPLY_BROKEN) {
        this.#endRun();
        this.fail("closed");
        return -1;
      }
      this.#answer(this.#pending.shift(), bytes, position, next);
      position = next;
    }
    return position;
  }

  /** Goes on with a reply that began in earlier bytes. Returns from where on the bytes are not used yet. */
  #finishCarried(bytes: Uint8Array, start: number, end: number): number {
    const carry = this.#carry;
    let position = start;
    while (position < end) {
      const had = carry.length;
      const needed = this.#parser.neededBytes > had ? this.#parser.neededBytes - had : HEAD_BYTES;
      const pieceEnd = Math.min(end, position + needed);
      carry.append(bytes, position, pieceEnd, this.#parser.neededBytes);
      const slot = this.#pending.first;
      if (carry.length < this.#parser.neededBytes) return end;
      const next = slot ? this.#parser.parse(carry.bytes, carry.start, carry.end, slot.shape) : REPLY_BROKEN;
      if (next === REPLY_BROKEN) {
        this.fail("closed");
        return end;
      }
      if (next === REPLY_MORE) {
        position = pieceEnd;
        continue;
      }
      position += next - carry.start - had;
      this.#isAnsweringCarried = true;
      this.#answer(this.#pending.shift(), carry.bytes, carry.start, next);
      this.#endRun();
      this.#isAnsweringCarried = false;
      carry.clear();
      return position;
    }
    return position;
  }

  #answer(slot: Slot, bytes: Uint8Array, start: number, end: number): void {
    const { code } = this.#parser;
    this.counter.latency.add(this.#path.nowUs - slot.sentUs);
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
    this.#path.counts.reply(slot, code, this.#path.nowUs);
    if (slot.mode === SlotMode.COPY) this.#deliver(client, slot, bytes, start, end);
    else if (slot.mode === SlotMode.QUIET)
      this.#deliver(client, slot, bytes, start, isSilenced(slot.command, code) ? start : end);
    else this.#answerPart(client, slot, bytes, start, end);
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

  /** Called often; finds what took too long, and connects again after a pause. */
  tick(nowUs: number): void {
    const first = this.#pending.first;
    if (this.#state === "connecting") {
      if (nowUs - this.#connectingSinceUs > this.#path.limits.connectTimeoutUs) this.fail("down");
      else if (first && nowUs - first.sentUs > this.timeoutUs) this.#failPending("down");
    } else if (this.#state === "ready" && first && nowUs - first.sentUs > this.timeoutUs) {
      this.counter.timeouts++;
      this.refuse(this.#pending.shift(), "timeout");
      this.fail("closed");
    }
    this.connectIfDue(nowUs);
  }

  /** The connection that `wire` is of has closed, or could not be made. */
  onClosed(wire: Wire): void {
    if (wire !== this.#wire) return;
    this.fail(this.#state === "ready" ? "closed" : "down");
  }

  /** Gives the connection up: everything that waits is answered with the failure, and it connects anew after a pause. */
  fail(failure: Exclude<SlotFailure, "">): void {
    // The first pause is short after a connection that worked.
    this.#failuresInRow = this.#state === "ready" ? 0 : this.#failuresInRow + 1;
    this.#setState("waiting");
    this.counter.connectionFailures++;
    const { reconnectUs, reconnectMaxUs } = this.#path.limits;
    const pauseUs = Math.min(reconnectMaxUs, reconnectUs * 2 ** Math.min(20, this.#failuresInRow));
    // From half of it to all of it, so that workers and proxies do not come back at the same moment.
    this.#retryUs = this.#path.nowUs + pauseUs * (0.5 + 0.5 * this.#path.random());
    this.#dropConnection();
    this.#failPending(failure);
    this.#path.markUpstream(this);
  }

  #dropConnection(): void {
    const wire = this.#wire;
    this.#wire = undefined;
    this.#out.clear();
    this.#carry.clear();
    wire?.destroy();
  }

  #failPending(failure: Exclude<SlotFailure, "">): void {
    this.#out.clear();
    for (let left = this.#pending.length; left > 0; left--) this.refuse(this.#pending.shift(), failure);
  }

  /** Answers a slot that gets no reply from this server. */
  refuse(slot: Slot, failure: Exclude<SlotFailure, "">): void {
    const { client, onReply } = slot;
    if (client === undefined) {
      this.#path.slots.give(slot);
      onReply?.(failure, NOTHING, 0, 0);
      return;
    }
    this.#path.counts.failure(slot);
    client.deliverFailure(slot, FAILURE_LINES[failure]);
  }

  /** Closes for good. What still waits is answered as lost. */
  close(): void {
    if (this.#state === "closed") return;
    this.#setState("closed");
    this.#dropConnection();
    this.#failPending("closed");
    this.#relieve();
  }
}
