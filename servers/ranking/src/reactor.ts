import type { Socket } from "node:net";
import { readIntoShared, watchEnd } from "@kagami/kit";
import { Client } from "./client.ts";
import type { Engine } from "./engine/engine.ts";
import { ReplyMode } from "./engine/session.ts";
import { Intake } from "./intake.ts";
import { ReplyWriter } from "./protocol/reply-writer.ts";
import type { ReplicatedLog } from "./storage/replicated-log.ts";
import { type HeldTurn, Segments } from "./turn-output.ts";

const READ_BYTES = 262_144;
/** What a timer can wait for. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;
/** A reply buffer that has grown beyond this is not kept. */
const KEPT_REPLY_BYTES = 4 << 20;

export interface ReactorLimits {
  readonly maxOutputBytes: number;
  readonly maxRequestBytes: number;
  readonly maxBulkBytes: number;
}

/** What the reactor needs of the machine. */
export interface ReactorWorld {
  readonly nowMs: () => number;
  /** A seed for the random numbers of a turn. */
  readonly seed: () => number;
  /** `undefined` for a store that keeps nothing. */
  readonly log: ReplicatedLog | undefined;
}

/**
 * Moves bytes between sockets and the engine, a turn of the event loop at a time.
 *
 *     read, read, read ... (each: parse, execute, reply into one buffer)   one turn, one time, one batch
 *     end of turn: append the batch and write it; send every client its part of the buffer
 *
 * Under `always` the buffer is held until the log says that the batch is synced; the next turn has another buffer. All
 * that is read goes through one buffer, so reading allocates nothing.
 */
export class Reactor {
  readonly engine: Engine;
  readonly clients = new Set<Client>();
  readonly #world: ReactorWorld;
  readonly #limits: ReactorLimits;
  readonly #readBuffer = new Uint8Array(READ_BYTES);
  readonly #intake: Intake;
  readonly #reply = new ReplyWriter();
  #segments = new Segments();
  #segmentEnd = 0;
  readonly #held: HeldTurn[] = [];
  #isInTurn = false;
  #turn = 0;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #deadlineTimer: NodeJS.Timeout | undefined;
  /** Whose bytes are being read. */
  #current: Client | undefined;
  readonly #ending = new Set<Client>();
  readonly #blocked = new Set<Client>();
  /** Those whose next command CLIENT PAUSE holds back. */
  readonly #heldBack = new Set<Client>();
  /** Position of the last batch. */
  #appended = 0;
  netInputBytes = 0;
  netOutputBytes = 0;
  readCount = 0;
  writeCount = 0;
  protocolErrors = 0;

  constructor(engine: Engine, world: ReactorWorld, limits: ReactorLimits) {
    this.engine = engine;
    this.#world = world;
    this.#limits = limits;
    this.#intake = new Intake(engine, this.#reply, {
      refuse: (client, error) => this.#refuse(client, error),
      holdBack: (client) => this.#heldBack.add(client),
    });
  }

  /** Takes a connection over. */
  accept(accepted: Socket, isTls: boolean): void {
    let client: Client | undefined;
    const onBytes = (size: number): void => {
      if (client !== undefined) this.#onBytes(client, size);
    };
    const socket = isTls ? accepted : readIntoShared(accepted, this.#readBuffer, onBytes);
    if (isTls) {
      accepted.on("data", (chunk: Uint8Array) => {
        for (let start = 0; start < chunk.length; start += READ_BYTES) {
          const piece = chunk.subarray(start, start + READ_BYTES);
          this.#readBuffer.set(piece);
          onBytes(piece.length);
        }
      });
    }
    client = this.#addClient(socket);
  }

  #addClient(socket: Socket): Client {
    const { engine } = this;
    const holder: { client?: Client } = {};
    const output = {
      send: (bytes: Uint8Array): void => {
        if (holder.client !== undefined) this.#send(holder.client, bytes);
      },
      close: (): void => {
        if (holder.client !== undefined) this.#endLater(holder.client);
      },
    };
    const session = engine.sessions.open(output, engine.users.defaultUser, {
      address: `${socket.remoteAddress}:${socket.remotePort}`,
      localAddress: `${socket.localAddress}:${socket.localPort}`,
      nowMs: this.#world.nowMs(),
      isAuthenticated: !engine.users.isLoginNeeded,
    });
    const client = new Client(socket, session);
    holder.client = client;
    client.parser.maxBulkBytes = this.#limits.maxBulkBytes;
    this.clients.add(client);
    watchEnd(socket, { onEnd: () => this.#endLater(client), onClosed: () => this.#onClosed(client) });
    return client;
  }

  // Reading

  #onBytes(client: Client, size: number): void {
    if (client.isGone || client.session.isClosing) return;
    this.netInputBytes += size;
    this.readCount++;
    if (client.carryLength === 0 && !this.#mustWait(client)) {
      const used = this.#take(client, this.#readBuffer, size);
      if (used < size) this.#keep(client, used, size);
      return;
    }
    this.#keep(client, 0, size);
    if (!this.#mustWait(client)) this.#takeCarried(client);
  }

  #mustWait(client: Client): boolean {
    return client.session.isBlocked || this.#heldBack.has(client);
  }

  #keep(client: Client, start: number, end: number): void {
    if (client.carryLength + end - start > this.#limits.maxRequestBytes) {
      this.#refuse(client, "ERR Protocol error: request too long");
      return;
    }
    const needed = Math.min(client.parser.neededBytes, this.#limits.maxRequestBytes);
    client.keep(this.#readBuffer, start, end, needed);
  }

  #takeCarried(client: Client): void {
    if (client.parser.isInside && client.carryLength < client.parser.neededBytes) return;
    const used = this.#take(client, client.carry, client.carryLength);
    client.drop(used);
  }

  /** Does the requests of `bytes[0, end)`. Returns how far they reach. */
  #take(client: Client, bytes: Uint8Array, end: number): number {
    const { session } = client;
    this.#beginTurn();
    this.#current = client;
    const changes = this.engine.batch.count;
    const at = this.#intake.take(client, bytes, end);
    this.#closeSegment(client);
    if (this.engine.batch.count > changes) client.changedTurn = this.#turn;
    this.#current = undefined;
    if (session.isClosing) this.#endLater(client);
    if (session.isBlocked) this.#blocked.add(client);
    return session.isClosing ? end : at;
  }

  #refuse(client: Client, error: string): void {
    this.#beginTurn();
    this.protocolErrors++;
    this.#reply.resp = client.session.resp;
    if (client.session.replyMode === ReplyMode.on) this.#reply.error(error);
    this.#closeSegment(client);
    client.session.isClosing = true;
    this.#endLater(client);
  }

  // Turns

  #beginTurn(): void {
    if (this.#isInTurn) return;
    this.#isInTurn = true;
    this.#turn++;
    this.engine.beginTurn(this.#world.nowMs(), this.#world.seed());
    setImmediate(this.#endTurn);
  }

  /** Does something of the engine's own, such as what was due at a time, within a turn. */
  inTurn(work: () => void): void {
    this.#beginTurn();
    work();
  }

  readonly #endTurn = (): void => {
    this.#resumeBlocked();
    this.#scheduleDeadline();
    const { log } = this.#world;
    const { batch } = this.engine;
    const hasChanged = this.engine.endTurn();
    if (log !== undefined && hasChanged) {
      this.#appended = log.append(batch.bytes, 0, batch.length);
      log.flush();
    }
    this.#isInTurn = false;
    const segments = this.#segments;
    if (segments.count === 0 && this.#ending.size === 0) return;
    const position = this.#appended;
    if (log !== undefined && (this.#held.length > 0 || (hasChanged && log.acceptedPosition < position))) {
      const waiting = log.state === "ok" ? segments : this.#sendUnconcerned(this.#reply.bytes, segments);
      if (waiting.count > 0) this.#held.push({ position, bytes: this.#reply.bytes, segments: waiting });
      this.#segments = new Segments();
      this.#reply.bytes = new Uint8Array(Math.min(this.#reply.bytes.length, KEPT_REPLY_BYTES));
      this.#startSegments();
      return;
    }
    if (!this.#sendAll(this.#reply.bytes, segments) || this.#reply.bytes.length > KEPT_REPLY_BYTES) {
      this.#reply.bytes = new Uint8Array(Math.min(this.#reply.bytes.length, KEPT_REPLY_BYTES));
    }
    this.#startSegments();
  };

  /** Wakes the engine when the waiting of a session is over. */
  #scheduleDeadline(): void {
    const dueMs = this.engine.nextDeadlineMs;
    if (dueMs === this.#deadlineMs) return;
    clearTimeout(this.#deadlineTimer);
    this.#deadlineMs = dueMs;
    if (!Number.isFinite(dueMs)) return;
    const delayMs = Math.min(Math.max(0, dueMs - this.#world.nowMs()), LONGEST_DELAY_MS);
    this.#deadlineTimer = setTimeout(() => {
      this.#deadlineMs = Number.POSITIVE_INFINITY;
      this.inTurn(() => this.engine.onTime(this.#world.nowMs()));
    }, delayMs);
  }

  #startSegments(): void {
    this.#segments.clear();
    this.#segmentEnd = 0;
    this.#reply.length = 0;
    if (this.#ending.size > 0) this.#endThoseSent();
  }

  /** The log has everything up to this position. */
  onAccepted(position: number): void {
    while (this.#held.length > 0 && (this.#held[0] as HeldTurn).position <= position) {
      const turn = this.#held.shift() as HeldTurn;
      this.#sendAll(turn.bytes, turn.segments);
    }
    if (this.#ending.size > 0) this.#endThoseSent();
  }

  /**
   * While the log cannot be written: sends what tells of no change to those who wait for none, so that they are served on.
   * Returns the others' segments.
   */
  #sendUnconcerned(bytes: Uint8Array, segments: Segments): Segments {
    const [waiting, free] = [new Segments(), new Segments()];
    const held = new Set(this.#held.flatMap((turn) => turn.segments.clients));
    for (let i = 0; i < segments.count; i++) {
      const client = segments.clients[i] as Client;
      const isConcerned = client.changedTurn === this.#turn || held.has(client);
      (isConcerned ? waiting : free).add(client, segments.startOf(i), segments.endOf(i));
    }
    this.#sendAll(bytes, free);
    return waiting;
  }

  /** Sends every client its segments. Returns whether the bytes are ours again. */
  #sendAll(bytes: Uint8Array, segments: Segments): boolean {
    let isOurs = true;
    for (let i = 0; i < segments.count; i++) {
      const client = segments.clients[i] as Client;
      const start = segments.startOf(i);
      const end = segments.endOf(i);
      this.netOutputBytes += end - start;
      this.writeCount++;
      if (!client.write(bytes, start, end)) isOurs = false;
      else if (client.queuedBytes > this.#limits.maxOutputBytes) client.wire.destroy();
    }
    return isOurs;
  }

  /** Ends those who are to be closed and have been sent everything. */
  #endThoseSent(): void {
    for (const client of this.#ending) {
      if (this.#segments.has(client) || this.#held.some(({ segments }) => segments.has(client))) continue;
      this.#ending.delete(client);
      client.end();
    }
  }

  // Output

  /** What was written since the last segment is this client's. */
  #closeSegment(client: Client): void {
    const end = this.#reply.length;
    if (end === this.#segmentEnd) return;
    this.#segments.add(client, this.#segmentEnd, end);
    this.#segmentEnd = end;
  }

  #send(client: Client, bytes: Uint8Array): void {
    this.#beginTurn();
    if (this.#current !== undefined) this.#closeSegment(this.#current);
    this.#reply.raw(bytes);
    this.#closeSegment(client);
    if (this.engine.batch.count > 0) client.changedTurn = this.#turn;
  }

  #endLater(client: Client): void {
    this.#beginTurn();
    client.session.isClosing = true;
    this.#ending.add(client);
  }

  /** Those who waited and do so no more may have sent something meanwhile. */
  #resumeBlocked(): void {
    for (const client of this.#blocked) {
      if (client.session.isBlocked) continue;
      this.#blocked.delete(client);
      if (client.carryLength > 0) this.#takeCarried(client);
    }
  }

  /** Goes on with those that a pause held back, once it is over. */
  resumeHeldBack(): void {
    if (this.#heldBack.size === 0 || this.engine.sessions.isPaused(this.#world.nowMs())) return;
    const clients = [...this.#heldBack];
    this.#heldBack.clear();
    for (const client of clients) if (client.carryLength > 0) this.#takeCarried(client);
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.netInputBytes = 0;
    this.netOutputBytes = 0;
    this.readCount = 0;
    this.writeCount = 0;
  }

  #onClosed(client: Client): void {
    client.isGone = true;
    this.clients.delete(client);
    this.#blocked.delete(client);
    this.#heldBack.delete(client);
    this.#ending.delete(client);
    this.engine.disconnect(client.session);
  }

  /** Cuts all clients off once what they were sent is out. */
  endAll(): void {
    clearTimeout(this.#deadlineTimer);
    for (const client of this.clients) client.end();
  }
}
