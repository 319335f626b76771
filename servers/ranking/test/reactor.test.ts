import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { beforeEach, expect, test } from "vitest";
import { createEngine } from "../src/create-engine.ts";
import { Reactor } from "../src/reactor.ts";
import type { ReplicatedLog } from "../src/storage/replicated-log.ts";
import { request } from "./support/wire-client.ts";

/** A log that takes everything and accepts it when the test says so. */
class HeldLog implements ReplicatedLog {
  readonly isOrderedAtAppend = true;
  readonly clusterId = new Uint8Array(16);
  readonly firstPosition = 1;
  readonly state = "ok";
  readonly problem = undefined;
  lastPosition = 0;
  acceptedPosition = 0;
  flushCount = 0;

  append(): number {
    return ++this.lastPosition;
  }

  flush(): void {
    this.flushCount++;
  }

  subscribe(): never {
    throw new Error("Nobody subscribes here");
  }

  barrier(): Promise<number> {
    return Promise.resolve(this.acceptedPosition);
  }

  trim(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}

let log: HeldLog;
let reactor: Reactor;

beforeEach(() => {
  log = new HeldLog();
  const limits = { isOverOutputLimit: () => false, maxRequestBytes: 1 << 20, maxBulkBytes: 1 << 20, turnBytes: 100 };
  reactor = new Reactor(createEngine(1), { nowMs: () => 1_700_000_000_000, seed: () => 1, log }, limits);
});

/** A connection in this process: its bytes come when the test says so. */
class FakeSocket extends Duplex {
  received = "";
  hasEnded = false;
  /** Takes nothing while this is set; what takes the write that waits then. */
  isStuck = false;
  #takeStuck: () => void = () => undefined;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, onDone: () => void): void {
    this.received += chunk.toString("latin1");
    if (this.isStuck) this.#takeStuck = onDone;
    else onDone();
  }

  /** Takes what waits, and all that comes. */
  flow(): void {
    this.isStuck = false;
    this.#takeStuck();
  }

  override _final(onDone: () => void): void {
    this.hasEnded = true;
    onDone();
  }

  send(...args: string[]): void {
    this.emit("data", Buffer.from(request(...args), "latin1"));
  }
}

function connect(): FakeSocket {
  const socket = new FakeSocket();
  reactor.accept(socket as unknown as Socket, true);
  return socket;
}

/** As many times round the event loop. */
async function rounds(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

function accept(position: number): void {
  log.acceptedPosition = position;
  reactor.onAccepted(position);
}

test("a reply waits until its batch is accepted, and those behind it wait too", async () => {
  const [writer, reader] = [connect(), connect()];
  writer.send("SET", "k", "v");
  await rounds(2);
  reader.send("GET", "k");
  await rounds(2);
  expect([log.flushCount, writer.received, reader.received]).toEqual([1, "", ""]);
  accept(1);
  expect([writer.received, reader.received]).toEqual(["+OK\r\n", "$1\r\nv\r\n"]);
});

test("who quits is told so, also when another's write is accepted before the turn ends", async () => {
  const [writer, quitter] = [connect(), connect()];
  writer.send("SET", "k", "v");
  await rounds(2);
  quitter.send("QUIT");
  accept(1);
  await rounds(2);
  expect([writer.received, quitter.received, quitter.hasEnded]).toEqual(["+OK\r\n", "+OK\r\n", true]);
});

test("who quits while replies wait for the socket is ended when they are out", async () => {
  const slow = connect();
  slow.isStuck = true;
  for (const word of ["one", "two"]) {
    slow.send("PING", word);
    await rounds(2);
  }
  slow.send("QUIT");
  await rounds(2);
  expect([slow.received, slow.hasEnded]).toEqual(["$3\r\none\r\n", false]);
  slow.flow();
  await rounds(2);
  expect([slow.received, slow.hasEnded]).toEqual(["$3\r\none\r\n$3\r\ntwo\r\n+OK\r\n", true]);
});

test("who sends nothing more gets the replies that are due, then the end", async () => {
  const writer = connect();
  writer.send("SET", "k", "v");
  writer.emit("end");
  await rounds(3);
  expect([log.flushCount, writer.hasEnded]).toEqual([1, false]);
  accept(1);
  await rounds(1);
  expect([writer.received, writer.hasEnded]).toEqual(["+OK\r\n", true]);
});

test("who waits for room goes on when enough of the replies that are held is sent", async () => {
  const [writer, reader] = [connect(), connect()];
  for (let turn = 0; turn < 2; turn++) {
    writer.send("SET", "k", "v".repeat(60));
    writer.send("GET", "k");
    await rounds(2);
  }
  reader.send("PING");
  await rounds(2);
  accept(1);
  await rounds(3);
  expect([log.lastPosition, reader.received]).toEqual([2, ""]);
  accept(2);
  expect(reader.received).toBe("+PONG\r\n");
});

test("who goes on after it waited may wake others, and they go on too", async () => {
  const [first, second, third] = [connect(), connect(), connect()];
  first.send("BLPOP", "a", "0");
  first.send("RPUSH", "b", "for second");
  second.send("BLPOP", "b", "0");
  second.send("PING");
  await rounds(2);
  third.send("RPUSH", "a", "for first");
  await rounds(2);
  accept(1);
  expect(second.received).toBe("*2\r\n$1\r\nb\r\n$10\r\nfor second\r\n+PONG\r\n");
});

test("at the end clients still get the replies that wait for the log", async () => {
  const [writer, other] = [connect(), connect()];
  writer.send("SET", "k", "v");
  await rounds(2);
  other.send("PING");
  reactor.endAll();
  await rounds(2);
  expect([writer.received, writer.hasEnded]).toEqual(["", false]);
  accept(1);
  await rounds(1);
  expect([writer.received, writer.hasEnded, other.received, other.hasEnded]).toEqual([
    "+OK\r\n",
    true,
    "+PONG\r\n",
    true,
  ]);
});

test("who asks for much does not keep others from their turn", async () => {
  const [greedy, other] = [connect(), connect()];
  const count = 20;
  greedy.send("SET", "k", "v".repeat(60));
  await rounds(2);
  accept(1);
  const one = "$60\r\n".length + 62;
  greedy.emit("data", Buffer.from(request("GET", "k").repeat(count), "latin1"));
  other.send("PING");
  for (let round = 0; other.received === ""; round++) {
    expect(round).toBeLessThan(100);
    await rounds(1);
  }
  expect(greedy.received.length).toBeLessThan((count / 2) * one);
  await rounds(100);
  expect(greedy.received.length).toBe("+OK\r\n".length + count * one);
});
