import { connect } from "node:net";
import { encodeCommand, RedisConnection } from "../redis-connection.ts";
import { parseReply } from "../reply.ts";
import type { Step, Words } from "./step.ts";

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What a step gave. A failure to answer is an answer too. */
export interface Answer {
  readonly words: Words;
  readonly bytes: Buffer;
  /** The bytes say why there is no answer. */
  readonly isMissing?: true;
}

const DRAIN_MARK = "drained";
const BYTES_DEADLINE_MS = 5_000;

/**
 * Plays steps on one server from an empty state, over two new connections: consecutive commands of one connection go in
 * one pipeline.
 *
 * @returns an answer for each step; after the server stopped answering only the one that says so.
 */
export async function play(address: Address, steps: readonly Step[], protocol: 2 | 3): Promise<Answer[]> {
  const connections = [await open(address, protocol), await open(address, protocol)] as const;
  const answers: Answer[] = [];
  try {
    await connections[0].call("FLUSHALL");
    await connections[0].call("SCRIPT", "FLUSH");
    for (let at = 0; at < steps.length; ) {
      const end = endOfPipeline(steps, at);
      answers.push(...(await playPipeline(connections, address, steps.slice(at, end))));
      at = end;
    }
  } catch (error) {
    answers.push({ words: [], bytes: Buffer.from(`(no answer: ${(error as Error).message})`), isMissing: true });
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
  return answers;
}

async function open({ host, port }: Address, protocol: 2 | 3): Promise<RedisConnection> {
  const connection = await RedisConnection.open(port, host);
  if (protocol === 3) await connection.call("HELLO", "3");
  return connection;
}

function endOfPipeline(steps: readonly Step[], start: number): number {
  const first = steps[start];
  let end = start + 1;
  if (first?.kind !== "command") return end;
  for (let step = steps[end]; step?.kind === "command" && step.connection === first.connection; step = steps[end])
    end++;
  return end;
}

async function playPipeline(
  connections: readonly [RedisConnection, RedisConnection],
  address: Address,
  steps: readonly Step[],
): Promise<Answer[]> {
  const first = steps[0] as Step;
  switch (first.kind) {
    case "command": {
      const commands = steps.map((step) => (step.kind === "command" ? step.words : []));
      const counts = commands.map(replyCountOf);
      const wire = Buffer.concat(commands.map((words) => encodeCommand(words)));
      const total = counts.reduce((sum, count) => sum + count, 0);
      const replies = await connections[first.connection].exchange(wire, total);
      return commands.map((words, i) => ({ words, bytes: Buffer.concat(replies.splice(0, counts[i])) }));
    }
    case "property": {
      const wire = Buffer.concat(first.commands.map((words) => encodeCommand(words)));
      const replies = await connections[0].exchange(wire, first.commands.length);
      const verdict = first.property(replies.map(parseReply)) ?? "holds";
      return [{ words: ["property"], bytes: Buffer.from(`${verdict} ${replies.map(shapeOf).join(" ")}`) }];
    }
    case "drain":
      return [{ words: ["drain"], bytes: await drain(connections[1]) }];
    case "bytes":
      return [{ words: ["bytes"], bytes: await answerToBytes(address, Buffer.from(first.bytes, "latin1")) }];
    default:
      return first satisfies never;
  }
}

/** A subscription answers once for each channel, everything else once, a refusal too. */
function replyCountOf(words: Words): number {
  return /^[ps]?(?:un)?subscribe$/i.test(words[0] ?? "") ? Math.max(1, words.length - 1) : 1;
}

/** What may be compared of a random outcome: an error whole, of anything else its sign and how many it holds. */
function shapeOf(bytes: Buffer): string {
  const reply = parseReply(bytes);
  if (reply.kind === "error") return reply.text;
  return "items" in reply ? `${reply.kind} of ${reply.items.length}` : reply.kind;
}

async function drain(connection: RedisConnection): Promise<Buffer> {
  const read: Buffer[] = [];
  connection.send(encodeCommand(["PING", DRAIN_MARK]));
  for (;;) {
    const [reply] = await connection.receive(1);
    read.push(reply as Buffer);
    // Patterns that match one message are told in the order of a hash table.
    if ((reply as Buffer).includes(DRAIN_MARK)) return Buffer.concat(read.toSorted(Buffer.compare));
  }
}

function answerToBytes({ host, port }: Address, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const read: Buffer[] = [];
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    socket.setTimeout(BYTES_DEADLINE_MS, () => {
      read.push(Buffer.from("(did not close)"));
      socket.destroy();
    });
    socket.on("data", (chunk: Buffer) => read.push(chunk));
    socket.on("error", () => socket.destroy()); // it closed while we wrote: what it said until then is its answer
    socket.on("close", () => resolve(withoutClientId(Buffer.concat(read))));
    socket.on("connect", () => socket.end(bytes));
  });
}

/** The number of the connection, which HELLO tells, is another on each server. */
function withoutClientId(answer: Buffer): Buffer {
  return Buffer.from(answer.toString("latin1").replace(/(\$2\r\nid\r\n:)\d+/g, "$1ID"), "latin1");
}
