// Bytes that lists, sets, sorted sets and hashes take, small and big, against redis-server. Run Node with --expose-gc.
//
// Ours: live blocks of the heap, what structures keep outside of it, and JavaScript's heap, each as it has grown.
// Redis: `used_memory` as it has grown. Both with the keys, which have 10 bytes, and their share of the key table.
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { startRedis } from "@kagami/testkit";
import { Engine } from "../src/engine/engine.ts";
import { Session } from "../src/engine/session.ts";
import { Args } from "../src/protocol/args.ts";
import { ReplyWriter } from "../src/protocol/reply-writer.ts";

const isSmoke = process.argv.includes("--smoke");
/** Elements of a case in all. */
const ELEMENTS = isSmoke ? 2_000 : 500_000;
/** What a store says to take for a JavaScript object that is really counted here. */
const SAID_OBJECT_BYTES = 120;

interface Case {
  readonly name: string;
  readonly command: string;
  /** Elements of a key. */
  readonly size: number;
  readonly element: (index: number) => readonly string[];
}

const word = (index: number): string => `member:${String(index).padStart(7, "0")}`;
const CASES: readonly Case[] = [
  { name: "hashes of 5", command: "HSET", size: 5, element: (i) => [`field${i}`, `value:${i % 10_000}`] },
  { name: "hashes of 100", command: "HSET", size: 100, element: (i) => [`field${i}`, `value:${i % 10_000}`] },
  { name: "a hash", command: "HSET", size: ELEMENTS, element: (i) => [word(i), `value:${i % 10_000}`] },
  { name: "sets of 10 words", command: "SADD", size: 10, element: (i) => [word(i)] },
  { name: "sets of 60 words", command: "SADD", size: 60, element: (i) => [word(i)] },
  { name: "sets of 10 numbers", command: "SADD", size: 10, element: (i) => [String(i * 3_001)] },
  { name: "sets of 500 numbers", command: "SADD", size: 500, element: (i) => [String(i * 3_001)] },
  { name: "a set of words", command: "SADD", size: ELEMENTS, element: (i) => [word(i)] },
  { name: "sorted sets of 10", command: "ZADD", size: 10, element: (i) => [String(i * 7), word(i)] },
  { name: "lists of 10 words", command: "RPUSH", size: 10, element: (i) => [word(i)] },
  { name: "a list of words", command: "RPUSH", size: ELEMENTS, element: (i) => [word(i)] },
];

function commandsOf({ command, size, element }: Case): string[][] {
  const commands: string[][] = [];
  for (let first = 0; first < ELEMENTS; first += Math.min(size, 500)) {
    const count = Math.min(size, 500, ELEMENTS - first);
    const key = `key:${String(Math.floor(first / size)).padStart(6, "0")}`;
    const elements = Array.from({ length: count }, (_, i) => element(size < 1_000 ? i : first + i));
    commands.push([command, key, ...elements.flat()]);
  }
  return commands;
}

function grownBytes(engine: Engine): number {
  globalThis.gc?.();
  const { heap, objects } = engine.store;
  const outside = heap.outsideBytes - SAID_OBJECT_BYTES * objects.size;
  return heap.use.liveBytes + outside + process.memoryUsage().heapUsed;
}

function ours(commands: readonly string[][]): number {
  const engine = new Engine({
    hashSeed: 1,
    hashPassword: (bytes) => createHash("sha256").update(bytes).digest("hex"),
    clockUs: () => 0,
  });
  const session = new Session(1, { send: () => undefined, close: () => undefined }, engine.users.defaultUser);
  const reply = new ReplyWriter();
  const args = new Args();
  const encoded = commands.map((words) => words.map((text) => new TextEncoder().encode(text)));
  const before = grownBytes(engine);
  for (const words of encoded) {
    args.assign(words);
    engine.beginTurn(1_700_000_000_000, 1);
    engine.execute(session, args, reply);
    engine.endTurn();
    reply.length = 0;
  }
  args.clear();
  const after = grownBytes(engine);
  // Its use here keeps what was sent alive until both are measured.
  return encoded.length === 0 ? 0 : after - before;
}

/** Sends commands and returns what comes back up to the reply to a last PING. */
function exchange(socket: Socket, commands: readonly (readonly string[])[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let read = "";
    const onData = (chunk: Buffer): void => {
      read += chunk.toString("latin1");
      if (!read.endsWith("+PONG\r\n")) return;
      socket.off("data", onData).off("error", reject);
      resolve(read);
    };
    socket.on("data", onData);
    socket.once("error", reject);
    for (const words of [...commands, ["PING"]]) {
      socket.write(`*${words.length}\r\n${words.map((text) => `$${text.length}\r\n${text}\r\n`).join("")}`);
    }
  });
}

async function theirs(socket: Socket, commands: readonly string[][]): Promise<number> {
  const usedBytes = async (): Promise<number> => {
    return Number(/used_memory:(\d+)/.exec(await exchange(socket, [["INFO", "memory"]]))?.[1]);
  };
  await exchange(socket, [["FLUSHALL"]]);
  const before = await usedBytes();
  for (let i = 0; i < commands.length; i += 100) await exchange(socket, commands.slice(i, i + 100));
  return (await usedBytes()) - before;
}

const redis = await startRedis();
const socket = connect(redis.port, "127.0.0.1");
try {
  for (const entry of CASES) {
    const commands = commandsOf(entry);
    const theirBytes = (await theirs(socket, commands)) / ELEMENTS;
    const ourBytes = ours(commands) / ELEMENTS;
    const figures = `${ourBytes.toFixed(1)} of ours, ${theirBytes.toFixed(1)} of Redis's`;
    console.log(`${entry.name.padEnd(20)} ${figures}, ${(ourBytes / theirBytes).toFixed(2)}x, bytes an element`);
  }
} finally {
  socket.destroy();
  await redis.stop();
}
