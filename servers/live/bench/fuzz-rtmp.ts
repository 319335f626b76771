// Spoiled input for everything that a stranger's bytes reach: handshake, chunks, commands, AMF, FLV bodies.
// `node servers/live/bench/fuzz-rtmp.ts [--inputs 1000000] [--seed 1] [--smoke]`; exits 1 if anything throws, or holds
// or answers more than its limits allow. A failure prints the seed of its one input: `--seed S --inputs 1` repeats it.
import { parseArgs } from "node:util";
import {
  AmfEcmaArray,
  DEFAULT_RTMP_LIMITS,
  decodeAmf0Sequence,
  decodeAmf3,
  encodeAmf0,
  encodeAmf3,
  RtmpClientSession,
  type RtmpEvent,
  RtmpServerSession,
} from "../src/protocol/rtmp/index.ts";
import { plainHello, seededBytes } from "../src/protocol/rtmp/test-peer.ts";
import { type FuzzCorpus, loadCorpus } from "./fuzz-corpus.ts";
import { FlvSink } from "./fuzz-flv.ts";
import { FuzzRandom, mutate } from "./fuzz-mutate.ts";

/** More than this for one input is a failure: inputs are short, so it would be an amplification. */
const MAX_OUTPUT_BYTES = 262_144;
/** An input of some kilobytes that takes this long is an algorithmic attack, even on a busy machine. */
const MAX_INPUT_MS = 1_000;
const SUSPICIOUS_MS = 20;
const MAX_HELD_BYTES = DEFAULT_RTMP_LIMITS.afterAccept.maxPartialBytes + DEFAULT_RTMP_LIMITS.maxUndecidedBytes;

const TARGETS = ["server", "server", "server", "server", "handshake", "client", "amf0", "amf3", "flv"] as const;
type Target = (typeof TARGETS)[number];

interface Totals {
  readonly inputs: Map<string, number>;
  readonly endings: Map<string, number>;
  events: number;
  bytes: number;
  maxHeldBytes: number;
  maxOutputBytes: number;
  slowestMs: number;
  slowest: string;
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
  const totals = newTotals();
  const startedMs = performance.now();
  for (let i = 0; i < inputCount; i++) {
    const seed = firstSeed + i;
    try {
      runInput(seed, corpus, totals);
    } catch (error) {
      process.stdout.write(`FAILED with seed ${seed}: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exitCode = 1;
      break;
    }
    if ((i + 1) % 100_000 === 0) process.stderr.write(`${i + 1} inputs\n`);
  }
  report(totals, (performance.now() - startedMs) / 1000);
}

/** One input, all of it made from `seed`. A slow one is repeated: a busy machine is not slow thrice in the same place. */
function runInput(seed: number, corpus: FuzzCorpus, totals: Totals): void {
  const target = new FuzzRandom(seed).pick(TARGETS);
  let tookMs = Number.POSITIVE_INFINITY;
  let sizeBytes = 0;
  for (let attempt = 0; attempt < 3 && tookMs > SUSPICIOUS_MS; attempt++) {
    const random = new FuzzRandom(seed);
    random.pick(TARGETS);
    const startedMs = performance.now();
    sizeBytes = TARGET_RUNS[target](random, corpus, attempt === 0 ? totals : newTotals());
    tookMs = Math.min(tookMs, performance.now() - startedMs);
  }
  count(totals.inputs, target);
  totals.bytes += sizeBytes;
  if (tookMs > totals.slowestMs) {
    totals.slowestMs = tookMs;
    totals.slowest = `${target}, seed ${seed}, ${sizeBytes} bytes`;
  }
  if (tookMs > MAX_INPUT_MS) throw new Error(`${target}: ${sizeBytes} bytes took ${tookMs.toFixed(0)} ms`);
}

const TARGET_RUNS: Record<Target, (random: FuzzRandom, corpus: FuzzCorpus, totals: Totals) => number> = {
  server(random, corpus, totals) {
    const session = new RtmpServerSession({ randomBytes: seededBytes(1), nowMs: 0 });
    session.receive(plainHello(), 0);
    return feedServer(session, mutate(random.pick(corpus.clientChunks), random), random, totals);
  },
  handshake(random, corpus, totals) {
    const session = new RtmpServerSession({ randomBytes: seededBytes(1), nowMs: 0 });
    return feedServer(session, mutate(random.pick(corpus.clientStreams), random), random, totals);
  },
  client(random, corpus, totals) {
    const names = { app: "live", tcUrl: "rtmp://h/live", streamName: "name" };
    const mode = random.below(2) === 0 ? "publish" : "play";
    const session = new RtmpClientSession({ mode, ...names, randomBytes: seededBytes(1), nowMs: 0 });
    session.receive(plainHello(), 0);
    const bytes = mutate(random.pick(corpus.serverChunks), random);
    for (const piece of pieces(bytes, random)) {
      for (const event of session.receive(piece, 1)) ending(event, totals);
      session.takeOutput();
    }
    return bytes.length;
  },
  amf0(random, corpus, totals) {
    const bytes = mutate(random.pick(corpus.amf0), random);
    const decoded = decodeAmf0Sequence(bytes);
    // What was decoded must be safe to write out: players are sent the metadata of publishers.
    if (decoded.ok) encodeAmf0(...decoded.values);
    count(totals.endings, decoded.ok ? "AMF decoded" : decoded.code);
    return bytes.length;
  },
  amf3(random, corpus, totals) {
    const bytes = mutate(random.pick(corpus.amf3), random);
    const decoded = decodeAmf3(bytes);
    if (decoded.ok) encodeAmf3(decoded.value);
    count(totals.endings, decoded.ok ? "AMF decoded" : decoded.code);
    return bytes.length;
  },
  flv(random, corpus, totals) {
    const messageType = random.below(2) === 0 ? 9 : 8;
    const bodies = messageType === 9 ? corpus.flvVideo : corpus.flvAudio;
    const sink = new FlvSink();
    // The first body is a sound configuration; without it, no frame would be looked into.
    if (random.below(4) > 0) sink.read(messageType, bodies[0] as Uint8Array);
    const bytes = mutate(random.pick(bodies), random);
    count(totals.endings, sink.read(messageType, bytes));
    return bytes.length;
  },
};

/** Plays input into a session as a shell would: it answers, mostly yes, sometimes late, and asks for deadlines. */
function feedServer(session: RtmpServerSession, bytes: Uint8Array, random: FuzzRandom, totals: Totals): number {
  let outputBytes = 0;
  let nowMs = 0;
  const late: RtmpEvent[] = [];
  const sink = new FlvSink();
  for (const piece of pieces(bytes, random)) {
    nowMs += random.below(20);
    const events = session.receive(piece, nowMs);
    for (const event of late.splice(0)) events.push(...answer(session, event, random));
    for (const event of events) {
      checkEvent(event, sink, totals);
      if (random.below(4) === 0) late.push(event);
      else for (const held of answer(session, event, random)) checkEvent(held, sink, totals);
    }
    totals.maxHeldBytes = Math.max(totals.maxHeldBytes, session.heldBytes);
    if (session.heldBytes > MAX_HELD_BYTES)
      throw new Error(`${session.heldBytes} bytes held, ${MAX_HELD_BYTES} allowed`);
    for (const output of session.takeOutput()) outputBytes += output.length;
  }
  for (const event of session.onDeadline(nowMs + random.below(100_000))) checkEvent(event, sink, totals);
  totals.maxOutputBytes = Math.max(totals.maxOutputBytes, outputBytes);
  if (outputBytes > MAX_OUTPUT_BYTES) throw new Error(`${bytes.length} bytes were answered with ${outputBytes}`);
  return bytes.length;
}

function answer(session: RtmpServerSession, event: RtmpEvent, random: FuzzRandom): RtmpEvent[] {
  const isWelcome = random.below(8) > 0;
  if (event.kind === "publish") {
    if (isWelcome) return session.acceptPublish(event.streamId);
    session.rejectPublish(event.streamId, "NetStream.Publish.BadName", "No");
  } else if (event.kind === "play") {
    if (isWelcome) session.acceptPlay(event.streamId);
    else session.rejectPlay(event.streamId, "NetStream.Play.StreamNotFound", "No");
    if (random.below(4) === 0) session.endPlay(event.streamId);
  } else if (event.kind === "connect") {
    session.requestReconnect();
  }
  return [];
}

/** What the session promises about its events, and what the shell does with them. */
function checkEvent(event: RtmpEvent, sink: FlvSink, totals: Totals): void {
  totals.events++;
  ending(event, totals);
  if (event.kind === "media") {
    const size = event.payload.length;
    if (size === 0 || size > DEFAULT_RTMP_LIMITS.afterAccept.maxMessageBytes) throw new Error(`media of ${size} bytes`);
    if (event.timestampMs >>> 0 !== event.timestampMs) throw new Error(`timestamp ${event.timestampMs}`);
    count(totals.endings, sink.read(event.messageType, event.payload));
  } else if (event.kind === "metadata") {
    encodeAmf0("onMetaData", new AmfEcmaArray(event.value));
  }
}

/** Cuts input as a network might: whole, in packets, or in crumbs. */
function* pieces(bytes: Uint8Array, random: FuzzRandom): Generator<Uint8Array> {
  const maxBytes = random.pick([1e9, 1e9, 1460, 200, 40]);
  for (let offset = 0; offset < bytes.length; ) {
    const piece = bytes.subarray(offset, offset + 1 + random.below(maxBytes));
    offset += piece.length;
    yield piece;
  }
}

function ending(event: { readonly kind: string; readonly code?: string }, totals: Totals): void {
  count(totals.endings, event.kind === "error" ? (event.code ?? "") : event.kind);
}

function newTotals(): Totals {
  return {
    inputs: new Map(),
    endings: new Map(),
    events: 0,
    bytes: 0,
    maxHeldBytes: 0,
    maxOutputBytes: 0,
    slowestMs: 0,
    slowest: "",
  };
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function report(totals: Totals, tookS: number): void {
  const inputCount = [...totals.inputs.values()].reduce((sum, each) => sum + each, 0);
  const lines = [
    `${inputCount} inputs, ${(totals.bytes / 1e6).toFixed(0)} MB, ${totals.events} events in ${tookS.toFixed(1)} s`,
    `targets: ${table(totals.inputs)}`,
    `outcomes: ${table(totals.endings)}`,
    `slowest input: ${totals.slowestMs.toFixed(1)} ms (${totals.slowest})`,
    `most memory held by a session: ${totals.maxHeldBytes} bytes; most output: ${totals.maxOutputBytes} bytes`,
    process.exitCode === 1 ? "FAILED" : "no exception, no limit broken",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function table(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].toSorted((a, b) => b[1] - a[1]);
  return sorted.map(([key, number]) => `${key} ${number}`).join(", ");
}

main();
