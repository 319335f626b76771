import { ParseOutcome } from "../protocol/codes.ts";
import { RequestParser } from "../protocol/request-parser.ts";
import { Carry } from "./carry.ts";
import type { DataPath } from "./data-path.ts";
import { END_LINE, NOTHING } from "./failure-replies.ts";
import { Parking } from "./parking.ts";
import { type Slot, SlotMode, SlotRing } from "./slot.ts";
import { Staging } from "./staging.ts";
import { takeRequest, unlinkRefused } from "./take-request.ts";
import type { Wire } from "./wire.ts";

/** Bytes of a request's beginning that are looked at before its length is known. */
const HEAD_BYTES = 256;
/** What a reply is taken to be until some have been seen. */
const FIRST_ESTIMATE_BYTES = 16_384;

/**
 * One client: its requests are parsed and given to servers as they come, and each has a slot in `#ring`, in whose order
 * the replies leave. The reply of the first slot is copied to `#out` at once; one that comes early is parked.
 *
 * It is not read (`#isStalled`) while too many of its requests or bytes wait, or while a server that it asked for is full;
 * what was read already is kept in `#carry` and looked at again when {@link DataPath.flush} finds it marked.
 */
export class ClientConnection {
  readonly path: DataPath;
  readonly parser: RequestParser;
  isDirty = false;
  /** Keys of the multi-key get at hand that were given to servers already. */
  keysTaken = 0;
  lastReadUs: number;
  readonly #wire: Wire;
  readonly #bufferLimitBytes: number;
  readonly #requestLimit: number;
  readonly #ring = new SlotRing();
  readonly #out: Staging;
  readonly #carry: Carry;
  readonly #parking: Parking;
  /** Bytes of a refused value that still come, and what is said when they are all there, as memcached does. */
  #skipBytes = 0;
  #skipReply: Uint8Array = NOTHING;
  #isStalled = false;
  /** Takes no more requests, and closes when all replies are out. */
  #isEnding = false;
  #isClosed = false;
  /** How long a reply to this client is, by the last ones; longer ones count at once, shorter ones slowly. */
  #replyEstimateBytes = FIRST_ESTIMATE_BYTES;
  /** Of the multi-key get whose replies leave just now. */
  #partsAnswered = 0;
  #partsError: Uint8Array = NOTHING;

  constructor(path: DataPath, wire: Wire) {
    this.path = path;
    this.#wire = wire;
    this.#bufferLimitBytes = path.limits.clientBufferBytes;
    this.#requestLimit = path.limits.clientRequestLimit;
    this.parser = new RequestParser(path.requestLimits);
    this.#out = new Staging(path.buffers);
    this.#carry = new Carry(path.buffers);
    this.#parking = new Parking(path.buffers);
    this.lastReadUs = path.nowUs;
  }

  /** Requests without a reply. */
  get waitingCount(): number {
    return this.#ring.length;
  }

  /** Bytes of replies that have not left. */
  get stagedBytes(): number {
    return this.#out.length + this.#parking.length;
  }

  /** Bytes of requests that are not whole, or wait to be looked at. */
  get heldBytes(): number {
    return this.#carry.capacityBytes;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Requests came. */
  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isEnding || this.#isClosed) return;
    this.path.readClockOnce();
    this.lastReadUs = this.path.nowUs;
    if (this.#isStalled) {
      this.#carry.append(bytes, start, end, 0);
      return;
    }
    let position = start;
    while (position < end && !this.#isStalled && !this.#isEnding) {
      if (this.#skipBytes > 0) {
        position = this.#skip(position, end);
      } else if (this.#carry.length > 0) {
        position = this.#finishCarried(bytes, position, end);
      } else {
        position = this.#takeAll(bytes, position, end);
        break;
      }
    }
    if (position < end && !this.#isEnding) this.#keep(bytes, position, end);
  }

  #skip(start: number, end: number): number {
    const skipped = Math.min(this.#skipBytes, end - start);
    this.#skipBytes -= skipped;
    if (this.#skipBytes === 0) this.answer(this.#skipReply);
    return start + skipped;
  }

  /** Keeps what is not a whole request, or has to wait. */
  #keep(bytes: Uint8Array, start: number, end: number): void {
    const expectedBytes = this.#isStalled ? 0 : this.parser.neededBytes;
    this.#carry.append(bytes, start, end, expectedBytes);
    if (!this.#isStalled && this.path.isOverHeld) this.#waitForHeldBytes();
  }

  #waitForHeldBytes(): void {
    this.stall();
    this.path.waitForHeldBytes(this);
  }

  /** Goes on with a request that began in earlier bytes. Returns from where on the bytes are not used yet. */
  #finishCarried(bytes: Uint8Array, start: number, end: number): number {
    const carry = this.#carry;
    let position = start;
    while (position < end && !this.#isStalled && !this.#isEnding && this.#skipBytes === 0) {
      const had = carry.length;
      if (had === 0) return position;
      const { neededBytes } = this.parser;
      const pieceEnd = Math.min(end, position + (neededBytes > had ? neededBytes - had : HEAD_BYTES));
      carry.append(bytes, position, pieceEnd, neededBytes);
      position = pieceEnd;
      if (carry.length < neededBytes) return end;
      carry.dropTo(this.#takeAll(carry.bytes, carry.start, carry.end));
    }
    return position;
  }

  /** Takes whole requests of `bytes[start, end)`. Returns where the first one begins that was not taken. */
  #takeAll(bytes: Uint8Array, start: number, end: number): number {
    const { parser } = this;
    let position = start;
    while (position < end) {
      if (!this.#hasRoom()) {
        this.stall();
        return position;
      }
      const outcome = parser.parse(bytes, position, end);
      if (outcome === ParseOutcome.MORE) return position;
      if (outcome === ParseOutcome.WHOLE) {
        if (!takeRequest(this, bytes, position)) return position;
        position = parser.requestEnd;
        if (this.#isEnding) return end;
        continue;
      }
      if (parser.unlinks) unlinkRefused(this);
      if (outcome === ParseOutcome.REFUSED && parser.requestEnd > end) {
        this.#skipBytes = parser.requestEnd - end;
        this.#skipReply = parser.errorReply;
        return end;
      }
      this.answer(parser.errorReply);
      if (outcome === ParseOutcome.FATAL) {
        this.endAfterReplies();
        return end;
      }
      position = parser.requestEnd;
    }
    return position;
  }

  /** Whether one more request may wait. One may always, so that nobody waits for himself. */
  #hasRoom(): boolean {
    const waiting = this.#ring.length;
    const limitBytes = this.#bufferLimitBytes;
    const stagedBytes = this.#out.length + this.#parking.length;
    if (waiting === 0) return stagedBytes < limitBytes;
    return waiting < this.#requestLimit && stagedBytes + waiting * this.#replyEstimateBytes < limitBytes;
  }

  /** Whether one more key of a multi-key get may be asked for. */
  get hasRoom(): boolean {
    return this.#hasRoom();
  }

  /** Stops reading; whoever stalls sees to it that the client is marked when it may go on. */
  stall(): void {
    if (this.#isStalled) return;
    this.#isStalled = true;
    this.#wire.pause();
  }

  /** Goes on after a stall, if there is room. */
  resume(): void {
    if (!this.#isStalled || this.#isClosed || !this.#hasRoom()) return;
    this.#isStalled = false;
    const carry = this.#carry;
    if (carry.length > 0) carry.dropTo(this.#takeAll(carry.bytes, carry.start, carry.end));
    if (!this.#isStalled) this.#wire.resume();
  }

  /** A slot for the request that the parser has found. */
  newSlot(route: number, mode: SlotMode): Slot {
    const { parser, path } = this;
    const slot = path.slots.take();
    slot.mode = mode;
    slot.command = parser.command;
    slot.shape = parser.replyShape;
    slot.access = parser.access;
    slot.counter = path.counts.counterOf(route);
    return slot;
  }

  /** Appends the slot of a request; replies leave in this order. */
  push(slot: Slot): void {
    slot.client = this;
    slot.startedUs = this.path.nowUs;
    this.#ring.push(slot);
  }

  /** Answers a request that no server is asked about. */
  answer(reply: Uint8Array): void {
    if (this.#ring.length === 0) {
      this.#out.append(reply, 0, reply.length);
      this.path.markClient(this);
      return;
    }
    const slot = this.path.slots.take();
    slot.mode = SlotMode.LOCAL;
    this.push(slot);
    this.park(slot, reply, 0, reply.length);
  }

  /** Takes the slot out if it is the first, whose reply leaves now: call {@link emit} with it. */
  takeFirst(slot: Slot, sizeBytes: number): boolean {
    if (this.#ring.first !== slot) return false;
    this.#ring.shift();
    this.path.slots.give(slot);
    this.#learn(sizeBytes);
    return true;
  }

  #learn(sizeBytes: number): void {
    const estimate = this.#replyEstimateBytes;
    this.#replyEstimateBytes = sizeBytes > estimate ? sizeBytes : estimate - ((estimate - sizeBytes) >> 5);
  }

  /** Copies `bytes[start, end)` behind what leaves for the client. */
  emit(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#isClosed && end > start) this.#out.append(bytes, start, end);
  }

  /** {@link emit}, and sees to it that it is written. */
  stage(bytes: Uint8Array, start: number, end: number): void {
    this.emit(bytes, start, end);
    if (!this.isDirty) this.path.markClient(this);
  }

  /**
   * Like {@link stage}, but a client that waits for nothing more is written to at once, without a copy.
   *
   * @returns Whether the bytes are the caller's again; if not, they must stay as they are for as long as anybody knows.
   */
  writeThrough(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#ring.length > 0 || this.#out.length > 0 || this.#isClosed || end === start) {
      this.stage(bytes, start, end);
      return true;
    }
    if (this.#isStalled || this.#isEnding) this.path.markClient(this);
    if (this.#wire.write(bytes, start, end)) return true;
    this.#out.wait(end - start);
    return false;
  }

  /** Keeps the reply of a slot that is not the first, with `tail` behind it. */
  park(slot: Slot, bytes: Uint8Array, start: number, end: number, tail = NOTHING): void {
    const sizeBytes = end - start + tail.length;
    slot.isParked = true;
    slot.parkedStart = this.#parking.add(bytes, start, end, tail);
    slot.parkedEnd = slot.parkedStart + sizeBytes;
    this.#learn(sizeBytes);
  }

  get hasParkedFirst(): boolean {
    return this.#ring.first?.isParked === true;
  }

  /** Delivers a reply of any mode in its turn. */
  deliver(slot: Slot, bytes: Uint8Array, start: number, end: number): void {
    if (this.#ring.first !== slot) {
      this.park(slot, bytes, start, end);
      return;
    }
    this.#ring.shift();
    this.#emitSlot(slot, bytes, start, end);
    this.#learn(end - start);
    if (!this.isDirty) this.path.markClient(this);
    if (this.hasParkedFirst) this.deliverParked();
  }

  /** Delivers what is parked at the head of the ring. */
  deliverParked(): void {
    const parking = this.#parking;
    for (let slot = this.#ring.first; slot?.isParked === true; slot = this.#ring.first) {
      this.#ring.shift();
      this.#emitSlot(slot, parking.bytes, slot.parkedStart, slot.parkedEnd);
      parking.remove();
    }
    if (!this.isDirty) this.path.markClient(this);
  }

  #emitSlot(slot: Slot, bytes: Uint8Array, start: number, end: number): void {
    if (slot.mode === SlotMode.PART || slot.mode === SlotMode.LAST) this.#emitPart(slot, bytes, start, end);
    else this.emit(bytes, start, end);
    this.path.slots.give(slot);
  }

  /**
   * A multi-key get of which some servers gave no answer has their keys as misses, as with clients that choose servers
   * themselves; an error line between values would make many clients close. Without any answer the error is told.
   */
  #emitPart(slot: Slot, bytes: Uint8Array, start: number, end: number): void {
    if (slot.isFailed) {
      this.#partsError = bytes.slice(start, end);
    } else {
      this.#partsAnswered++;
      this.emit(bytes, start, end);
    }
    if (slot.mode === SlotMode.PART) return;
    const last = this.#partsAnswered > 0 ? END_LINE : this.#partsError;
    this.emit(last, 0, last.length);
    this.#partsAnswered = 0;
    this.#partsError = NOTHING;
  }

  /** Delivers the line of a failure in the place of a reply. */
  deliverFailure(slot: Slot, line: Uint8Array): void {
    slot.isFailed = true;
    // A client that asked for silence on errors would take the line for another request's reply.
    this.deliver(
      slot,
      line,
      0,
      slot.mode === SlotMode.QUIET && !this.path.tellsFailure(slot.command) ? 0 : line.length,
    );
  }

  /** Takes no more requests and closes when every reply is out. */
  endAfterReplies(): void {
    this.#isEnding = true;
    this.path.markClient(this);
  }

  /** The client sends no more. */
  onEnd(): void {
    this.#carry.clear();
    this.endAfterReplies();
  }

  onDrain(): void {
    this.#out.drained();
    this.path.markClient(this);
  }

  /** Writes what is staged; once in a turn of the loop. */
  flush(): void {
    this.isDirty = false;
    if (this.#isClosed) return;
    const stagedBytes = this.#out.length;
    const isOut = this.#out.flush(this.#wire);
    // What has just left makes room that there was not when the client was asked to go on.
    if (isOut && stagedBytes > 0 && this.#isStalled) this.path.markClient(this);
    if (isOut && this.#isEnding && this.#ring.length === 0) this.#wire.end();
  }

  destroy(): void {
    if (!this.#isClosed) this.#wire.destroy();
  }

  /** The connection is gone. Servers' replies to what still waits will find nobody. */
  onClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    while (this.#ring.length > 0) {
      const slot = this.#ring.shift();
      if (slot.isParked) this.path.slots.give(slot);
      else slot.client = undefined;
    }
    this.#out.clear();
    this.#carry.clear();
    this.#parking.clear();
    this.path.forgetClient(this);
  }
}
