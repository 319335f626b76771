import type { ClientConnection } from "./client.ts";
import { ServerCounter } from "./counters.ts";
import type { DataPath } from "./data-path.ts";
import { FAILURE_LINES, NOTHING } from "./failure-replies.ts";
import { MergedGets } from "./merged-gets.ts";
import type { ServerAddress } from "./server-address.ts";
import { ServerReplies } from "./server-replies.ts";
import type { Slot, SlotFailure } from "./slot.ts";
import { Staging } from "./staging.ts";
import type { Wire } from "./wire.ts";

type State = "waiting" | "connecting" | "ready" | "closed";

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
  /** Clients that are not read until there is room here. */
  readonly #stalledClients = new Set<ClientConnection>();
  readonly #path: DataPath;
  readonly #bufferLimitBytes: number;
  readonly #requestLimit: number;
  readonly #gets = new MergedGets();
  readonly #replies: ServerReplies;
  readonly #out: Staging;
  #state: State = "waiting";
  #isReachable = false;
  #wire: Wire | undefined;
  #connectingSinceUs = 0;
  #retryUs = 0;
  #failuresInRow = 0;
  /** Since when it has no connection; while {@link #isLost}. */
  #lostSinceUs = 0;
  #isLost = false;

  constructor(path: DataPath, address: ServerAddress, timeoutUs: number) {
    this.#path = path;
    this.address = address;
    this.timeoutUs = timeoutUs;
    this.#bufferLimitBytes = path.limits.serverBufferBytes;
    this.#requestLimit = path.limits.serverRequestLimit;
    this.#out = new Staging(path.buffers);
    this.#replies = new ServerReplies(path, this.counter, this.#gets);
  }

  get isReady(): boolean {
    return this.#state === "ready";
  }

  get pendingCount(): number {
    return this.#replies.length;
  }

  get stagedBytes(): number {
    return this.#out.length;
  }

  /** Whether a request may be given to it: there is a connection, or the first attempt is under way. */
  get isReachable(): boolean {
    return this.#isReachable;
  }

  #setState(state: State): void {
    this.#state = state;
    if (state === "ready") this.#isLost = false;
    this.#isReachable = state === "ready" || (state === "connecting" && !this.#isLost);
  }

  /** Whether a change may wait for it rather than fail; see Patience. */
  get isWaitedFor(): boolean {
    return this.#isLost && this.#path.isPatient(this.#lostSinceUs);
  }

  /** Whether clients have to wait before they give it more. */
  get isFull(): boolean {
    return this.#out.length >= this.#bufferLimitBytes || this.#replies.length >= this.#requestLimit;
  }

  /** Twice of that, for requests that policies send, whose clients cannot be made to wait any more. */
  get isOverloaded(): boolean {
    return this.#out.length >= 2 * this.#bufferLimitBytes || this.#replies.length >= 2 * this.#requestLimit;
  }

  /** The client is read again when there is room. */
  stall(client: ClientConnection): void {
    this.#stalledClients.add(client);
  }

  /** Connects at the next occasion, without a pause: it may be back. */
  endPause(): void {
    this.#retryUs = 0;
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
    this.#path.releaseHeld();
  }

  /** Gives it a request, `bytes[start, end)`; it must be {@link isReachable}. */
  send(slot: Slot, bytes: Uint8Array, start: number, end: number): void {
    this.#out.append(bytes, start, end);
    this.#took(slot, end - start);
  }

  /** Gives it a `get` or `gets` of one key, which leaves together with those around it. */
  sendGet(slot: Slot, command: number, key: Uint8Array, start: number, end: number): void {
    const stagedBytes = this.#out.length;
    this.#gets.add(this.#out, slot, command, key, start, end);
    this.#count(slot, this.#out.length - stagedBytes);
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
    this.#gets.close();
    this.#count(slot, sizeBytes);
  }

  #count(slot: Slot, sizeBytes: number): void {
    slot.sentUs = this.#path.nowUs;
    this.#replies.expect(slot);
    this.counter.requests++;
    this.counter.bytesOut += sizeBytes;
    if (!this.isDirty) this.#path.markUpstream(this);
  }

  /** Writes what is staged; once in a turn of the loop. */
  flush(): void {
    this.isDirty = false;
    this.#gets.close();
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
    if (!this.#replies.take(bytes, start, end)) this.fail("closed");
    if (this.#stalledClients.size > 0) this.#relieve();
  }

  /** Whether a client's wire still has the buffer that {@link onBytes} was given last: read into another one. */
  takeKeptBuffer(): boolean {
    const isKept = this.#replies.isBufferKept;
    this.#replies.isBufferKept = false;
    return isKept;
  }

  /** Called often; finds what took too long, and connects again after a pause. */
  tick(nowUs: number): void {
    const first = this.#replies.first;
    if (this.#state === "connecting") {
      if (nowUs - this.#connectingSinceUs > this.#path.limits.connectTimeoutUs) this.fail("down");
      else if (first && nowUs - first.sentUs > this.timeoutUs) this.#failPending("down");
    } else if (this.#state === "ready" && first && nowUs - first.sentUs > this.timeoutUs) {
      this.counter.timeouts++;
      this.refuse(this.#replies.shift(), "timeout");
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
    if (!this.#isLost) this.#lostSinceUs = this.#path.nowUs;
    this.#isLost = true;
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
    this.#replies.forgetBytes();
    wire?.destroy();
  }

  #failPending(failure: Exclude<SlotFailure, "">): void {
    this.#out.clear();
    this.#replies.forgetBytes();
    for (let left = this.#replies.length; left > 0; left--) this.refuse(this.#replies.shift(), failure);
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
