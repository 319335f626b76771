// Spoiled bytes from clients and from servers through the data path as it is, with honest clients beside:
// `node servers/cacheproxy/bench/fuzz-cacheproxy.ts [--inputs 1000000] [--seed 1] [--smoke]`; exits 1 if anything throws,
// holds more than its limits, leaves a request without a reply, or tells somebody what is somebody else's. A failure
// prints the seed of its one input: `--seed S --inputs 1` repeats it.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createRandom, type Random } from "@kagami/clock";
import { valueOfKey } from "./fuzz-honest-server.ts";
import { FUZZ_LIMITS, type FuzzClient, FuzzWorld } from "./fuzz-world.ts";

/** A world serves this many inputs, so that what one of them leaves behind is found by the next ones. */
const INPUTS_PER_WORLD = 50;
/** A client holds its request line, a value and what comes behind them; buffers are twice that at most. */
const MAX_CLIENT_BYTES = 4 * (FUZZ_LIMITS.maxValueBytes + 65_536);
const SLOW_INPUT_MS = 1_000;

interface Totals {
  readonly kinds: Map<string, number>;
  bytes: number;
  honestReplies: number;
  told: number;
  maxHeldBytes: number;
  slowestMs: number;
}

interface Corpus {
  readonly requests: readonly string[];
  readonly replies: readonly string[];
}

function main(): void {
  const { values } = parseArgs({
    options: {
      inputs: { type: "string", default: "1000000" },
      seed: { type: "string", default: "1" },
      smoke: { type: "boolean", default: false },
    },
  });
  const inputCount = values.smoke ? 20_000 : Number(values.inputs);
  const firstSeed = Number(values.seed);
  const corpus = loadCorpus();
  const totals: Totals = { kinds: new Map(), bytes: 0, honestReplies: 0, told: 0, maxHeldBytes: 0, slowestMs: 0 };
  const startedMs = performance.now();
  let world: FuzzWorld | undefined;
  for (let i = 0; i < inputCount; i++) {
    const seed = firstSeed + i;
    if (i % INPUTS_PER_WORLD === 0) world = new FuzzWorld(createRandom(seed));
    try {
      runInput(world as FuzzWorld, createRandom(seed), corpus, totals);
    } catch (error) {
      const first = seed - (i % INPUTS_PER_WORLD);
      const what = error instanceof Error ? error.stack : String(error);
      process.stdout.write(`FAILED with seed ${seed} (world from --seed ${first}): ${what}\n`);
      process.exitCode = 1;
      break;
    }
    if ((i + 1) % 100_000 === 0) process.stderr.write(`${i + 1} inputs\n`);
  }
  report(totals, (performance.now() - startedMs) / 1000);
}

/** One spoiled client or server, and an honest client that goes on beside it. */
function runInput(world: FuzzWorld, random: Random, corpus: Corpus, totals: Totals): void {
  // The time of a processor, for the machine may be busy with other work.
  const startedMs = cpuMs();
  const isClient = random.chance(0.6);
  count(totals.kinds, isClient ? "client bytes" : "server bytes");
  const spoiled = world.addClient();
  const honest = world.addClient();
  const both = [spoiled, honest];
  world.spoil = isClient ? undefined : (reply) => spoilReply(reply, corpus, random, totals);

  const input = isClient
    ? mutate(Array.from({ length: random.int(1, 8) }, () => random.pick(corpus.requests)).join(""), random)
    : Array.from({ length: random.int(1, 8) }, () => soundRequest(`a${random.int(0, 99)}`, random).send).join("");
  totals.bytes += input.length;
  const secret = `b:${random.nextU32().toString(36)}`;
  let expected = "";
  for (const piece of pieces(input, random)) {
    // A client that is not read any more gets nothing in, as with a socket that is paused.
    if (!spoiled.connection.isClosed && !spoiled.wire.isPaused && !spoiled.wire.isEnded) {
      const bytes = Buffer.from(piece, "latin1");
      spoiled.connection.onBytes(bytes, 0, bytes.length);
      bytes.fill(0x21);
    }
    const request = soundRequest(`${secret}:${random.int(0, 9)}`, random);
    const bytes = Buffer.from(request.send, "latin1");
    honest.connection.onBytes(bytes, 0, bytes.length);
    expected += request.reply;
    if (random.chance(0.5)) world.settle(both);
    check(world, both, totals);
  }
  world.settle(both);
  if (!isClient) world.failPending(both);
  if (honest.told !== expected) throw new Error(differs(honest.told, expected));
  if (spoiled.told.includes(secret))
    throw new Error(`Somebody else's ${secret} was told: ${spoiled.told.slice(0, 400)}`);
  if (!spoiled.connection.isClosed && spoiled.connection.waitingCount > 0) {
    throw new Error(`${spoiled.connection.waitingCount} requests were never answered`);
  }
  totals.honestReplies += expected.length === 0 ? 0 : 1;
  totals.told += spoiled.told.length;
  world.closeClient(spoiled);
  world.closeClient(honest);
  const tookMs = cpuMs() - startedMs;
  totals.slowestMs = Math.max(totals.slowestMs, tookMs);
  if (tookMs > SLOW_INPUT_MS) throw new Error(`One input took ${tookMs.toFixed(0)} ms`);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function check(world: FuzzWorld, clients: readonly FuzzClient[], totals: Totals): void {
  for (const { connection } of clients) {
    const held = connection.heldBytes + connection.stagedBytes;
    totals.maxHeldBytes = Math.max(totals.maxHeldBytes, held);
    if (held > MAX_CLIENT_BYTES) throw new Error(`${held} bytes held for a client, ${MAX_CLIENT_BYTES} allowed`);
    if (connection.waitingCount > FUZZ_LIMITS.clientRequestLimit) {
      throw new Error(`${connection.waitingCount} requests of a client wait`);
    }
  }
  if (world.path.clients.size > 2) throw new Error(`${world.path.clients.size} clients are left of two`);
}

/** A request that means what it says, and all that may be said to it. */
function soundRequest(key: string, random: Random): { send: string; reply: string } {
  const value = valueOfKey(key);
  switch (random.int(0, 8)) {
    case 0:
      return { send: `set ${key} 0 0 3\r\nabc\r\n`, reply: "STORED\r\n" };
    case 1:
      return { send: `mg ${key} v k O7\r\n`, reply: `VA ${value.length} k${key} O7\r\n${value}\r\n` };
    case 2: {
      const other = `${key}x`;
      const second = valueOfKey(other);
      const values = `VALUE ${key} 0 ${value.length}\r\n${value}\r\nVALUE ${other} 0 ${second.length}\r\n${second}\r\n`;
      return { send: `get ${key}~ ${key} ${key}1~ ${other} ${other}~\r\n`, reply: `${values}END\r\n` };
    }
    case 3:
      return { send: `delete ${key} noreply\r\nmn\r\n`, reply: "MN\r\n" };
    case 4:
      return { send: `ms ${key} 1 q\r\nx\r\nincr ${key} 1\r\n`, reply: "1\r\n" };
    case 5:
      return { send: `get ${key}~\r\n`, reply: "END\r\n" };
    default:
      return { send: `get ${key}\r\n`, reply: `VALUE ${key} 0 ${value.length}\r\n${value}\r\nEND\r\n` };
  }
}

function spoilReply(reply: Uint8Array, corpus: Corpus, random: Random, totals: Totals): Uint8Array {
  if (random.chance(0.4)) return reply;
  const text = random.chance(0.7) ? Buffer.from(reply).toString("latin1") : random.pick(corpus.replies);
  const spoiled = Buffer.from(mutate(text, random), "latin1");
  totals.bytes += spoiled.length;
  return spoiled;
}

const TOKENS = [
  "\r\n",
  "\n",
  " ",
  "\0",
  "noreply",
  "q",
  "q q",
  "k",
  "b",
  "-1",
  "4294967297",
  "VA 5\r\n",
  "END\r\n",
  "VALUE x 0 9\r\n",
];
const MORE_TOKENS = [
  "get ",
  "ms a 5 ",
  "mg YQ== b ",
  "\x80\x00\x00\x01",
  "SERVER_ERROR x\r\n",
  "99999999999",
  "HD\r\n",
  "\xff",
];

function mutate(text: string, random: Random): string {
  let result = text;
  for (let i = random.int(0, 6); i > 0; i--) {
    const at = random.int(0, result.length);
    const length = random.pick([1, 1, 2, 8, 40]);
    switch (random.int(0, 5)) {
      case 0:
        result = result.slice(0, at) + String.fromCharCode(random.int(0, 255)) + result.slice(at + 1);
        break;
      case 1:
        result = result.slice(0, at) + result.slice(at + length);
        break;
      case 2:
        result = result.slice(0, at) + random.pick(random.chance(0.5) ? TOKENS : MORE_TOKENS) + result.slice(at);
        break;
      case 3:
        result = result.slice(0, at) + result.slice(at, at + length).repeat(random.int(1, 20)) + result.slice(at);
        break;
      case 4:
        result = result.slice(0, at);
        break;
      default:
        result = result.replace(/\d+/, () => random.pick(["0", "1", "7", "-1", "4294967297", "99999", "2147483645"]));
    }
  }
  return result.slice(0, 60_000);
}

/** Cuts input as a network might: whole, in packets, or in crumbs. */
function* pieces(text: string, random: Random): Generator<string> {
  const maxLength = random.pick([100_000, 100_000, 400, 60, 12]);
  for (let at = 0; at < text.length; ) {
    const end = at + random.int(1, maxLength);
    yield text.slice(at, end);
    at = end;
  }
}

function loadCorpus(): Corpus {
  const text = readFileSync(new URL("../testdata/samples.json", import.meta.url), "utf8");
  const { samples } = JSON.parse(text) as { readonly samples: readonly { send: string; reply: string }[] };
  const binary = [
    frame(0x00, "a"),
    frame(0x0c, "k2"),
    frame(0x0a, ""),
    frame(0x14, "a"),
    frame(0x01, "a", "\0".repeat(8), "v"),
  ];
  binary.push(frame(0x10, ""), frame(0x08, ""), frame(0x05, "n", "\0".repeat(20)), frame(0x20, ""), frame(0x17, ""));
  const requests = samples.map(({ send }) => send).filter((send) => send.length < 5_000);
  return {
    requests: [...requests, ...Array.from({ length: 8 }, () => binary).flat()],
    replies: samples.map(({ reply }) => reply).filter((reply) => reply !== "" && reply.length < 5_000),
  };
}

function frame(opcode: number, key: string, extras = "", value = ""): string {
  const header = Buffer.alloc(24);
  header[0] = 0x80;
  header[1] = opcode;
  header.writeUInt16BE(key.length, 2);
  header[4] = extras.length;
  header.writeUInt32BE(extras.length + key.length + value.length, 8);
  return header.toString("latin1") + extras + key + value;
}

function differs(told: string, expected: string): string {
  let at = 0;
  while (at < told.length && told[at] === expected[at]) at++;
  const window = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 60), at + 120));
  return `An honest client was told ${window(told)} instead of ${window(expected)}`;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function report(totals: Totals, tookS: number): void {
  const inputs = [...totals.kinds.values()].reduce((sum, each) => sum + each, 0);
  const lines = [
    `${inputs} inputs (${[...totals.kinds].map(([kind, each]) => `${kind} ${each}`).join(", ")}), ` +
      `${(totals.bytes / 1e6).toFixed(0)} MB spoiled, in ${tookS.toFixed(1)} s`,
    `${(totals.told / 1e6).toFixed(0)} MB told to spoiled clients; ${totals.honestReplies} honest clients beside them`,
    `slowest input: ${totals.slowestMs.toFixed(1)} ms; most held for a client: ${totals.maxHeldBytes} bytes`,
    process.exitCode === 1 ? "FAILED" : "no exception, no limit broken, nobody told what is another's",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

main();
