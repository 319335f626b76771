import type { Socket } from "node:net";
import { readIntoShared, watchEnd } from "@kagami/kit";
import { Client } from "./client.ts";
import type { ClientLimits } from "./client-limits.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import type { Engine } from "./engine/engine.ts";
import { KEPT_WHOLE_BYTES, ReplyMode } from "./engine/session.ts";
import { Intake } from "./intake.ts";
import { ReplyWriter } from "./protocol/reply-writer.ts";
import type { ReplicatedLog } from "./storage/replicated-log.ts";
import { HeldTurns, Segments } from "./turn-output.ts";

const READ_BYTES = 262_144;
/** A reply buffer that has grown beyond this is not kept. */
const KEPT_REPLY_BYTES = 4 << 20;
/** Replies of a turn beyond which no further request is done before they are sent. */
const TURN_BYTES = 64 << 20;

/** What clients may take; may change while they are served. */
export interface ReactorLimits {
  readonly maxRequestBytes: number;
  readonly maxBulkBytes: number;
  isOverOutputLimit(client: Client, nowMs: number): boolean;
  /** 64 MiB if nothing else is said. */
  readonly turnBytes?: number;
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
  readonly #held = new HeldTurns();
  #isInTurn = false;
  readonly #deadline: DeadlineTimer;
  /** Whose bytes are being read. */
  #current: Client | undefined;
  readonly #ending = new Set<Client>();
  /** Those that waited for a key or a time and do so no more. */
  #resumed: Client[] = [];
  /** Those whose next request comes when the replies that there are have been sent. */
  readonly #postponed = new Set<Client>();
  /** Those whose next command CLIENT PAUSE holds back. */
  readonly #heldBack = new Set<Client>();
  /** Position of the last batch. */
  #appended = 0;
  netInputBytes = 0;
  netOutputBytes = 0;
  readCount = 0;
  writeCount = 0;
  protocolErrors = 0;
  turnCount = 0;

  constructor(engine: Engine, world: ReactorWorld, limits: ReactorLimits) {
    this.engine = engine;
    this.#world = world;
    this.#limits = limits;
    this.#intake = new Intake(engine, this.#reply, {
      refuse: (client, error) => this.#refuse(client, error),
      holdBack: (client) => this.#heldBack.add(client),
      hasRoom: (client) => this.#hasRoom(client),
    });
    const { nowMs } = world;
    this.#deadline = new DeadlineTimer(nowMs, () => this.inTurn(() => engine.onTime(nowMs())));
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
      resume: (): void => {
        if (holder.client !== undefined) this.#resumed.push(holder.client);
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
    session.buffers = client;
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
    return client.session.isBlocked || this.#heldBack.has(client) || this.#postponed.has(client);
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
    if (this.engine.batch.count > changes) client.changedTurn = this.turnCount;
    this.#current = undefined;
    if (session.isClosing) this.#endLater(client);
    return session.isClosing ? end : at;
  }

  #refuse(client: Client, error: string): void {
    this.#beginTurn();
    this.protocolErrors++;
    this.#reply.resp = client.session.resp;
    const hasRoom = this.#reply.length + error.length < this.#reply.limitBytes;
    if (client.session.replyMode === ReplyMode.on && hasRoom) this.#reply.error(error);
    this.#closeSegment(client);
    client.session.isClosing = true;
    this.#endLater(client);
  }

  // Turns

  #beginTurn(): void {
    if (this.#isInTurn) return;
    this.#isInTurn = true;
    this.turnCount++;
    this.engine.beginTurn(this.#world.nowMs(), this.#world.seed());
    setImmediate(this.#endTurn);
  }

  /** Does something of the engine's own, such as what was due at a time, within a turn. */
  inTurn(work: () => void): void {
    this.#beginTurn();
    work();
  }

  readonly #endTurn = (): void => {
    const { log } = this.#world;
    const { batch } = this.engine;
    this.#resumeBlocked();
    // Wakes the engine when the waiting of a session is over.
    this.#deadline.set(this.engine.nextDeadlineMs);
    const hasChanged = this.engine.endTurn();
    if (log !== undefined && hasChanged) {
      this.#appended = log.append(batch.bytes, 0, batch.length);
      log.flush();
    }
    this.#isInTurn = false;
    if (this.#postponed.size > 0) setImmediate(this.#resumePostponed);
    const segments = this.#segments;
    if (segments.count === 0 && this.#ending.size === 0) return;
    const position = this.#appended;
    if (log !== undefined && (!this.#held.isEmpty || (hasChanged && log.acceptedPosition < position))) {
      let waiting = segments;
      if (log.state !== "ok") {
        // While the log cannot be written: who waits for nothing that was not kept is served on.
        const [concerned, free] = this.#held.split(segments, (client) => client.changedTurn === this.turnCount);
        this.#sendAll(this.#reply.bytes, free);
        waiting = concerned;
      }
      this.#held.add(position, this.#reply.bytes, this.#reply.length, waiting);
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

  #startSegments(): void {
    this.#segments.clear();
    this.#segmentEnd = 0;
    this.#reply.length = 0;
    if (this.#ending.size > 0) this.#endThoseSent();
  }

  /** The log has everything up to this position. */
  onAccepted(position: number): void {
    this.#held.release(position, (turn) => this.#sendAll(turn.bytes, turn.segments));
    if (this.#ending.size > 0) this.#endThoseSent();
    if (this.#postponed.size > 0) setImmediate(this.#resumePostponed);
  }

  /** Sends every client its segments. Returns whether the bytes are ours again. */
  #sendAll(bytes: Uint8Array, segments: Segments): boolean {
    let isOurs = true;
    for (let i = 0; i < segments.count; i++) {
      const client = segments.clients[i] as Client;
      const own = segments.largeOf(i);
      const start = segments.startOf(i);
      const end = segments.endOf(i);
      this.netOutputBytes += end - start;
      this.writeCount++;
      if (!client.write(own ?? bytes, start, end)) isOurs &&= own !== undefined;
      if (client.outputBytes > 0 && this.#limits.isOverOutputLimit(client, this.engine.store.nowMs)) {
        client.wire.destroy();
      }
    }
    return isOurs;
  }

  /** Ends those who are to be closed and have been sent everything. */
  #endThoseSent(): void {
    for (const client of this.#ending) {
      if (this.#segments.has(client) || this.#held.has(client)) continue;
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
    const hasRoom = this.#reply.length + bytes.length <= this.#reply.limitBytes;
    if (bytes.length >= KEPT_WHOLE_BYTES || !hasRoom)
      this.#segments.addLarge(client, hasRoom ? bytes : new Uint8Array(bytes));
    else {
      this.#reply.raw(bytes);
      this.#closeSegment(client);
    }
    if (this.engine.batch.count > 0) client.changedTurn = this.turnCount;
  }

  #endLater(client: Client): void {
    this.#beginTurn();
    client.session.isClosing = true;
    this.#ending.add(client);
  }

  /** Those who waited and do so no more may have sent something meanwhile. */
  #resumeBlocked(): void {
    // Who goes on may wake others.
    while (this.#resumed.length > 0) {
      const clients = this.#resumed;
      this.#resumed = [];
      this.#goOn(clients);
    }
  }

  #goOn(clients: readonly Client[]): void {
    for (const client of clients) {
      if (!client.isGone && client.carryLength > 0 && !this.#mustWait(client)) this.#takeCarried(client);
    }
  }

  /** Whether there are so many replies that they have to be sent before others are made. */
  get #isFull(): boolean {
    const bytes = this.#reply.length + this.#segments.largeBytes + this.#held.bytes;
    return bytes > (this.#limits.turnBytes ?? TURN_BYTES);
  }

  /** Whether another request of the client may be done; if not, it goes on when the replies have been sent. */
  #hasRoom(client: Client): boolean {
    if (!this.#isFull) return true;
    this.#postponed.add(client);
    return false;
  }

  readonly #resumePostponed = (): void => {
    // While replies are held the log says when they are sent.
    for (const client of [...this.#postponed]) {
      if (this.#isFull) return;
      // Who fills the turn stands behind all others then.
      this.#postponed.delete(client);
      this.#goOn([client]);
    }
  };

  /** Goes on with those that a pause held back, once it is over. */
  resumeHeldBack(): void {
    if (this.#heldBack.size === 0 || this.engine.sessions.isPaused(this.#world.nowMs())) return;
    const clients = [...this.#heldBack];
    this.#heldBack.clear();
    this.#goOn(clients);
  }

  /** Cuts off who has been silent for too long, or has had much waiting for too long. */
  closeOverdue(nowMs: number, limits: ClientLimits): void {
    for (const client of this.clients) {
      if (client.outputBytes > 0 && limits.isOverOutputLimit(client, nowMs)) client.wire.destroy();
      else if (limits.isIdle(client, nowMs)) this.#endLater(client);
    }
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
    this.#postponed.delete(client);
    this.#heldBack.delete(client);
    this.#ending.delete(client);
    this.engine.disconnect(client.session);
  }

  /** Cuts all clients off once what they were sent is out. */
  endAll(): void {
    this.#deadline.stop();
    for (const client of this.clients) this.#endLater(client);
  }
}
